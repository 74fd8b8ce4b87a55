"""The keypoint index against its specification: plain distances in numpy, and a dictionary of owners."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.codebook import PARTS, WORDS, Codebook
from index.keypoints import MAX_OWNER, Hits, KeypointIndex, Places
from provenance.describe.keypoints import local_features
from provenance.errors import IndexCorruptError
from tests.describe.pictures import scene

Descriptors = NDArray[np.uint8]

VALUES = np.arange(1, PARTS + 1) * 15
NORM = float(np.linalg.norm(VALUES))
"""Every descriptor of `some` is these values in some order, so the words of `exact` lose nothing."""


@cache
def exact() -> Codebook:
    """A codebook of four lists, all of them searched, that keeps the first 16 values as they are."""
    words = np.full((PARTS, WORDS, 1), 9.0, np.float32)
    words[:, : len(VALUES), 0] = VALUES / NORM
    lists = np.random.default_rng(0).random((4, PARTS)).astype(np.float32)
    return Codebook(np.zeros(128, np.float32), np.eye(128, PARTS, dtype=np.float32), lists, words)


def some(count: int, seed: int) -> Descriptors:
    """Descriptors that `exact` keeps exactly."""
    rng, rows = np.random.default_rng(seed), np.zeros((count, 128), np.uint8)
    for row in rows:
        row[:PARTS] = rng.permutation(VALUES)
    return rows


def anywhere(count: int, seed: int) -> Places:
    """Places within a picture."""
    rng = np.random.default_rng(seed)
    x, y, size, angle = rng.random((4, count)).astype(np.float32)
    return Places(x, y, size * np.float32(0.2) + np.float32(0.001), angle * np.float32(360))


def index_of(counts: dict[int, int]) -> tuple[KeypointIndex, dict[int, Descriptors]]:
    """An index of owners with so many keypoints each, and their descriptors."""
    model = {owner: some(count, owner) for owner, count in counts.items()}
    index = KeypointIndex(exact())
    places = [anywhere(count, owner) for owner, count in counts.items()]
    index.add(np.array(list(model), np.int64), list(model.values()), places)
    return index, model


def nearest(model: dict[int, Descriptors], query: Descriptors) -> dict[int, float]:
    """By owner with keypoints, the squared distance of its nearest to one descriptor: the specification."""
    short = query[:PARTS].astype(np.int64)
    return {
        owner: float(((rows[:, :PARTS].astype(np.int64) - short) ** 2).sum(axis=1).min()) / NORM**2
        for owner, rows in model.items()
        if len(rows)
    }


def of_row(hits: Hits, row: int) -> dict[int, float]:
    which = hits.row == row
    owners = hits.owner[which].tolist()
    assert len(owners) == len(set(owners)), "an owner is there once a row"
    return dict(zip(owners, hits.distance[which].tolist(), strict=True))


def assert_answers_as(model: dict[int, Descriptors], index: KeypointIndex, queries: Descriptors) -> None:
    """All owners with keypoints, each with its nearest distance, and nobody else."""
    hits = index.search(queries, max(1, index.keypoints))
    for row, query in enumerate(queries):
        assert of_row(hits, row) == pytest.approx(nearest(model, query), abs=1e-5)


# ---------------------------------------------------------------- search


@pytest.mark.parametrize("k", [1, 3, 8, 30])
def test_the_nearest_keypoints_are_those_of_plain_distances(k: int) -> None:
    index, model = index_of({3: 12, 7: 1, 8: 0, 20: 9, MAX_OWNER: 5})
    everything = np.concatenate(list(model.values()))
    queries = np.concatenate([some(20, 99), everything[::4]])
    hits = index.search(queries, k)
    assert (np.diff(hits.row) >= 0).all()
    for row, query in enumerate(queries):
        distances = ((everything[:, :PARTS].astype(int) - query[:PARTS].astype(int)) ** 2).sum(axis=1)
        last = float(np.sort(distances)[min(k, len(distances)) - 1]) / NORM**2
        found, wanted = of_row(hits, row), nearest(model, query)
        assert found == pytest.approx({owner: wanted[owner] for owner in found}, abs=1e-5)
        # Among keypoints as far as the last one any may be left out.
        assert {owner for owner, distance in wanted.items() if distance < last - 1e-5} <= set(found)
        assert max(found.values()) <= last + 1e-5
        np.testing.assert_allclose(hits.background[hits.row == row], last, atol=1e-5)


def test_a_keypoint_finds_itself_at_its_place() -> None:
    index, model = index_of({4: 15, 9: 15})
    for owner, rows in model.items():
        placed, hits = anywhere(15, owner), index.search(rows, 1)
        assert hits.row.tolist() == list(range(15))
        assert (hits.owner == owner).all()
        np.testing.assert_allclose(hits.distance, 0, atol=1e-6)
        assert np.abs(hits.places.x - placed.x).max() <= 0.5 / 256 + 1e-6
        assert np.abs(hits.places.y - placed.y).max() <= 0.5 / 256 + 1e-6
        assert np.abs(np.log2(hits.places.size / placed.size)).max() <= 0.5 / 16 + 1e-4
        turned = np.mod(hits.places.angle - placed.angle + 180, 360) - 180
        assert np.abs(turned).max() <= 0.5 * 360 / 256 + 1e-3


def test_angles_wrap_and_what_lies_outside_is_put_to_the_edge() -> None:
    rows = some(6, 1)
    x = np.array([-3, 0, 0.999, 1, 1.5, 1e6], np.float32)
    angle = np.array([0, 359.9, 360, -90, 450, 719.9], np.float32)
    size = np.array([0, 1e-9, 2.0**-14, 1, 4, 1e6], np.float32)
    for owner in (0, 1, MAX_OWNER):
        index = KeypointIndex(exact())
        index.add(np.array([owner]), [rows], [Places(x, x[::-1].copy(), size, angle)])
        hits = index.search(rows, 1)
        assert hits.owner.tolist() == [owner] * 6, "no place spills over into the owner"
        low, high = 0.5 / 256, 255.5 / 256
        np.testing.assert_allclose(hits.places.x, [low, low, high, high, high, high])
        np.testing.assert_allclose(hits.places.y, [high, high, high, high, low, low])
        np.testing.assert_allclose(hits.places.angle, [0, 0, 0, 270, 90, 0], atol=1e-3)
        largest = 2.0 ** (31 / 16)
        np.testing.assert_allclose(
            hits.places.size, [2.0**-14, 2.0**-14, 2.0**-14, 1, largest, largest], rtol=1e-6
        )


def test_real_keypoints_find_themselves_with_the_shipped_codebook() -> None:
    index, pictures = KeypointIndex(), [local_features(scene(seed), limit=100) for seed in range(4)]
    placed = [
        Places(one.points[:, 0] / 400, one.points[:, 1] / 400, one.scales / 400, one.angles)
        for one in pictures
    ]
    index.add(np.arange(4), [one.descriptors for one in pictures], placed)
    right = total = 0
    for owner, one in enumerate(pictures):
        hits = index.search(one.descriptors, 1)
        near = np.abs(hits.places.x - placed[owner].x[hits.row]) < 0.01
        right += int((near & (hits.owner == owner)).sum())
        total += len(one)
    assert right > 0.97 * total


def test_an_empty_index_and_an_empty_query_give_no_hits() -> None:
    empty, (full, _) = KeypointIndex(exact()), index_of({1: 4})
    assert (len(empty), empty.ids().tolist(), empty.keypoints) == (0, [], 0)
    assert empty.remove(np.array([1, 2])) == 0
    empty.add(np.zeros(0, np.int64), [], [])
    for hits in (empty.search(some(3, 0), 5), full.search(np.zeros((0, 128), np.uint8), 5)):
        assert len(hits) == len(hits.places) == len(hits.distance) == 0
        assert hits.owner.dtype == np.int64


def test_threads_may_search_at_once() -> None:
    index, _ = index_of(dict.fromkeys(range(30), 10))
    queries = [some(40, seed) for seed in range(100, 116)]
    alone = [index.search(one, 7) for one in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: index.search(one, 7), queries))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.owner, other.owner)
        np.testing.assert_array_equal(one.distance, other.distance)
        np.testing.assert_array_equal(one.places.angle, other.places.angle)


# ---------------------------------------------------------------- add and remove


def test_ids_are_ascending_and_owners_without_keypoints_count() -> None:
    index, _ = index_of({9: 2, 4: 0, 2**31 - 1: 1, 0: 3})
    assert index.ids().tolist() == [0, 4, 9, 2**31 - 1]
    assert index.ids().dtype == np.int64
    assert len(index) == 4
    index.ids()[:] = 5
    assert index.ids().tolist() == [0, 4, 9, 2**31 - 1], "what is given out is a copy"
    assert index.remove(np.array([4, 4, 77])) == 1
    assert index.ids().tolist() == [0, 9, 2**31 - 1]


def test_an_owner_added_again_has_only_its_new_keypoints() -> None:
    index, model = index_of({1: 5, 2: 5})
    model[1] = some(3, 50)
    index.add(np.array([1]), [model[1]], [anywhere(3, 50)])
    assert index.ids().tolist() == [1, 2]
    assert index.keypoints == 8
    assert_answers_as(model, index, np.concatenate([some(5, 1), some(5, 2), model[1]]))


def test_an_owner_added_twice_at_once_has_the_last_keypoints() -> None:
    index = KeypointIndex(exact())
    first, last = some(4, 1), some(2, 2)
    index.add(
        np.array([5, 6, 5]), [first, first, last], [anywhere(len(one), 0) for one in (first, first, last)]
    )
    assert index.ids().tolist() == [5, 6]
    assert_answers_as({5: last, 6: first}, index, np.concatenate([first, last]))


@pytest.mark.parametrize("others", [2, 200])
def test_a_removed_owner_is_not_returned_from_then_on(others: int, tmp_path: Path) -> None:
    index, model = index_of(dict.fromkeys(range(others + 2), 2))
    own = model.pop(1)
    assert index.remove(np.array([1])) == 1
    assert index.remove(np.array([1])) == 0
    assert_answers_as(model, index, own)
    index.save(tmp_path, descriptor="local 1", generation="1")
    assert_answers_as(model, index, own)
    loaded, _ = KeypointIndex.load(tmp_path, descriptor="local 1", codebook=exact())
    assert_answers_as(model, loaded, own)
    loaded.add(np.array([1]), [own], [anywhere(2, 1)])
    assert_answers_as({**model, 1: own}, loaded, own)


def test_removed_owners_take_no_places_of_others() -> None:
    index, model = index_of(dict.fromkeys(range(60), 2))
    copies = [60, 61, 62, 63, 64]
    index.add(np.array(copies), [model[7]] * 5, [anywhere(2, 0)] * 5)
    assert index.remove(np.array([7, *copies[:-1]])) == 5
    hits = index.search(model[7], 1)
    assert hits.owner.tolist() == [64, 64]
    np.testing.assert_allclose(hits.background, 0, atol=1e-6)


def test_a_removed_owner_that_comes_back_has_only_its_new_keypoints() -> None:
    index, model = index_of(dict.fromkeys(range(40), 2))
    old, model[3] = model[3], some(4, 77)
    index.remove(np.array([3, 5]))
    del model[5]
    index.add(np.array([3]), [model[3]], [anywhere(4, 77)])
    assert_answers_as(model, index, np.concatenate([old, model[3]]))


@pytest.mark.parametrize("owner", [-1, MAX_OWNER + 1, 2**40])
def test_an_owner_that_does_not_fit_the_key_is_refused(owner: int) -> None:
    index, model = index_of({1: 3})
    with pytest.raises(ValueError, match="owners must be"):
        index.add(np.array([1, owner]), [some(1, 0)] * 2, [anywhere(1, 0)] * 2)
    assert index.ids().tolist() == [1]
    assert_answers_as(model, index, model[1])


def test_parts_that_do_not_belong_together_are_refused_and_change_nothing() -> None:
    index, model = index_of({1: 3, 2: 3})
    two, three = some(2, 8), some(3, 9)
    for owners, descriptors, places in (
        ([1], [two, three], [anywhere(2, 0), anywhere(3, 0)]),
        ([1, 5], [two, three], [anywhere(2, 0)]),
        ([1, 5], [two], [anywhere(2, 0), anywhere(3, 0)]),
        ([1], [two], [anywhere(3, 0)]),
        ([1, 5], [two, three], [anywhere(3, 0), anywhere(2, 0)]),
    ):
        with pytest.raises(ValueError, match="each keypoint its place"):
            index.add(np.array(owners), descriptors, places)
        assert index.ids().tolist() == [1, 2]
        assert_answers_as(model, index, np.concatenate([model[1], two]))


_steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "search", "reload"]),
        st.lists(st.integers(0, 12), min_size=1, max_size=6),
        st.integers(0, 2**32 - 1),
    ),
    max_size=10,
)


@given(steps=_steps)
@settings(max_examples=15, deadline=None)
def test_any_history_equals_a_dictionary(steps: list[Any]) -> None:
    index, model = KeypointIndex(exact()), {}
    with tempfile.TemporaryDirectory() as folder:
        for action, owners, seed in steps:
            counts = np.random.default_rng(seed).integers(0, 4, len(owners)).tolist()
            rows = [some(count, seed + i) for i, count in enumerate(counts)]
            if action == "add":
                index.add(np.array(owners), rows, [anywhere(len(one), seed) for one in rows])
                model.update(zip(owners, rows, strict=True))
            elif action == "remove":
                assert index.remove(np.array(owners)) == len(set(owners) & set(model))
                model = {owner: one for owner, one in model.items() if owner not in owners}
            elif action == "reload":
                index.save(Path(folder), descriptor="local 1", generation=str(seed))
                index, generation = KeypointIndex.load(Path(folder), descriptor="local 1", codebook=exact())
                assert generation == str(seed)
            assert index.ids().tolist() == sorted(model)
            assert len(index) == len(model)
            assert index.keypoints >= sum(map(len, model.values()))
            assert_answers_as(model, index, some(3, seed))


# ---------------------------------------------------------------- save and load


@pytest.mark.parametrize("counts", [{}, {7: 0}, {owner: owner % 4 for owner in range(12)}])
def test_a_loaded_index_answers_as_the_saved_one(counts: dict[int, int], tmp_path: Path) -> None:
    index, model = index_of(counts) if counts else (KeypointIndex(exact()), {})
    index.save(tmp_path / "new" / "folder", descriptor="local 1", generation="db:7")
    loaded, generation = KeypointIndex.load(
        tmp_path / "new" / "folder", descriptor="local 1", codebook=exact()
    )
    assert generation == "db:7"
    assert loaded.ids().tolist() == sorted(counts)
    assert loaded.keypoints == index.keypoints
    assert_answers_as(model, loaded, some(5, 3))
    loaded.add(np.array([99]), [some(2, 99)], [anywhere(2, 99)])
    assert_answers_as({**model, 99: some(2, 99)}, loaded, some(5, 4))


def test_a_few_changes_are_saved_as_a_few_bytes_and_loaded_again(tmp_path: Path) -> None:
    index, model = index_of(dict.fromkeys(range(200), 3))
    index.save(tmp_path, descriptor="local 1", generation="1")
    base = sum(path.stat().st_size for path in tmp_path.glob("data-*"))
    index.add(
        np.array([5, 300, 301]), [some(2, 50), some(4, 300), some(0, 0)], [anywhere(n, n) for n in (2, 4, 0)]
    )
    index.remove(np.array([7, 8]))
    index.save(tmp_path, descriptor="local 1", generation="2")
    index.remove(np.array([300]))
    index.add(np.array([7]), [some(1, 70)], [anywhere(1, 7)])
    index.save(tmp_path, descriptor="local 1", generation="3")
    assert [path.stat().st_size < base / 4 for path in tmp_path.glob("delta-*")] == [True, True]
    model = {**model, 5: some(2, 50), 301: some(0, 0), 7: some(1, 70)}
    del model[8]
    loaded, generation = KeypointIndex.load(tmp_path, descriptor="local 1", codebook=exact())
    assert generation == "3"
    assert loaded.ids().tolist() == sorted(model)
    assert loaded.keypoints == sum(map(len, model.values()))
    assert_answers_as(model, loaded, np.concatenate([some(4, 300), some(1, 70), some(2, 50)]))


def test_damage_of_any_kind_is_noticed(tmp_path: Path) -> None:
    index, _ = index_of({1: 5, 2: 5})
    index.save(tmp_path, descriptor="local 1", generation="1")
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        for damaged in (b"", whole[: len(whole) // 2], whole[:-1], bytes(flipped), None):
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)
            with pytest.raises(IndexCorruptError, match="provenance db rebuild"):
                KeypointIndex.load(tmp_path, descriptor="local 1", codebook=exact())
        path.write_bytes(whole)
    assert KeypointIndex.load(tmp_path, descriptor="local 1", codebook=exact())[1] == "1"


def test_an_index_of_another_descriptor_or_engine_is_refused(tmp_path: Path) -> None:
    from index import open_engine

    index, _ = index_of({1: 5})
    index.save(tmp_path / "local", descriptor="local 1", generation="1")
    with pytest.raises(IndexCorruptError, match=r"'local 1'.*'local 2'"):
        KeypointIndex.load(tmp_path / "local", descriptor="local 2", codebook=exact())
    with pytest.raises(IndexCorruptError, match="is missing"):
        KeypointIndex.load(tmp_path / "elsewhere", descriptor="local 1")
    open_engine("faiss")(16, "cosine").save(tmp_path / "copy", descriptor="local 1", generation="1")
    with pytest.raises(IndexCorruptError, match="engine"):
        KeypointIndex.load(tmp_path / "copy", descriptor="local 1")
