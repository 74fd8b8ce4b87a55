"""The FAISS index keeps the contract in both forms, and its lists find what brute force finds."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import faiss
import numpy as np
import pytest

from index import Metric
from index.exact import ExactIndex
from index.faiss_engine import FaissIndex
from tests.contracts.index_contract import IndexContract

SCORE_ERROR = {"cosine": 0.003, "hamming": 0.0}
"""Lists keep embeddings as one byte a number."""


class EarlyListsIndex(FaissIndex):
    """Lists from the ninth vector on; so few that all are searched, and the answers are exact."""

    flat_limit: ClassVar = {"cosine": 8, "hamming": 8}


class ListsIndex(FaissIndex):
    """Lists at a size that a test can afford."""

    flat_limit: ClassVar = {"cosine": 2_000, "hamming": 2_000}


class TestFlatFaissIndex(IndexContract):
    engine = FaissIndex


class TestFaissIndexWithLists(IndexContract):
    engine = EarlyListsIndex
    tolerance: ClassVar = {"cosine": 0.006, "hamming": 0.0}  # one byte for each of 16 numbers


def clustered(metric: Metric, count: int, *, seed: int) -> np.ndarray:
    """Vectors around 400 centres, as photographs of 400 subjects lie."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((400, 128)).astype(np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, 128)).astype(np.float32)
    # A hash index is asked for near copies: there the nearest differ in a tenth of the bits.
    vectors = centres[rng.integers(0, 400, count)] + (0.3 if metric == "hamming" else 0.7) * noise
    if metric == "hamming":
        return np.packbits(vectors > 0, axis=1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("metric", ["cosine", "hamming"])
def test_lists_find_what_brute_force_finds(metric: Metric) -> None:
    references, queries = clustered(metric, 12_000, seed=1), clustered(metric, 200, seed=2)
    ids = np.random.default_rng(3).permutation(100_000)[: len(references)]
    exact, lists = ExactIndex(128, metric), ListsIndex(128, metric)
    for start in range(0, len(ids), 3_000):
        for index in (exact, lists):
            index.add(ids[start : start + 3_000], references[start : start + 3_000])
    assert lists.form == "lists"
    _, wanted_scores = exact.search(queries, 10)
    _, found_scores = lists.search(queries, 10)
    recall = np.mean(found_scores >= wanted_scores[:, -1:] - SCORE_ERROR[metric])  # a tie is as good
    assert recall >= 0.95
    np.testing.assert_allclose(found_scores[:, 0], wanted_scores[:, 0], atol=SCORE_ERROR[metric])


@pytest.mark.parametrize("metric", ["cosine", "hamming"])
def test_an_index_that_shrinks_becomes_flat_again_and_loses_nothing(metric: Metric, tmp_path: Path) -> None:
    references = clustered(metric, 2_500, seed=1)
    index = ListsIndex(128, metric)
    index.add(np.arange(2_500), references)
    assert index.form == "lists"
    index.save(tmp_path, descriptor="copy 1", generation="1")
    loaded, _ = ListsIndex.load(tmp_path, descriptor="copy 1")
    assert loaded.form == "lists"
    assert loaded.remove(np.arange(1_600)) == 1_600
    assert loaded.form == "flat"
    assert loaded.ids().tolist() == list(range(1_600, 2_500))
    found, _ = loaded.search(references[1_600:], 1)
    exact = ExactIndex(128, metric)
    exact.add(np.arange(1_600, 2_500), references[1_600:])
    assert found.tolist() == exact.search(references[1_600:], 1)[0].tolist()


@pytest.mark.parametrize("metric", ["cosine", "hamming"])
def test_a_save_of_a_few_more_writes_a_few_more(metric: Metric, tmp_path: Path) -> None:
    references = clustered(metric, 2_600, seed=1)
    index = ListsIndex(128, metric)
    index.add(np.arange(2_500), references[:2_500])
    index.save(tmp_path, descriptor="copy 1", generation="0")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("data-*")}
    for number in range(2_500, 2_516):
        index.add(np.array([number]), references[number : number + 1])
    index.save(tmp_path, descriptor="copy 1", generation="1")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("data-*")} == before
    [delta] = tmp_path.glob("delta-*")
    assert delta.stat().st_size < 16 * (128 + 16) + 512
    index.remove(np.arange(1_000))
    index.save(tmp_path, descriptor="copy 1", generation="2")
    assert len(list(tmp_path.iterdir())) == 2, "so large a hole is worth a new base"
    assert len(ListsIndex.load(tmp_path, descriptor="copy 1")[0]) == 1_516


def test_mapped_lists_outlive_their_file(tmp_path: Path) -> None:
    references = clustered("cosine", 4_000, seed=1)
    index = ListsIndex(128, "cosine")
    index.add(np.arange(2_500), references[:2_500])
    index.save(tmp_path, descriptor="copy 1", generation="0")
    reader, _ = ListsIndex.load(tmp_path, descriptor="copy 1")
    before = reader.search(references[:50], 5)[0].tolist()
    index.add(np.arange(2_500, 4_000), references[2_500:])
    index.save(tmp_path, descriptor="copy 1", generation="1")
    assert len(list(tmp_path.iterdir())) == 2
    assert reader.search(references[:50], 5)[0].tolist() == before
    reader.add(np.arange(2_500, 4_000), references[2_500:])
    assert reader.search(references[-50:], 1)[0][:, 0].tolist() == list(range(3_950, 4_000))


def test_an_index_that_cannot_be_mapped_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    references = clustered("cosine", 2_500, seed=1)
    index = ListsIndex(128, "cosine")
    index.add(np.arange(2_500), references)
    index.save(tmp_path, descriptor="copy 1", generation="0")
    before = index.search(references[:50], 5)[0].tolist()

    def fail(*_: object) -> None:
        raise RuntimeError("could not open")

    with monkeypatch.context() as patch:
        real = faiss.read_index
        patch.setattr(faiss, "read_index", lambda name, *flags: fail() if flags else real(name))
        loaded, _ = ListsIndex.load(tmp_path, descriptor="copy 1")
    loaded.remove(np.array([0]))
    index.remove(np.array([0]))
    assert loaded.search(references[:50], 5)[0].tolist() == index.search(references[:50], 5)[0].tolist()
    assert before != index.search(references[:50], 5)[0].tolist()


@pytest.mark.parametrize("metric", ["cosine", "hamming"])
def test_lists_asked_for_more_than_they_look_into_leave_places_empty(metric: Metric) -> None:
    references = clustered(metric, 2_500, seed=1)
    index = ListsIndex(128, metric)
    index.add(np.arange(2_500), references)
    ids, scores = index.search(references[:3], 2_499)
    assert ids[:, 0].tolist() == [0, 1, 2]
    assert ((ids == -1) == np.isneginf(scores)).all()
    assert (ids[:, -1] == -1).all()
    assert all(len(set(row[row >= 0])) == np.count_nonzero(row >= 0) > 500 for row in ids)
