"""Questions to the database, each inside a transaction that the caller opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from provenance.db.collections import names_by_reference
from provenance.db.descriptors import unpack_vectors
from provenance.db.features import unpack_features
from provenance.db.service_tables import CollectionRow, MemberRow
from provenance.db.tables import Descriptor, File, Manifest, Reference
from provenance.db.write import chunks
from provenance.errors import DatabaseError, NotFoundError, UsageError
from provenance.records import ContentCredentials, KnownFile, LocalFeatures, ReferenceRecord

_HOLDER = sa.select(MemberRow.reference_id).join(CollectionRow, CollectionRow.id == MemberRow.collection_id)
_HELD = _HOLDER.where(MemberRow.reference_id == Reference.id)
_DISABLED = sa.and_(
    _HELD.correlate(Reference).exists(),
    ~_HELD.where(CollectionRow.enabled).correlate(Reference).exists(),
)
STATUS = sa.case((sa.and_(Reference.status == "active", _DISABLED), "disabled"), else_=Reference.status)
"""The status, with "disabled" for what is active but held only by collections that are switched off."""
SEARCHED = sa.and_(Reference.status == "active", ~_DISABLED)
"""What checks may find."""

_RECORD = (
    Reference.id.label("reference_id"),
    Reference.path,
    Reference.sha256,
    Reference.pixel_sha256,
    Reference.byte_size,
    Reference.width,
    Reference.height,
    Reference.format,
    STATUS.label("status"),
    Reference.source,
    Reference.title,
    Reference.creator,
    Reference.credit,
    Reference.license,
    Reference.caption,
    Reference.captured_at,
    Reference.ingested_at,
)
_SHORTEST_PREFIX = 8
VECTORS_AT_ONCE = 2_000


def known_files(connection: Connection, paths: Iterable[str]) -> dict[str, KnownFile]:
    """Return the files among `paths` that an ingest has seen."""
    found: dict[str, KnownFile] = {}
    for chunk in chunks(paths):
        rows = connection.execute(
            sa.select(File.path, File.reference_id, Reference.sha256, File.byte_size, File.mtime_ns)
            .join(Reference, Reference.id == File.reference_id)
            .where(File.path.in_(chunk))
        )
        found.update((row.path, KnownFile(*row)) for row in rows)
    return found


def missing_descriptors(connection: Connection, ids: Iterable[int], wanted: Mapping[str, str]) -> set[int]:
    """Return which of `ids` lack one of the descriptors in `wanted` (name -> version)."""
    missing: set[int] = set()
    for chunk in chunks(sorted(set(ids))):
        for name, version in wanted.items():
            have = connection.execute(
                sa.select(Descriptor.reference_id).where(
                    Descriptor.name == name,
                    Descriptor.version == version,
                    Descriptor.reference_id.in_(chunk),
                )
            ).scalars()
            missing.update(set(chunk).difference(have))
    return missing


def active_ids(connection: Connection) -> NDArray[np.int64]:
    """Return the ids that are searched, ascending."""
    found = connection.execute(sa.select(Reference.id).where(SEARCHED).order_by(Reference.id))
    return np.fromiter(found.scalars(), np.int64)


def records(connection: Connection, condition: sa.ColumnElement[bool]) -> list[ReferenceRecord]:
    """Return the references that fulfil a condition, ascending by id."""
    rows = connection.execute(sa.select(*_RECORD).where(condition).order_by(Reference.id)).mappings().all()
    paths: dict[int, list[str]] = {}
    credentials: dict[int, ContentCredentials] = {}
    for chunk in chunks(row["reference_id"] for row in rows):
        files = sa.select(File.reference_id, File.path).where(File.reference_id.in_(chunk))
        for reference_id, path in connection.execute(files):
            paths.setdefault(reference_id, []).append(path)
        manifests = sa.select(Manifest.reference_id, Manifest.credentials)
        for reference_id, text in connection.execute(manifests.where(Manifest.reference_id.in_(chunk))):
            credentials[reference_id] = _unpack_credentials(text)
    holders = names_by_reference(connection, [row["reference_id"] for row in rows])
    return [
        ReferenceRecord(
            **row,
            collections=holders.get(row["reference_id"], ()),
            credentials=credentials.get(row["reference_id"]),
            other_paths=tuple(
                sorted(path for path in paths.get(row["reference_id"], ()) if path != row["path"])
            ),
        )
        for row in rows
    ]


def _unpack_credentials(text: str) -> ContentCredentials:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(ContentCredentials).validate_json(text)
    except ValidationError as error:
        raise DatabaseError(
            "stored content credentials are damaged: run 'provenance ingest --reread' on their files"
        ) from error


def by_path(connection: Connection, spellings: Sequence[str]) -> list[ReferenceRecord]:
    """Return the references whose file has one of these paths, or had it last."""
    pointed = sa.select(File.reference_id).where(File.path.in_(spellings))
    return records(connection, Reference.id.in_(pointed)) or records(
        connection, Reference.path.in_(spellings)
    )


def find(connection: Connection, key: str, *, also: str) -> ReferenceRecord:
    """Return the reference with an id, a path (`also`: its other spelling), or a beginning of its sha256.

    Raises NotFoundError when there is none, UsageError when a beginning fits several.
    """
    if key.isdecimal() and len(key) < 19:
        found = records(connection, Reference.id == int(key))
        if found:
            return found[0]
    if found := by_path(connection, [key, also]):
        return found[-1]
    prefix = key.lower()
    if len(prefix) >= _SHORTEST_PREFIX and set(prefix) <= set("0123456789abcdef"):
        found = records(connection, Reference.sha256.between(prefix, prefix + "g"))
    if not found:
        raise NotFoundError(
            f"no reference {key!r}: give an id, a path as ingested, or at least {_SHORTEST_PREFIX} digits of"
            " the file's sha256"
        )
    if len(found) > 1:
        raise UsageError(f"{key!r} begins the sha256 of {len(found)} references: give more digits")
    return found[0]


def blobs(
    connection: Connection, name: str, version: str, ids: Iterable[int]
) -> Iterator[tuple[list[int], list[bytes]]]:
    """Yield ids, ascending, and blobs of one descriptor of active references, in batches."""
    for chunk in chunks(sorted(set(ids)), VECTORS_AT_ONCE):
        rows = connection.execute(
            sa.select(Descriptor.reference_id, Descriptor.data)
            .join(Reference, Reference.id == Descriptor.reference_id)
            .where(
                Descriptor.name == name,
                Descriptor.version == version,
                Descriptor.reference_id.in_(chunk),
                SEARCHED,
            )
            .order_by(Descriptor.reference_id)
        ).all()
        if rows:
            yield [row.reference_id for row in rows], [row.data for row in rows]


def vectors(
    connection: Connection, name: str, version: str, ids: Iterable[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Yield ids [n] and hashes uint8 [n, 32] or embeddings float32 [n, d] of active references."""
    for found, data in blobs(connection, name, version, ids):
        yield np.array(found, np.int64), unpack_vectors(name, data)


def local_features(connection: Connection, ids: Iterable[int], version: str) -> dict[int, LocalFeatures]:
    """Return the keypoints of active references."""
    return {
        reference_id: unpack_features(blob)
        for found, data in blobs(connection, "local", version, ids)
        for reference_id, blob in zip(found, data, strict=True)
    }


def thumbnail(connection: Connection, reference_id: int) -> bytes:
    """Return the thumbnail's WebP bytes. Raises NotFoundError for an unknown id."""
    found = connection.execute(sa.select(Reference.thumbnail).where(Reference.id == reference_id)).scalar()
    if found is None:
        raise NotFoundError(f"there is no reference {reference_id}: see 'provenance db stats'")
    return found


def thumbnails(connection: Connection, ids: Iterable[int]) -> dict[int, bytes]:
    """Return the thumbnails' WebP bytes of those of `ids` that are known."""
    return {
        row.id: row.thumbnail
        for chunk in chunks(sorted(set(ids)))
        for row in connection.execute(
            sa.select(Reference.id, Reference.thumbnail).where(Reference.id.in_(chunk))
        )
    }


def counts(connection: Connection) -> tuple[dict[str, int], int, dict[str, int]]:
    """Return references by status, the number of files, and descriptors by "name version"."""
    status = STATUS.label("status")
    statuses = connection.execute(sa.select(status, sa.func.count()).group_by(status))
    files = connection.execute(sa.select(sa.func.count()).select_from(File)).scalar_one()
    kinds = connection.execute(
        sa.select(Descriptor.name, Descriptor.version, sa.func.count())
        .group_by(Descriptor.name, Descriptor.version)
        .order_by(Descriptor.name, Descriptor.version)
    )
    return (
        {status: int(count) for status, count in statuses},
        files,
        {f"{name} {version}": count for name, version, count in kinds},
    )


def bytes_on_disk(connection: Connection) -> int | None:
    """Return the size of the database's content, bytes."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    size = connection.execute(sa.select(sa.func.pg_database_size(sa.func.current_database())))
    return int(size.scalar_one())
