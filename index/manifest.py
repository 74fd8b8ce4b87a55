"""How an index lies on disk: a data file under a name of its own, and a manifest that points to it.

A save writes and flushes the new data file, then puts the new manifest in place with one rename. Whatever
moment it is interrupted at, the folder holds one whole index: the old one or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from index.interface import Metric
from provenance.errors import DatabaseError, IndexCorruptError, StorageFullError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"

_STALE_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a saved index is, and which file holds it."""

    engine: str
    descriptor: str
    dimension: int
    metric: Metric
    count: int
    generation: str
    """The state of the database that the index shows; opaque here."""
    data_file: str = ""
    data_bytes: int = 0
    data_sha256: str = ""
    format_version: int = FORMAT_VERSION


class HashingWriter:
    """Counts and hashes what passes through to an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def hexdigest(self) -> str:
        """SHA-256 of all that was written."""
        return self._hash.hexdigest()


def save_index(folder: Path, manifest: Manifest, write_data: Callable[[HashingWriter], None]) -> None:
    """Write an index to `folder`, replacing the old one atomically; `write_data` writes the data file.

    Raises StorageFullError when the disk is full (the old index stays), DatabaseError when the folder cannot
    be written.
    """
    data_file = folder / f"data-{uuid.uuid4().hex}.bin"
    manifest_file = folder / f"{MANIFEST}.{uuid.uuid4().hex}.tmp"
    with contextlib.ExitStack() as undo:
        undo.callback(_delete, data_file)
        undo.callback(_delete, manifest_file)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replaced = _named_data_file(folder)
            with data_file.open("xb") as file:
                writer = HashingWriter(file)
                write_data(writer)
                _flush(file)
            with manifest_file.open("xb") as file:
                file.write(_encode(manifest, data_file.name, writer))
                _flush(file)
            os.replace(manifest_file, folder / MANIFEST)  # noqa: PTH105 - the one moment of change
        except OSError as error:
            _explain_write_error(folder, error)
        undo.pop_all()
    _flush_folder(folder)
    _delete_leftovers(folder, replaced)


@contextlib.contextmanager
def open_index(folder: Path, *, engine: str, descriptor: str) -> Iterator[tuple[Manifest, BufferedReader]]:
    """Open the checked data file of the index in `folder`.

    Raises IndexCorruptError when it is missing, truncated, altered, of another version or engine, or made for
    another descriptor.
    """
    manifest = read_manifest(folder)
    while True:
        for name, found, wanted in (
            ("engine", manifest.engine, engine),
            ("descriptor", manifest.descriptor, descriptor),
        ):
            if found != wanted:
                refuse_index(folder, f"was made for the {name} {found!r}, not {wanted!r}")
        try:
            file = (folder / manifest.data_file).open("rb")
            break
        except FileNotFoundError:
            # Another process may just have replaced manifest and data: then there is a new name to follow.
            manifest, missed = read_manifest(folder), manifest
            if manifest == missed:
                refuse_index(folder, "has lost its data file")
        except OSError as error:
            _explain_read_error(folder, error)
    with file:
        if os.fstat(file.fileno()).st_size != manifest.data_bytes:
            refuse_index(folder, "is truncated")
        if hashlib.file_digest(file, "sha256").hexdigest() != manifest.data_sha256:
            refuse_index(folder, "is damaged: its checksum differs")
        file.seek(0)
        yield manifest, file


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an index. Raises IndexCorruptError when it is missing or damaged."""
    try:
        values = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        refuse_index(folder, "is missing")
    except OSError as error:
        _explain_read_error(folder, error)
    except ValueError:
        refuse_index(folder, "has a damaged manifest")
    if not isinstance(values, dict) or values.pop("checksum", None) != _checksum(values):
        refuse_index(folder, "has a damaged manifest")
    if values.get("format_version") != FORMAT_VERSION:
        refuse_index(
            folder, f"has format {values.get('format_version')!r}, this program reads {FORMAT_VERSION}"
        )
    if set(values) != {field.name for field in fields(Manifest)}:
        refuse_index(folder, "has a damaged manifest")
    return Manifest(**values)


def refuse_index(folder: Path, reason: str) -> NoReturn:
    """Raise IndexCorruptError with the cure; `reason` continues "the index in FOLDER ..."."""
    raise IndexCorruptError(
        f"the index in {str(folder)!r} {reason}; it is rebuilt from the database by 'provenance db rebuild'"
    )


def _explain_read_error(folder: Path, error: OSError) -> NoReturn:
    raise DatabaseError(
        f"the index in {str(folder)!r} cannot be read: {error.strerror or error}; check the permissions"
    ) from error


def _explain_write_error(folder: Path, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise StorageFullError(
            f"no space is left to save the index in {str(folder)!r}: free some space and run the same command"
            " again; the database and the old index are kept"
        ) from error
    raise DatabaseError(
        f"the index in {str(folder)!r} cannot be written: {error.strerror or error}; check the permissions"
    ) from error


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _encode(manifest: Manifest, data_file: str, written: HashingWriter) -> bytes:
    values = asdict(manifest) | {
        "data_file": data_file,
        "data_bytes": written.size,
        "data_sha256": written.hexdigest(),
    }
    return json.dumps(values | {"checksum": _checksum(values)}, indent=2, sort_keys=True).encode()


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


def _named_data_file(folder: Path) -> str | None:
    try:
        return read_manifest(folder).data_file
    except (IndexCorruptError, DatabaseError):
        return None


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _delete_leftovers(folder: Path, replaced: str | None) -> None:
    """Delete the replaced data file, and what killed saves left more than an hour ago.

    Younger files may belong to a save that runs at this moment in another process.
    """
    current = _named_data_file(folder)
    before = time.time() - _STALE_AFTER_S
    with contextlib.suppress(OSError):
        for path in [*folder.glob("data-*.bin"), *folder.glob(f"{MANIFEST}.*.tmp")]:
            if path.name != current and (path.name == replaced or path.stat().st_mtime < before):
                _delete(path)
