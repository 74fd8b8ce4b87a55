"""A save may stop anywhere: the folder holds the old index or the new one, whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from index.exact import ExactIndex
from index.manifest import MANIFEST, read_manifest
from provenance.errors import IndexCorruptError
from tests.index.killing import last_reported_when_killed

SAVE_FOREVER = """
import sys
from pathlib import Path
import numpy as np
from index.exact import ExactIndex
generation = 0
while True:
    generation += 1
    index = ExactIndex(64, "cosine")
    index.add(np.arange(generation % 50 + 1), np.full((generation % 50 + 1, 64), 1 / 8, np.float32))
    index.save(Path(sys.argv[1]), descriptor="copy 1", generation=str(generation))
    print(generation, flush=True)
"""


def small_index(count: int = 3) -> ExactIndex:
    index = ExactIndex(8, "hamming")
    index.add(np.arange(count), np.arange(count, dtype=np.uint8)[:, None])
    return index


class StoppedError(Exception):
    """Stands for the end of the process: nobody handles it."""


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_save_that_stops_at_any_call_leaves_a_whole_index(
    call: str, which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_index(3).save(tmp_path, descriptor="phash 1", generation="old")
    real, calls = getattr(os, call), 0

    def stop(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == which:
            raise StoppedError
        return real(*arguments)

    monkeypatch.setattr(os, call, stop)
    stopped = False
    try:
        small_index(5).save(tmp_path, descriptor="phash 1", generation="new")
    except StoppedError:
        stopped = True
    monkeypatch.undo()
    loaded, generation = ExactIndex.load(tmp_path, descriptor="phash 1")
    assert (generation, len(loaded)) in (("old", 3), ("new", 5))
    assert stopped or generation == "new"


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_while_saving_the_last_reported_index_is_there(tmp_path: Path) -> None:
    for wait in (0.0, 0.003, 0.011):
        reported = last_reported_when_killed(SAVE_FOREVER, tmp_path, wait)
        loaded, generation = ExactIndex.load(tmp_path, descriptor="copy 1")
        assert int(generation) in (reported, reported + 1)
        assert len(loaded) == int(generation) % 50 + 1


def test_leftovers_of_killed_saves_are_deleted_after_an_hour(tmp_path: Path) -> None:
    old, young = tmp_path / "data-old.bin", tmp_path / "data-young.bin"
    for path in (old, young):
        path.write_bytes(b"left by a killed save")
    os.utime(old, (0, 0))
    small_index().save(tmp_path, descriptor="phash 1", generation="1")
    assert not old.exists()
    assert young.exists(), "it may belong to a save that runs at this moment"


def test_an_index_read_while_another_process_replaces_it_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_index(3).save(tmp_path, descriptor="phash 1", generation="1")
    real_open, replaced = Path.open, False

    def open_late(path: Path, *arguments: str, **options: str) -> object:
        nonlocal replaced
        if path.name.startswith("data-") and not replaced:
            replaced = True
            small_index(4).save(tmp_path, descriptor="phash 1", generation="2")
        return real_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_late)
    loaded, generation = ExactIndex.load(tmp_path, descriptor="phash 1")
    assert replaced
    assert (generation, len(loaded)) == ("2", 4)


def test_another_format_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_index().save(tmp_path, descriptor="phash 1", generation="1")
    monkeypatch.setattr("index.manifest.FORMAT_VERSION", 3)
    with pytest.raises(IndexCorruptError, match="format 2, this program reads 3"):
        read_manifest(tmp_path)


def test_an_index_of_another_engine_is_refused(tmp_path: Path) -> None:
    from index.faiss_engine import FaissIndex

    small_index().save(tmp_path, descriptor="phash 1", generation="1")
    assert (tmp_path / MANIFEST).exists()
    with pytest.raises(IndexCorruptError, match="engine 'exact', not 'faiss'"):
        FaissIndex.load(tmp_path, descriptor="phash 1")
