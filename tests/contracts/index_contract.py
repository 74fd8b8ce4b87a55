"""What every vector engine must do; each engine's test class inherits IndexContract and sets `engine`."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import Metric, VectorIndex
from provenance.errors import DatabaseError, IndexCorruptError, StorageFullError

DIMENSION = 16
METRICS: tuple[Metric, ...] = ("cosine", "hamming")

_steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "search", "reload"]),
        st.lists(st.integers(0, 25), min_size=1, max_size=12),
        st.integers(0, 2**32 - 1),
    ),
    max_size=12,
)


def some_vectors(metric: Metric, count: int, seed: int = 0) -> np.ndarray:
    """Few distinct values, so that ties are common and every score is exact in float32."""
    rng = np.random.default_rng(seed)
    if metric == "hamming":
        return rng.integers(0, 4, (count, DIMENSION // 8), dtype=np.uint8)
    signs = rng.choice([-1.0, 1.0], (count, DIMENSION)).astype(np.float32)
    return signs / 4


def expected(
    model: dict[int, np.ndarray], query: np.ndarray, k: int, metric: Metric
) -> list[tuple[int, float]]:
    """The answer of a plain dictionary: scores by their definition, sorted."""

    def score(vector: np.ndarray) -> float:
        if metric == "cosine":
            return float(vector.astype(np.float64) @ query.astype(np.float64))
        return -float(np.unpackbits(vector ^ query).sum())

    scored = sorted((-score(vector), reference_id) for reference_id, vector in model.items())
    return [(reference_id, -negative) for negative, reference_id in scored[:k]]


def answers(index: VectorIndex, query: np.ndarray, k: int) -> list[tuple[int, float]]:
    ids, scores = index.search(query[None], k)
    assert ids.shape == scores.shape == (1, k)
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32
    assert ((ids == -1) == np.isneginf(scores)).all()
    return [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]


class IndexContract:
    """The behaviour of add, remove, search, save and load."""

    engine: type[Any]
    tolerance: ClassVar[dict[Metric, float]] = {"cosine": 0.0, "hamming": 0.0}
    """How far scores may be off where an engine keeps its vectors rounded; ranks follow its own scores."""

    def make(self, metric: Metric) -> Any:
        return self.engine(DIMENSION, metric)

    def filled(self, metric: Metric, count: int = 20) -> tuple[Any, dict[int, np.ndarray]]:
        index, vectors = self.make(metric), some_vectors(metric, count)
        ids = np.arange(count) * 7 + 3
        index.add(ids, vectors)
        return index, dict(zip(ids.tolist(), vectors, strict=True))

    def load(self, folder: Path, descriptor: str = "phash 1") -> tuple[Any, str]:
        return self.engine.load(folder, descriptor=descriptor)

    def check_answers(
        self, index: Any, model: dict[int, np.ndarray], query: np.ndarray, k: int, metric: Metric
    ) -> None:
        found, wanted = answers(index, query, k), expected(model, query, k, metric)
        tolerance = self.tolerance[metric]
        if not tolerance:
            assert found == wanted
            return
        true_scores = dict(expected(model, query, len(model), metric))
        assert len(found) == len(wanted)
        assert len({one for one, _ in found}) == len(found)
        assert found == sorted(found, key=lambda hit: (-hit[1], hit[0]))
        for (one, score), (_, best) in zip(found, wanted, strict=True):
            assert abs(score - true_scores[one]) <= tolerance
            assert score >= best - tolerance

    # ------------------------------------------------------------ dictionary

    @pytest.mark.parametrize("metric", METRICS)
    def test_an_empty_index_finds_nothing(self, metric: Metric) -> None:
        index = self.make(metric)
        assert len(index) == 0
        assert index.ids().tolist() == []
        assert 3 not in index
        assert answers(index, some_vectors(metric, 1)[0], 4) == []
        assert index.remove(np.array([1, 2])) == 0

    @pytest.mark.parametrize("metric", METRICS)
    def test_ids_come_back_ascending_and_once(self, metric: Metric) -> None:
        index = self.make(metric)
        index.add(np.array([9, 2**40, 4]), some_vectors(metric, 3))
        index.add(np.array([4, 5]), some_vectors(metric, 2, seed=1))
        assert index.ids().tolist() == [4, 5, 9, 2**40]
        assert index.ids().dtype == np.int64
        assert len(index) == 4
        assert np.int64(9) in index
        assert 2**40 in index
        assert "9" not in index

    @pytest.mark.parametrize("metric", METRICS)
    def test_an_id_added_twice_has_the_last_vector(self, metric: Metric) -> None:
        index, vectors = self.make(metric), some_vectors(metric, 3)
        index.add(np.array([1]), vectors[:1])
        index.add(np.array([1, 2, 1]), np.stack([vectors[0], vectors[2], vectors[1]]))
        assert len(index) == 2
        model = {1: vectors[1], 2: vectors[2]}
        self.check_answers(index, model, vectors[0], 5, metric)

    @pytest.mark.parametrize("metric", METRICS)
    def test_a_removed_vector_stops_matching_at_once(self, metric: Metric) -> None:
        index, model = self.filled(metric)
        gone = np.array([3, 10, 999])
        assert index.remove(gone) == 2
        assert index.remove(gone) == 0
        left = {key: value for key, value in model.items() if key not in (3, 10)}
        self.check_answers(index, left, model[3], 30, metric)
        assert 3 not in index

    # ------------------------------------------------------------ search

    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize("k", [1, 2, 5, 19, 20, 40])
    def test_ties_are_broken_by_ascending_id(self, metric: Metric, k: int) -> None:
        index, model = self.filled(metric)
        for query in some_vectors(metric, 5, seed=2):
            self.check_answers(index, model, query, k, metric)

    @pytest.mark.parametrize("metric", METRICS)
    def test_many_queries_give_the_same_as_one_by_one(self, metric: Metric) -> None:
        index, model = self.filled(metric)
        queries = some_vectors(metric, 50, seed=3)
        ids, _ = index.search(queries, 6)
        for query, row in zip(queries, ids.tolist(), strict=True):
            assert row == [one for one, _ in answers(index, query, 6)]
            self.check_answers(index, model, query, 6, metric)

    def test_no_queries_give_no_rows(self) -> None:
        index, _ = self.filled("cosine")
        ids, scores = index.search(np.empty((0, DIMENSION), np.float32), 3)
        assert ids.shape == scores.shape == (0, 3)

    @pytest.mark.parametrize("metric", METRICS)
    @given(steps=_steps)
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    def test_any_history_equals_a_dictionary(self, metric: Metric, steps: list[Any]) -> None:
        index, model = self.make(metric), {}
        with tempfile.TemporaryDirectory() as folder:
            for action, ids, seed in steps:
                vectors = some_vectors(metric, len(ids), seed)
                if action == "add":
                    index.add(np.array(ids), vectors)
                    model.update(zip(ids, vectors, strict=True))
                elif action == "remove":
                    assert index.remove(np.array(ids)) == len(set(ids) & set(model))
                    model = {key: value for key, value in model.items() if key not in ids}
                elif action == "search":
                    self.check_answers(index, model, vectors[0], len(ids), metric)
                else:
                    index.save(Path(folder), descriptor="phash 1", generation=str(seed))
                    index, generation = self.load(Path(folder))
                    assert generation == str(seed)
                assert index.ids().tolist() == sorted(model)

    # ------------------------------------------------------------ mistakes

    @pytest.mark.parametrize("metric", METRICS)
    def test_wrong_shapes_are_refused_and_change_nothing(self, metric: Metric) -> None:
        index, model = self.filled(metric)
        good = some_vectors(metric, 2)
        for ids, vectors in (
            (np.array([1]), good),
            (np.array([1, 2]), good[:, :-1]),
            (np.array([[1, 2]]), good),
            (np.array([1, -1]), good),
            (np.array([0.5, 1.5]), good),
        ):
            with pytest.raises(ValueError, match=r"ids|vectors"):
                index.add(ids, vectors)
        with pytest.raises(ValueError, match="vectors"):
            index.search(good[:, :-1], 1)
        with pytest.raises(ValueError, match="k must"):
            index.search(good, 0)
        assert index.ids().tolist() == sorted(model)

    def test_nan_and_float_hashes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            self.make("cosine").add(np.array([1]), np.full((1, DIMENSION), np.nan, np.float32))
        with pytest.raises(ValueError, match="packed bits"):
            self.make("hamming").add(np.array([1]), np.zeros((1, DIMENSION // 8), np.float32))
        with pytest.raises(ValueError, match="8 bits"):
            self.engine(12, "hamming")

    # ------------------------------------------------------------ save and load

    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize("count", [0, 1, 20])
    def test_a_loaded_index_answers_as_the_saved_one(
        self, metric: Metric, count: int, tmp_path: Path
    ) -> None:
        index, model = self.filled(metric, count)
        index.save(tmp_path / "new" / "folder", descriptor="phash 1", generation="db:7")
        loaded, generation = self.load(tmp_path / "new" / "folder")
        assert generation == "db:7"
        assert (loaded.dimension, loaded.metric, len(loaded)) == (DIMENSION, metric, count)
        for query in some_vectors(metric, 5, seed=4):
            self.check_answers(loaded, model, query, 7, metric)
        loaded.add(np.array([1]), some_vectors(metric, 1))
        assert loaded.remove(np.array([1, 3])) == 1 + (count > 0)

    def test_a_second_save_leaves_one_data_file(self, tmp_path: Path) -> None:
        index, _ = self.filled("hamming")
        for generation in ("1", "2", "3"):
            index.save(tmp_path, descriptor="phash 1", generation=generation)
        assert self.load(tmp_path)[1] == "3"
        assert len(list(tmp_path.iterdir())) == 2

    @pytest.mark.parametrize("metric", METRICS)
    @pytest.mark.parametrize("count", [3, 1000])
    def test_saves_of_changes_add_up_to_the_whole(self, metric: Metric, count: int, tmp_path: Path) -> None:
        index, model = self.filled(metric, count)
        rows = some_vectors(metric, 9, seed=5)

        def saved(generation: str) -> None:
            index.save(tmp_path, descriptor="phash 1", generation=generation)
            loaded, found = self.load(tmp_path)
            assert (found, loaded.ids().tolist()) == (generation, sorted(model))
            assert loaded.ids().tolist() == index.ids().tolist()
            for query in rows:
                self.check_answers(loaded, model, query, 7, metric)
                assert answers(loaded, query, 7) == answers(index, query, 7)

        saved("all")
        saved("nothing new")
        index.add(np.arange(1000, 1005), rows[:5])
        model |= dict(zip(range(1000, 1005), rows[:5], strict=True))
        saved("added")
        index.remove(np.array([3, 1001]))
        del model[3], model[1001]
        saved("removed, old and new")
        index.add(np.array([3, 10, 1002]), rows[5:8])
        model |= dict(zip((3, 10, 1002), rows[5:8], strict=True))
        saved("back again, and changed")
        index.remove(np.array([10]))
        index.add(np.array([10]), rows[8:])
        index.add(np.array([2000]), rows[8:])
        index.remove(np.array([2000]))
        model[10] = rows[8]
        saved("changed twice, and come and gone")

    @pytest.mark.parametrize("metric", METRICS)
    def test_of_two_that_save_in_turn_the_last_counts(self, metric: Metric, tmp_path: Path) -> None:
        first, model = self.filled(metric, 600)
        first.save(tmp_path, descriptor="phash 1", generation="0")
        second, _ = self.load(tmp_path)
        others = dict(model)
        for step in range(6):
            rows = some_vectors(metric, 2, seed=step)
            for index, its, ids, name in (
                (first, model, np.array([3, 900 + step]), "first"),
                (second, others, np.array([10, 800 + step]), "second"),
            ):
                gone = int(sorted(its)[step])
                index.remove(np.array([gone]))
                del its[gone]
                index.add(ids, rows)
                its |= dict(zip(ids.tolist(), rows, strict=True))
                index.save(tmp_path, descriptor="phash 1", generation=f"{name} {step}")
                loaded, generation = self.load(tmp_path)
                assert (generation, loaded.ids().tolist()) == (f"{name} {step}", sorted(its))
                for query in some_vectors(metric, 4, seed=100):
                    self.check_answers(loaded, its, query, 9, metric)

    @pytest.mark.parametrize("metric", METRICS)
    def test_damage_of_any_kind_is_noticed(self, metric: Metric, tmp_path: Path) -> None:
        index, _ = self.filled(metric)
        index.save(tmp_path, descriptor="phash 1", generation="0")
        index.add(np.array([1]), some_vectors(metric, 1))
        index.save(tmp_path, descriptor="phash 1", generation="1")
        for path in sorted(tmp_path.iterdir()):
            whole = path.read_bytes()
            flipped = bytearray(whole)
            flipped[len(whole) // 2] ^= 1
            for damaged in (b"", whole[:-1], whole + b"\0", bytes(flipped)):
                path.write_bytes(damaged)
                with pytest.raises(IndexCorruptError, match="provenance db rebuild"):
                    self.load(tmp_path)
            path.unlink()
            with pytest.raises(IndexCorruptError, match="provenance db rebuild"):
                self.load(tmp_path)
            path.write_bytes(whole)
        assert self.load(tmp_path)[1] == "1"

    def test_an_index_of_another_descriptor_is_refused(self, tmp_path: Path) -> None:
        index, _ = self.filled("hamming")
        index.save(tmp_path, descriptor="phash 1", generation="1")
        with pytest.raises(IndexCorruptError, match=r"'phash 1'.*'phash 2'"):
            self.load(tmp_path, "phash 2")
        with pytest.raises(IndexCorruptError, match="is missing"):
            self.load(tmp_path / "elsewhere")

    @pytest.mark.parametrize("call", ["index.storage.HashingWriter.write", "os.fsync", "os.replace"])
    def test_a_full_disk_keeps_the_old_index(
        self, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index, model = self.filled("cosine")
        index.save(tmp_path, descriptor="copy 1", generation="old")
        before = sorted(path.name for path in tmp_path.iterdir())

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        index.remove(np.array([3]))
        with monkeypatch.context() as patch, pytest.raises(StorageFullError, match="free some space"):
            patch.setattr(call, full)
            index.save(tmp_path, descriptor="copy 1", generation="new")
        loaded, generation = self.load(tmp_path, "copy 1")
        assert (generation, len(loaded)) == ("old", len(model))
        assert sorted(path.name for path in tmp_path.iterdir()) == before

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        index, _ = self.filled("cosine")
        with pytest.raises(DatabaseError, match="cannot be written"):
            index.save(tmp_path / "file", descriptor="copy 1", generation="1")
