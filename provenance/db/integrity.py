"""Is the database whole, and are two databases the same?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from provenance.db import read
from provenance.db.descriptors import check_blob
from provenance.db.service_tables import CollectionRow, MemberRow
from provenance.db.tables import Descriptor, File, Manifest, Reference
from provenance.db.write import DETAILS
from provenance.errors import DatabaseError

_CURE = "put back a backup, or move the database away and ingest again"
_NAMED = 5


def problems(connection: Connection, versions: Mapping[str, str]) -> list[str]:
    """Say in plain words what is damaged or missing; empty when all is well.

    `versions` are the descriptors (name -> version) that every active reference must have.
    """
    found = _file_problems(connection)
    statuses = sa.select(Reference.path).where(
        Reference.status == "superseded", Reference.id.in_(sa.select(File.reference_id))
    )
    for path in connection.execute(statuses).scalars():
        found.append(f"{path!r} is superseded, but a file still points to it: run 'provenance ingest' on it")
    active = read.active_ids(connection).tolist()
    for name, version in versions.items():
        lacking = sorted(read.missing_descriptors(connection, active, {name: version}))
        if lacking:
            found.append(
                f"{len(lacking)} references lack the descriptor {name!r} ({_some(lacking)}):"
                " run 'provenance ingest' on their files again"
            )
        damaged = _damaged(connection, name, version, active)
        if damaged:
            found.append(
                f"{len(damaged)} descriptors {name!r} are damaged ({_some(damaged)}):"
                " run 'provenance db rebuild', then 'provenance ingest' on their files again"
            )
    return found


def _file_problems(connection: Connection) -> list[str]:
    """Ask the database itself, and look for files that point nowhere."""
    found: list[str] = []
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        found += [f"the database file is damaged: {row}; {_CURE}" for row in rows if row != "ok"]
    for table in (File, Descriptor):
        lost = sa.select(sa.func.count()).where(table.reference_id.not_in(sa.select(Reference.id)))
        if count := connection.execute(lost).scalar_one():
            found.append(f"{count} rows of {table.__tablename__} point to no reference; {_CURE}")
    return found


def _damaged(connection: Connection, name: str, version: str, ids: list[int]) -> list[int]:
    damaged = []
    for found, data in read.blobs(connection, name, version, ids):
        for reference_id, blob in zip(found, data, strict=True):
            try:
                check_blob(name, blob)
            except DatabaseError:
                damaged.append(reference_id)
    return damaged


def drop_damaged(connection: Connection, versions: Mapping[str, str]) -> int:
    """Delete descriptors that cannot be read, so that they count as missing. Returns how many."""
    dropped = 0
    active = read.active_ids(connection).tolist()
    for name, version in versions.items():
        for reference_id in _damaged(connection, name, version, active):
            dropped += connection.execute(
                sa.delete(Descriptor).where(
                    Descriptor.name == name,
                    Descriptor.version == version,
                    Descriptor.reference_id == reference_id,
                )
            ).rowcount
    return dropped


def _some(ids: list[int]) -> str:
    shown = ", ".join(map(str, ids[:_NAMED]))
    return f"id {shown}" + (", ..." if len(ids) > _NAMED else "")


def digest(connection: Connection) -> str:
    """Return a SHA-256 over all content that two equal databases share.

    Ids, times of ingest and the order of rows do not count; references, their status and details, thumbnails,
    files, manifests and descriptors do, and collections with what is in them.
    """
    details = [getattr(Reference, name) for name in DETAILS]
    own = sa.select(
        Reference.sha256, Reference.pixel_sha256, Reference.status, Reference.byte_size, Reference.width,
        Reference.height, Reference.format, *details, Reference.thumbnail,
    )  # fmt: skip
    files = sa.select(File.path, Reference.sha256, File.byte_size).join(
        Reference, Reference.id == File.reference_id
    )
    descriptors = sa.select(Reference.sha256, Descriptor.name, Descriptor.version, Descriptor.data).join(
        Reference, Reference.id == Descriptor.reference_id
    )
    manifests = sa.select(Reference.sha256, Manifest.credentials).join(
        Reference, Reference.id == Manifest.reference_id
    )
    collections = sa.select(CollectionRow.name, CollectionRow.enabled, CollectionRow.min_confidence)
    members = (
        sa.select(Reference.sha256, CollectionRow.name)
        .join(MemberRow, MemberRow.reference_id == Reference.id)
        .join(CollectionRow, CollectionRow.id == MemberRow.collection_id)
    )
    lines: list[bytes] = []
    for kind, statement in (
        ("reference", own),
        ("file", files),
        ("descriptor", descriptors),
        ("manifest", manifests),
        ("collection", collections),
        ("member", members),
    ):
        rows = connection.execution_options(yield_per=500).execute(statement)
        lines += [_line(kind, row) for row in rows]
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()


def _line(kind: str, row: sa.Row[Any]) -> bytes:
    values = [hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for value in row]
    return hashlib.sha256(repr((kind, *values)).encode("utf-8", "surrogatepass")).digest()
