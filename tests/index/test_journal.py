"""A journal saves what changed, also where another process saved in between."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from index.faiss_engine import FaissIndex
from index.manifest import read_manifest

ROWS = np.random.default_rng(0).integers(0, 256, (500, 4), dtype=np.uint8)


def two_processes(folder: Path) -> tuple[FaissIndex, FaissIndex]:
    """Two indexes that were loaded from the same folder."""
    FaissIndex(32, "hamming").save(folder, descriptor="phash 1", generation="empty")
    first, _ = FaissIndex.load(folder, descriptor="phash 1")
    first.add(np.arange(400), ROWS[:400])
    first.save(folder, descriptor="phash 1", generation="0")
    return first, FaissIndex.load(folder, descriptor="phash 1")[0]


def test_what_another_process_saved_already_is_not_written_again(tmp_path: Path) -> None:
    first, second = two_processes(tmp_path)
    for index in (first, second):
        index.add(np.array([500]), ROWS[:1])
        index.save(tmp_path, descriptor="phash 1", generation="1")
    assert len(read_manifest(tmp_path).deltas) == 1
    second.add(np.array([501]), ROWS[:1])
    second.save(tmp_path, descriptor="phash 1", generation="2")
    assert len(read_manifest(tmp_path).deltas) == 2
    assert len(FaissIndex.load(tmp_path, descriptor="phash 1")[0]) == 402


def test_a_process_that_is_behind_leaves_the_base_alone(tmp_path: Path) -> None:
    first, second = two_processes(tmp_path)
    base = read_manifest(tmp_path).base
    first.add(np.array([500, 501]), ROWS[:2])
    first.remove(np.array([7]))
    first.save(tmp_path, descriptor="phash 1", generation="2")
    second.add(np.array([500]), ROWS[:1])
    second.save(tmp_path, descriptor="phash 1", generation="1")
    assert read_manifest(tmp_path).base == base
    loaded, generation = FaissIndex.load(tmp_path, descriptor="phash 1")
    assert (generation, loaded.ids().tolist()) == ("1", [*range(400), 500])
    first.save(tmp_path, descriptor="phash 1", generation="3")
    loaded, generation = FaissIndex.load(tmp_path, descriptor="phash 1")
    assert (generation, loaded.ids().tolist()) == ("3", first.ids().tolist())
    assert read_manifest(tmp_path).base == base
