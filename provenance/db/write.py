"""Changes of the database, each inside a transaction that the caller opened."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute

from provenance.db.descriptors import pack_description
from provenance.db.tables import Descriptor, File, Manifest, Meta, Reference
from provenance.errors import DatabaseError, NotFoundError
from provenance.records import ContentCredentials, Description, KnownFile, NewReference

DETAILS = ("source", "title", "creator", "credit", "license", "caption", "captured_at")

_IN_LIST = 500
_T = TypeVar("_T")


def chunks(items: Iterable[_T], size: int = _IN_LIST) -> Iterator[list[_T]]:
    """Cut a sequence into lists short enough for an IN (...)."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def now() -> str:
    """Return the time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def add_references(
    connection: Connection, new: Sequence[NewReference], versions: Mapping[str, str]
) -> tuple[list[int], bool]:
    """Store pictures, their descriptors and files; a sha256 that is there gets what it lacks.

    Returns the ids in order, and whether anything that is searched has changed.
    """
    by_content: dict[str, NewReference] = {}
    for one in new:
        by_content.setdefault(one.image.sha256, one)
    ids = ids_of_contents(connection, by_content)
    fresh = [one for sha256, one in by_content.items() if sha256 not in ids]
    changed = [
        add_descriptors(connection, ids[sha256], by_content[sha256].description, versions) for sha256 in ids
    ]
    if fresh:
        inserted = connection.execute(
            sa.insert(Reference).returning(Reference.sha256, Reference.id, sort_by_parameter_order=True),
            [_reference_row(one) for one in fresh],
        )
        ids.update((sha256, reference_id) for sha256, reference_id in inserted)
        for one in fresh:
            set_credentials(connection, ids[one.image.sha256], one.image.credentials)
        rows = [
            row for one in fresh for row in _descriptor_rows(ids[one.image.sha256], one.description, versions)
        ]
        if rows:
            connection.execute(sa.insert(Descriptor), rows)
        changed.append(True)
    files = [
        KnownFile(one.path, ids[one.image.sha256], one.image.sha256, one.image.byte_size, one.mtime_ns)
        for one in new
    ]
    changed.append(point_files(connection, files))
    return [file.reference_id for file in files], any(changed)


def ids_of_contents(connection: Connection, sha256s: Iterable[str]) -> dict[str, int]:
    """Return the ids of contents by sha256, whatever their status."""
    found: dict[str, int] = {}
    for chunk in chunks(sha256s):
        rows = connection.execute(
            sa.select(Reference.sha256, Reference.id).where(Reference.sha256.in_(chunk))
        )
        found.update((sha256, reference_id) for sha256, reference_id in rows)
    return found


def _reference_row(new: NewReference) -> dict[str, Any]:
    return {
        "sha256": new.image.sha256,
        "pixel_sha256": new.image.pixel_sha256,
        "path": new.path,
        "status": "active",
        "byte_size": new.image.byte_size,
        "width": new.image.width,
        "height": new.image.height,
        "format": new.image.format,
        **{detail: getattr(new, detail) for detail in DETAILS},
        "ingested_at": now(),
        "thumbnail": new.thumbnail,
    }


def add_descriptors(
    connection: Connection, reference_id: int, description: Description, versions: Mapping[str, str]
) -> bool:
    """Store the descriptors of `versions` that a reference lacks. Returns whether there were any."""
    key = sa.tuple_(Descriptor.name, Descriptor.version)
    stored = connection.execute(
        sa.select(Descriptor.name, Descriptor.version).where(
            Descriptor.reference_id == reference_id, key.in_(list(versions.items()))
        )
    )
    have = {(name, version) for name, version in stored}
    rows = [
        row
        for row in _descriptor_rows(reference_id, description, versions)
        if (row["name"], row["version"]) not in have
    ]
    if rows:
        connection.execute(sa.insert(Descriptor), rows)
    return bool(rows)


def _descriptor_rows(
    reference_id: int, description: Description, versions: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {"reference_id": reference_id, "name": name, "version": versions[name], "data": blob}
        for name, blob in pack_description(description, versions).items()
    ]


def point_files(connection: Connection, files: Sequence[KnownFile]) -> bool:
    """Let paths point to references; what lost its last path to other content becomes "superseded".

    Returns whether the set of active references has changed.
    """
    latest = {file.path: file for file in files}
    arrived = {file.reference_id for file in latest.values()}
    if unknown := arrived - _ids_where(connection, Reference.id, arrived):
        raise DatabaseError(f"there is no reference {min(unknown)}: run 'provenance db verify'")
    before = _pointed(connection, latest)
    _delete_files(connection, before)
    rows = [
        {
            "path": path,
            "reference_id": file.reference_id,
            "byte_size": file.byte_size,
            "mtime_ns": file.mtime_ns,
        }
        for path, file in latest.items()
    ]
    if rows:
        connection.execute(sa.insert(File), rows)
    # A reference may have kept a path whose file was gone, and which other content now takes.
    left = ({*before.values()} | _ids_where(connection, Reference.path, latest)) - arrived
    changed = 0
    for chunk in chunks(sorted(left)):
        without_file = Reference.id.not_in(sa.select(File.reference_id).where(File.reference_id.in_(chunk)))
        changed += _restate(connection, chunk, "active", "superseded", without_file)
    for chunk in chunks(sorted(arrived)):
        changed += _restate(connection, chunk, "superseded", "active", sa.true())
    _choose_paths(connection, left | arrived)
    return changed > 0


def _restate(
    connection: Connection, ids: Sequence[int], old: str, new: str, condition: sa.ColumnElement[bool]
) -> int:
    """Turn status `old` into `new` where the condition holds. Returns the number of rows."""
    return connection.execute(
        sa.update(Reference)
        .where(Reference.id.in_(ids), Reference.status == old, condition)
        .values(status=new)
    ).rowcount


def remove_files(connection: Connection, paths: Sequence[str]) -> None:
    """Forget paths that are gone; a reference without any keeps its last path and stays active."""
    touched = set(_pointed(connection, paths).values())
    _delete_files(connection, paths)
    _choose_paths(connection, touched)


def _delete_files(connection: Connection, paths: Iterable[str]) -> None:
    for chunk in chunks(paths):
        connection.execute(sa.delete(File).where(File.path.in_(chunk)))


def _pointed(connection: Connection, paths: Iterable[str]) -> dict[str, int]:
    """Return the reference that each known path points to."""
    found: dict[str, int] = {}
    for chunk in chunks(paths):
        rows = connection.execute(sa.select(File.path, File.reference_id).where(File.path.in_(chunk)))
        found.update((path, reference_id) for path, reference_id in rows)
    return found


def _ids_where(connection: Connection, key: InstrumentedAttribute[Any], values: Iterable[Any]) -> set[int]:
    """Return the ids of references that have one of the values."""
    found: set[int] = set()
    for chunk in chunks(values):
        found.update(connection.execute(sa.select(Reference.id).where(key.in_(chunk))).scalars())
    return found


def _choose_paths(connection: Connection, ids: Iterable[int]) -> None:
    """Give references whose path is not theirs any more the first of their other files."""
    for chunk in chunks(sorted(ids)):
        files: dict[int, list[str]] = {}
        rows = connection.execute(sa.select(File.reference_id, File.path).where(File.reference_id.in_(chunk)))
        for reference_id, path in rows:
            files.setdefault(reference_id, []).append(path)
        main = connection.execute(sa.select(Reference.id, Reference.path).where(Reference.id.in_(chunk)))
        for reference_id, path in main.all():
            others = files.get(reference_id, [])
            if others and path not in others:
                connection.execute(
                    sa.update(Reference).where(Reference.id == reference_id).values(path=min(others))
                )


def set_details(connection: Connection, reference_id: int, details: Mapping[str, str]) -> None:
    """Overwrite some of DETAILS."""
    connection.execute(sa.update(Reference).where(Reference.id == reference_id).values(dict(details)))


def fill_details(connection: Connection, reference_id: int, details: Mapping[str, str | None]) -> None:
    """Set those of DETAILS that are given and empty so far."""
    for name, value in details.items():
        if value is not None:
            column = getattr(Reference, name)
            empty = sa.update(Reference).where(Reference.id == reference_id, column.is_(None))
            connection.execute(empty.values({name: value}))


def set_credentials(
    connection: Connection, reference_id: int, credentials: ContentCredentials | None
) -> None:
    """Replace the content credentials of a reference."""
    connection.execute(sa.delete(Manifest).where(Manifest.reference_id == reference_id))
    if credentials is not None:
        text = json.dumps(asdict(credentials))
        row = {"reference_id": reference_id, "manifest_id": credentials.manifest_id, "credentials": text}
        connection.execute(sa.insert(Manifest).values(row))


def set_status(connection: Connection, reference_id: int, status: str) -> bool:
    """Set a reference's status; False when it had it. Raises NotFoundError for an unknown id."""
    found = connection.execute(sa.select(Reference.status).where(Reference.id == reference_id)).scalar()
    if found is None:
        raise NotFoundError(f"there is no reference {reference_id}: see 'provenance db stats'")
    if found == status:
        return False
    connection.execute(sa.update(Reference).where(Reference.id == reference_id).values(status=status))
    return True


def set_meta(connection: Connection, key: str, value: str) -> None:
    """Set a named value of the database."""
    changed = connection.execute(sa.update(Meta).where(Meta.key == key).values(value=value))
    if not changed.rowcount:
        connection.execute(sa.insert(Meta).values(key=key, value=value))


def next_generation(connection: Connection) -> None:
    """Count a change of what is searched.

    The step is random: a database put back from a backup must not come to a number again that an index
    was saved with for other content.
    """
    found = connection.execute(sa.select(Meta.value).where(Meta.key == "generation")).scalar()
    set_meta(connection, "generation", str(int(found or 0) + 1 + secrets.randbelow(1 << 20)))
