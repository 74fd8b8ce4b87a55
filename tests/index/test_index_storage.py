"""Deltas: a save writes what changed, is undone by nothing, and is followed from any process."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from index import storage
from index.manifest import MANIFEST, Manifest, read_manifest
from index.storage import HashingWriter, append_delta, check_digests, open_index, save_base, save_index
from provenance.errors import IndexCorruptError
from tests.index.killing import last_reported_when_killed

APPEND_FOREVER = """
import sys
from pathlib import Path
from index.manifest import Manifest
from index.storage import save_index
after, generation = None, 0
while True:
    generation += 1
    content = b"%8d" % generation
    after = save_index(
        Path(sys.argv[1]),
        Manifest("any", "copy 1", 8, "cosine", generation, str(generation)),
        after=after,
        write_base=lambda writer: writer.write(b"." * 8 * (generation - 1) + content),
        write_delta=lambda writer: writer.write(content),
    )
    print(generation, flush=True)
"""


class StoppedError(Exception):
    """Stands for the end of the process: nobody handles it."""


def manifest(generation: str, count: int = 1) -> Manifest:
    return Manifest("any", "copy 1", 8, "cosine", count, generation)


def writes(content: bytes) -> storage.WriteData:
    def write(writer: HashingWriter) -> None:
        writer.write(content)

    return write


def content(folder: Path) -> tuple[str, list[bytes]]:
    """The generation, and what base and deltas hold."""
    with open_index(folder, engine="any", descriptor="copy 1") as saved:
        return saved.manifest.generation, [file.read() for file in (saved.base, *saved.deltas)]


def test_a_delta_leaves_the_base_alone(tmp_path: Path) -> None:
    first = save_base(tmp_path, manifest("1"), writes(b"base"))
    second = append_delta(tmp_path, manifest("2"), writes(b"d1"), after=first)
    assert second is not None
    third = append_delta(tmp_path, manifest("3"), writes(b"d2"), after=second)
    assert content(tmp_path) == ("3", [b"base", b"d1", b"d2"])
    assert third == read_manifest(tmp_path)
    assert third.base == first.base


def test_a_new_generation_alone_writes_no_file(tmp_path: Path) -> None:
    first = save_base(tmp_path, manifest("1"), writes(b"base"))
    append_delta(tmp_path, manifest("2"), None, after=first)
    assert content(tmp_path) == ("2", [b"base"])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_base_replaces_base_and_deltas(tmp_path: Path) -> None:
    first = save_base(tmp_path, manifest("1"), writes(b"base"))
    append_delta(tmp_path, manifest("2"), writes(b"d1"), after=first)
    save_base(tmp_path, manifest("3"), writes(b"new"))
    assert content(tmp_path) == ("3", [b"new"])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("change", ["another save", "a lost base", "a lost manifest"])
def test_a_delta_to_what_is_no_longer_there_is_not_written(change: str, tmp_path: Path) -> None:
    first = save_base(tmp_path, manifest("1"), writes(b"base"))
    assert first.base
    if change == "another save":
        save_base(tmp_path, manifest("1"), writes(b"base"))
    else:
        (tmp_path / (first.base.name if change == "a lost base" else MANIFEST)).unlink()
    before = sorted(tmp_path.iterdir())
    assert append_delta(tmp_path, manifest("2"), writes(b"d1"), after=first) is None
    assert sorted(tmp_path.iterdir()) == before
    save_index(
        tmp_path, manifest("2"), after=first, write_base=writes(b"whole"), write_delta=writes(b"change")
    )
    assert content(tmp_path) == ("2", [b"whole"])


def test_deltas_are_folded_when_large_or_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def saves(count: int, base: int) -> list[int]:
        """Number of deltas after each of some saves of 10 bytes beside a base."""
        after, deltas = None, []
        for number in range(count):
            after = save_index(
                tmp_path,
                manifest(str(number)),
                after=after,
                write_base=writes(b"b" * base),
                write_delta=writes(b"d" * 10),
            )
            deltas.append(len(after.deltas))
        return deltas

    assert saves(7, base=100) == [0, 1, 2, 3, 0, 1, 2]
    monkeypatch.setattr(storage, "MOST_DELTAS", 2)
    assert saves(7, base=10_000) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
@pytest.mark.parametrize("which", [1, 2, 3])
def test_a_delta_that_stops_at_any_call_leaves_a_whole_index(
    call: str, which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save_base(tmp_path, manifest("old"), writes(b"base"))
    real, calls = getattr(os, call), 0

    def stop(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == which:
            raise StoppedError
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, stop)
        with contextlib.suppress(StoppedError):
            append_delta(tmp_path, manifest("new"), writes(b"d1"), after=first)
    assert content(tmp_path) in (("old", [b"base"]), ("new", [b"base", b"d1"]))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_while_appending_the_last_reported_state_is_there(tmp_path: Path) -> None:
    for wait in (0.0, 0.05, 0.11, 0.23):
        folder = tmp_path / str(wait)
        reported = last_reported_when_killed(APPEND_FOREVER, folder, wait)
        generation, parts = content(folder)
        assert int(generation) in (reported, reported + 1)
        assert len(b"".join(parts)) == 8 * int(generation)
        assert int(b"".join(parts)[-8:]) == int(generation)


def test_leftover_deltas_are_deleted_after_an_hour(tmp_path: Path) -> None:
    (tmp_path / "delta-old.bin").write_bytes(b"left by a killed save")
    os.utime(tmp_path / "delta-old.bin", (0, 0))
    (tmp_path / "delta-young.bin").write_bytes(b"perhaps being written")
    first = save_base(tmp_path, manifest("1"), writes(b"base"))
    append_delta(tmp_path, manifest("2"), writes(b"d1"), after=first)
    assert {path.name for path in tmp_path.glob("delta-*")} - {"delta-young.bin"} == {
        file.name for file in read_manifest(tmp_path).deltas
    }


def test_a_fold_in_another_process_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = save_base(tmp_path, manifest("1"), writes(b"base"))
    append_delta(tmp_path, manifest("2"), writes(b"d1"), after=first)
    real_open, replaced = Path.open, False

    def open_late(path: Path, *arguments: str, **options: str) -> object:
        nonlocal replaced
        if path.name.startswith("delta-") and not replaced:
            replaced = True
            save_base(tmp_path, manifest("3"), writes(b"folded"))
        return real_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", open_late)
    assert content(tmp_path) == ("3", [b"folded"])


@pytest.mark.parametrize("place", [0, 300_000, -1])
def test_of_a_large_file_the_ends_are_checked_at_load_and_all_by_the_full_check(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "FULL_CHECK_BYTES", 1000)
    base = save_base(tmp_path, manifest("1"), writes(bytes(600_000))).base
    assert base
    check_digests(tmp_path)
    damaged = bytearray(600_000)
    damaged[place] ^= 1
    (tmp_path / base.name).write_bytes(damaged)
    with pytest.raises(IndexCorruptError, match="checksum"):
        check_digests(tmp_path)
    if place in (0, -1):
        with pytest.raises(IndexCorruptError, match="checksum"):
            content(tmp_path)
    else:
        assert content(tmp_path)[0] == "1"
    (tmp_path / base.name).write_bytes(bytes(599_999))
    with pytest.raises(IndexCorruptError, match="truncated"):
        content(tmp_path)
