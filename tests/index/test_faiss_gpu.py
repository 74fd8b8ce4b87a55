"""Searching on a GPU gives what the CPU gives, follows every change, and is given up when it fails.

Where there is no GPU, clones on the CPU stand in for its forms: that tests the handling of the copy, not
FAISS's kernels. The last test needs a real GPU.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np
import pytest

from index import faiss_gpu
from index.exact import ExactIndex
from index.faiss_engine import FaissIndex
from tests.contracts.index_contract import METRICS, IndexContract, some_vectors


@pytest.fixture
def cpu_in_place_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Let FAISS report a GPU; the list holds the copies that were made."""
    copies: list[Any] = []

    def copy(index: Any) -> Any:
        binary = isinstance(index, faiss.IndexBinary)
        copies.append(faiss.clone_binary_index(index) if binary else faiss.clone_index(index))
        return copies[-1]

    monkeypatch.setattr(faiss_gpu, "WORTH_COPYING", 1)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(faiss, "StandardGpuResources", object, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", lambda _, __, index: copy(index), raising=False)
    monkeypatch.setattr(faiss, "GpuIndexBinaryFlat", lambda _, index: copy(index), raising=False)
    return copies


@pytest.mark.usefixtures("cpu_in_place_of_a_gpu")
class TestFaissIndexWithACopy(IndexContract):
    engine = FaissIndex


class EarlyListsIndex(FaissIndex):
    """Lists from the ninth vector on."""

    flat_limit: ClassVar = {"cosine": 8, "hamming": 8}


@pytest.mark.usefixtures("cpu_in_place_of_a_gpu")
class TestFaissIndexWithListsAndACopy(IndexContract):
    engine = EarlyListsIndex
    tolerance: ClassVar = {"cosine": 0.006, "hamming": 0.0}


@pytest.mark.parametrize("metric", METRICS)
def test_the_copy_is_made_once_and_again_after_a_change(
    metric: Any, cpu_in_place_of_a_gpu: list[Any]
) -> None:
    index, vectors = FaissIndex(16, metric), some_vectors(metric, 6)
    index.add(np.arange(5), vectors[:5])
    for _ in range(3):
        index.search(vectors, 2)
    assert len(cpu_in_place_of_a_gpu) == 1
    index.remove(np.array([0]))
    assert 0 not in index.search(vectors, 5)[0]
    assert len(cpu_in_place_of_a_gpu) == 2
    index.add(np.array([9]), vectors[5:])
    assert 9 in index.search(vectors, 5)[0]
    assert len(cpu_in_place_of_a_gpu) == 3


def test_what_is_saved_is_the_cpu_form(cpu_in_place_of_a_gpu: list[Any], tmp_path: Path) -> None:
    index, vectors = FaissIndex(16, "cosine"), some_vectors("cosine", 6)
    index.add(np.arange(6), vectors)
    before = index.search(vectors, 3)[0].tolist()
    index.save(tmp_path, descriptor="copy 1", generation="1")
    loaded, _ = FaissIndex.load(tmp_path, descriptor="copy 1")
    assert loaded.search(vectors, 3)[0].tolist() == before
    assert len(cpu_in_place_of_a_gpu) == 2


def test_a_gpu_that_fails_is_given_up_for_the_cpu(
    cpu_in_place_of_a_gpu: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory on the GPU")

    monkeypatch.setattr(faiss, "index_cpu_to_gpu", fail)
    index, vectors = FaissIndex(16, "cosine"), some_vectors("cosine", 6)
    index.add(np.arange(6), vectors)
    with caplog.at_level(logging.WARNING):
        found = [index.search(vectors[:1], 1)[1][0, 0] for _ in range(3)]
    assert found == [1.0, 1.0, 1.0]
    assert len(caplog.records) == 1
    assert "out of memory" in caplog.text


def test_small_indexes_and_long_answers_stay_on_the_cpu(
    cpu_in_place_of_a_gpu: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, vectors = FaissIndex(16, "cosine"), some_vectors("cosine", 3_000)
    index.add(np.arange(3_000), vectors)
    assert index.search(vectors[:1], 2_500)[0].min() >= 0
    monkeypatch.setattr(faiss_gpu, "WORTH_COPYING", 10_000)
    index.search(vectors[:1], 1)
    assert cpu_in_place_of_a_gpu == []


@pytest.mark.skipif(getattr(faiss, "get_num_gpus", int)() == 0, reason="faiss finds no GPU")
@pytest.mark.parametrize("metric", METRICS)
def test_a_real_gpu_finds_what_brute_force_finds(metric: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_gpu, "WORTH_COPYING", 1)
    index, exact = FaissIndex(16, metric), ExactIndex(16, metric)
    for one in (index, exact):
        one.add(np.arange(500), some_vectors(metric, 500))
        one.remove(np.arange(0, 500, 7))
    queries = some_vectors(metric, 40, seed=1)
    for found, wanted in zip(index.search(queries, 10), exact.search(queries, 10), strict=True):
        assert found.tolist() == wanted.tolist()
