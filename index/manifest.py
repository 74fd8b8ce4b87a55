"""The manifest of a saved index: what it is, and which files hold it, each with its size and digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from index.interface import Metric
from provenance.errors import DatabaseError, IndexCorruptError

FORMAT_VERSION = 2
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of an index: written once, never changed."""

    name: str
    bytes: int
    sha256: str
    edges_sha256: str
    """Of its first and last 64 KiB: what a load checks of a large file."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a saved index is, and which files hold it."""

    engine: str
    descriptor: str
    dimension: int
    metric: Metric
    count: int
    generation: str
    """The state of the database that the index shows; opaque here."""
    base: DataFile | None = None
    """None only before the index is saved."""
    deltas: tuple[DataFile, ...] = ()
    """Changes since the base, oldest first."""
    format_version: int = FORMAT_VERSION

    @property
    def files(self) -> tuple[DataFile, ...]:
        """The base, then the deltas."""
        return (self.base, *self.deltas) if self.base else ()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an index.

    Raises IndexCorruptError when it is missing, damaged or of another version, DatabaseError when it cannot
    be read.
    """
    try:
        values = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        refuse_index(folder, "is missing")
    except OSError as error:
        explain_read_error(folder, error)
    except ValueError:
        refuse_index(folder, "has a damaged manifest")
    if not isinstance(values, dict) or values.pop("checksum", None) != _checksum(values):
        refuse_index(folder, "has a damaged manifest")
    if values.get("format_version") != FORMAT_VERSION:
        refuse_index(
            folder, f"has format {values.get('format_version')!r}, this program reads {FORMAT_VERSION}"
        )
    if set(values) != {field.name for field in fields(Manifest)} or not values["base"]:
        refuse_index(folder, "has a damaged manifest")
    base, *deltas = (DataFile(**one) for one in [values["base"], *values["deltas"]])
    return Manifest(**values | {"base": base, "deltas": tuple(deltas)})


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the content of the manifest file, with a checksum over the rest."""
    # Through JSON once, so that the checksum is over what a reader will see (lists for tuples).
    values = json.loads(json.dumps(asdict(manifest)))
    return json.dumps(values | {"checksum": _checksum(values)}, indent=2, sort_keys=True).encode()


def refuse_index(folder: Path, reason: str) -> NoReturn:
    """Raise IndexCorruptError with the cure; `reason` continues "the index in FOLDER ..."."""
    raise IndexCorruptError(
        f"the index in {str(folder)!r} {reason}; it is rebuilt from the database by 'provenance db rebuild'"
    )


def explain_read_error(folder: Path, error: OSError) -> NoReturn:
    """Raise DatabaseError for a file of the index that the system will not let us read."""
    raise DatabaseError(
        f"the index in {str(folder)!r} cannot be read: {error.strerror or error}; check the permissions"
    ) from error


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
