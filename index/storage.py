"""How an index lies on disk: a base file, small delta files with what changed since, and a manifest.

A save writes and flushes one new file, then puts the new manifest in place with one rename; no file is ever
changed. Whatever moment it is interrupted at, the folder holds one whole index: the old one or the new one.
An engine decides what a base and a delta contain; `worth_folding` says when to write a new base instead of
one more delta.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NoReturn

from index.manifest import (
    MANIFEST,
    DataFile,
    Manifest,
    encode_manifest,
    explain_read_error,
    read_manifest,
    refuse_index,
)
from provenance.errors import DatabaseError, IndexCorruptError, StorageFullError

FULL_CHECK_BYTES = 64 << 20
"""Up to this size a load checks the whole file; of a larger one its size and ends (see `check_digests`)."""
MOST_DELTAS = 64
"""Files beyond which opening them one by one would be felt at a start."""
LARGEST_SHARE = 0.25
"""Size of all deltas over that of the base: a vector is then written about five times in the index's life."""

_EDGE = 64 << 10
_STALE_AFTER_S = 3600.0


class HashingWriter:
    """Counts and hashes what passes through to an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def hexdigest(self) -> str:
        """SHA-256 of all that was written."""
        return self._hash.hexdigest()


WriteData = Callable[[HashingWriter], None]


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """The checked files of a saved index, open at their start; `file.name` is the path."""

    manifest: Manifest
    base: BufferedReader
    deltas: tuple[BufferedReader, ...]


def save_base(folder: Path, manifest: Manifest, write_data: WriteData) -> Manifest:
    """Write a whole index to `folder`, replacing the old one atomically; returns the manifest as written.

    Raises StorageFullError when the disk is full (the old index stays), DatabaseError when the folder cannot
    be written.
    """
    with _new_file(folder, "data", write_data) as file:
        manifest = replace(manifest, base=file, deltas=())
        with _locked(folder):
            _put_manifest(folder, manifest)
        return manifest


def append_delta(
    folder: Path, manifest: Manifest, write_data: WriteData | None, *, after: Manifest
) -> Manifest | None:
    """Add a delta to the index that was saved as `after`; returns the manifest as written.

    `manifest` carries the new count and generation; with `write_data` None nothing but these change. Returns
    None, and leaves the folder as it is, when it no longer holds `after`: another process saved there, or
    someone deleted files. Raises like `save_base`.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(_new_file(folder, "delta", write_data))] if write_data else []
        manifest = replace(manifest, base=after.base, deltas=(*after.deltas, *files))
        with _locked(folder):
            if not _holds(folder, after):
                return None
            _put_manifest(folder, manifest)
        return manifest


def save_index(
    folder: Path,
    manifest: Manifest,
    *,
    after: Manifest | None,
    write_base: WriteData,
    write_delta: WriteData | None,
) -> Manifest:
    """Save as a delta to `after` where that pays and the folder still holds it, else as a new base.

    `after` is what an earlier call returned or `open_index` gave, None to write a base. Returns the manifest
    as written; raises like `save_base`.
    """
    written = None
    if after is not None and not worth_folding(after):
        written = append_delta(folder, manifest, write_delta, after=after)
    return written or save_base(folder, manifest, write_base)


def worth_folding(manifest: Manifest) -> bool:
    """Whether the next save should write a new base: the deltas are many, or large beside the base."""
    if manifest.base is None or len(manifest.deltas) >= MOST_DELTAS:
        return True
    return sum(delta.bytes for delta in manifest.deltas) > LARGEST_SHARE * manifest.base.bytes


@contextlib.contextmanager
def open_index(folder: Path, *, engine: str, descriptor: str) -> Iterator[OpenIndex]:
    """Open the checked files of the index in `folder`.

    Raises IndexCorruptError when it is missing, truncated, altered, of another version or engine, or made for
    another descriptor. Of files over 64 MiB only the size and both ends are checked, see `check_digests`.
    """
    with ExitStack() as stack:
        manifest, files = _open_files(folder, stack)
        for name, found, wanted in (
            ("engine", manifest.engine, engine),
            ("descriptor", manifest.descriptor, descriptor),
        ):
            if found != wanted:
                refuse_index(folder, f"was made for the {name} {found!r}, not {wanted!r}")
        for data, file in zip(manifest.files, files, strict=True):
            _check(folder, data, file, whole=data.bytes <= FULL_CHECK_BYTES)
        yield OpenIndex(manifest, files[0], tuple(files[1:]))


def check_digests(folder: Path) -> None:
    """Read all files of an index whole, also those that a load only samples.

    Raises IndexCorruptError when one is missing, truncated or altered.
    """
    with ExitStack() as stack:
        manifest, files = _open_files(folder, stack)
        for data, file in zip(manifest.files, files, strict=True):
            _check(folder, data, file, whole=True)


def _open_files(folder: Path, stack: ExitStack) -> tuple[Manifest, list[BufferedReader]]:
    manifest = read_manifest(folder)
    while True:
        with ExitStack() as attempt:
            try:
                files = [attempt.enter_context((folder / file.name).open("rb")) for file in manifest.files]
            except FileNotFoundError:
                # Another process may just have replaced manifest and data: then there are new names.
                manifest, missed = read_manifest(folder), manifest
                if manifest == missed:
                    refuse_index(folder, "has lost a data file")
                continue
            except OSError as error:
                explain_read_error(folder, error)
            stack.enter_context(attempt.pop_all())
            return manifest, files


def _check(folder: Path, data: DataFile, file: BufferedReader, *, whole: bool) -> None:
    if os.fstat(file.fileno()).st_size != data.bytes:
        refuse_index(folder, "is truncated")
    if whole:
        intact = hashlib.file_digest(file, "sha256").hexdigest() == data.sha256
    else:
        intact = _edges_digest(file, data.bytes) == data.edges_sha256
    if not intact:
        refuse_index(folder, "is damaged: its checksum differs")
    file.seek(0)


def _edges_digest(file: BinaryIO, size: int) -> str:
    file.seek(0)
    edges = file.read(_EDGE)
    file.seek(max(0, size - _EDGE))
    return hashlib.sha256(edges + file.read(_EDGE)).hexdigest()


@contextlib.contextmanager
def _new_file(folder: Path, kind: str, write_data: WriteData) -> Iterator[DataFile]:
    """Write and flush a file of its own name; deleted again unless the block makes a manifest name it."""
    path = folder / f"{kind}-{uuid.uuid4().hex}.bin"
    with ExitStack() as stack:
        stack.callback(_delete_unnamed, path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("x+b") as file:
                writer = HashingWriter(file)
                write_data(writer)
                _flush(file)
                edges = _edges_digest(file, writer.size)
            yield DataFile(path.name, writer.size, writer.hexdigest(), edges)
        except OSError as error:
            _explain_write_error(folder, error)


def _put_manifest(folder: Path, manifest: Manifest) -> None:
    """Make `manifest` the folder's, the one moment of change, and delete what it no longer names."""
    new = folder / f"{MANIFEST}.{uuid.uuid4().hex}.tmp"
    with ExitStack() as undo:
        undo.callback(_delete, new)
        replaced = _named_files(folder)
        try:
            with new.open("xb") as file:
                file.write(encode_manifest(manifest))
                _flush(file)
            os.replace(new, folder / MANIFEST)  # noqa: PTH105 - the one moment of change
        except OSError as error:
            _explain_write_error(folder, error)
        undo.pop_all()
    _flush_folder(folder)
    _delete_leftovers(folder, replaced, {file.name for file in manifest.files})


def _holds(folder: Path, manifest: Manifest) -> bool:
    """Whether the folder's index is the one saved as `manifest`, with all its files."""
    try:
        return read_manifest(folder) == manifest and all(
            (folder / file.name).exists() for file in manifest.files
        )
    except (IndexCorruptError, DatabaseError):
        return False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the manifest, where the platform can lock a folder.

    Without the lock two saves at one moment could leave a manifest whose files the other deleted: the index
    would then be rebuilt from the database, never wrong.
    """
    with ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _explain_write_error(folder: Path, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise StorageFullError(
            f"no space is left to save the index in {str(folder)!r}: free some space and run the same command"
            " again; the database and the old index are kept"
        ) from error
    raise DatabaseError(
        f"the index in {str(folder)!r} cannot be written: {error.strerror or error}; check the permissions"
    ) from error


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename durable; not every platform lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _named_files(folder: Path) -> set[str]:
    try:
        return {file.name for file in read_manifest(folder).files}
    except (IndexCorruptError, DatabaseError):
        return set()


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _delete_unnamed(path: Path) -> None:
    if path.name not in _named_files(path.parent):
        _delete(path)


def _delete_leftovers(folder: Path, replaced: set[str], current: set[str]) -> None:
    """Delete the replaced files, and what killed saves left more than an hour ago.

    Younger files may belong to a save that runs at this moment in another process.
    """
    before = time.time() - _STALE_AFTER_S
    with contextlib.suppress(OSError):
        for pattern in ("data-*.bin", "delta-*.bin", f"{MANIFEST}.*.tmp"):
            for path in folder.glob(pattern):
                if path.name not in current and (path.name in replaced or path.stat().st_mtime < before):
                    _delete(path)
