"""The database of trusted pictures, as the rest of the program sees it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from provenance.db import collections, integrity, migrate, read, write
from provenance.db.audit import Audit
from provenance.db.catalogue import Catalogue
from provenance.db.checks import Checks
from provenance.db.collections import Collections
from provenance.db.deliveries import Deliveries
from provenance.db.engine import open_engine, reading, writing
from provenance.db.keys import Keys
from provenance.db.marks import Marks
from provenance.db.queue import Queue
from provenance.db.tables import IngestRun, Manifest, Meta, Reference
from provenance.errors import DatabaseError, NotFoundError
from provenance.records import (
    ContentCredentials,
    DatabaseStats,
    Description,
    IngestSummary,
    KnownFile,
    LocalFeatures,
    NewReference,
    ReferenceRecord,
)


class Database:
    """References, their files and descriptors; every method is one transaction. Safe to use from threads.

    All methods raise DatabaseError, StorageFullError or UnreadableError with a cure when the database fails.
    """

    def __init__(self, url: str) -> None:
        """Prepare a SQLAlchemy URL (sqlite:///..., postgresql+psycopg://...); `upgrade` makes the tables."""
        self._engine = open_engine(url)
        self.catalogue = Catalogue(self._engine)
        self.collections = Collections(self._engine)
        self.keys = Keys(self._engine)
        self.checks = Checks(self._engine)
        self.queue = Queue(self._engine)
        self.deliveries = Deliveries(self._engine)
        self.marks = Marks(self._engine)
        self.audit = Audit(self._engine)

    def upgrade(self) -> None:
        """Bring the schema up to date: one query when it is. Raises DatabaseTooNewError."""
        migrate.upgrade(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # ------------------------------------------------------------ the database itself

    @cached_property
    def uuid(self) -> str:
        """What tells this database from every other one."""
        found = self.meta("uuid")
        if found is None:
            raise DatabaseError("the database has no uuid: run 'provenance db upgrade'")
        return found

    def generation(self) -> int:
        """A number that grows with every committed change of what is searched."""
        return int(self.meta("generation") or 0)

    def meta(self, key: str) -> str | None:
        """Return a named value, None where it was never set."""
        with reading(self._engine) as connection:
            found: str | None = connection.execute(sa.select(Meta.value).where(Meta.key == key)).scalar()
            return found

    def set_meta(self, key: str, value: str) -> None:
        """Set a named value."""
        with writing(self._engine) as connection:
            write.set_meta(connection, key, value)

    def secret(self, name: str) -> bytes:
        """Return 32 random bytes by name, the same ever after."""
        key = f"secret {name}"
        with writing(self._engine) as connection:
            found = connection.execute(sa.select(Meta.value).where(Meta.key == key)).scalar()
            if found is None:
                found = secrets.token_hex(32)
                write.set_meta(connection, key, found)
            return bytes.fromhex(found)

    def stats(self) -> DatabaseStats:
        """Count everything; `references` are the active ones."""
        with reading(self._engine) as connection:
            statuses, files, descriptors = read.counts(connection)
            return DatabaseStats(
                references=statuses.get("active", 0),
                withdrawn=statuses.get("withdrawn", 0),
                superseded=statuses.get("superseded", 0),
                disabled=statuses.get("disabled", 0),
                files=files,
                descriptors=descriptors,
                schema_revision=migrate.revision(connection) or "",
                bytes_on_disk=read.bytes_on_disk(connection),
                url=self._engine.url.render_as_string(hide_password=True),
            )

    def problems(self, versions: Mapping[str, str]) -> list[str]:
        """Say what is damaged or missing, given the descriptors (name -> version) all should have."""
        with reading(self._engine) as connection:
            return integrity.problems(connection, versions)

    def drop_damaged_descriptors(self, versions: Mapping[str, str]) -> int:
        """Delete descriptors that cannot be read; the next ingest of their files makes them again."""
        with writing(self._engine) as connection:
            dropped = integrity.drop_damaged(connection, versions)
            if dropped:
                write.next_generation(connection)
            return dropped

    def digest(self) -> str:
        """Return a SHA-256 that equal content gives, whatever the order it was ingested in."""
        with reading(self._engine) as connection:
            return integrity.digest(connection)

    # ------------------------------------------------------------ ingest runs

    def start_run(self, arguments: Sequence[str]) -> int:
        """Note that an ingest begins. Returns its id."""
        with writing(self._engine) as connection:
            row = {"started_at": write.now(), "status": "running", "arguments": json.dumps(list(arguments))}
            return connection.execute(sa.insert(IngestRun).values(row).returning(IngestRun.id)).scalar_one()

    def finish_run(self, run_id: int, summary: IngestSummary, status: str) -> None:
        """Note how an ingest ended."""
        counts = {
            "added": summary.added,
            "unchanged": summary.unchanged,
            "updated": summary.updated,
            "moved": summary.moved,
            "duplicates": summary.duplicates,
            "skipped": len(summary.skipped),
            "seconds": round(summary.seconds, 3),
        }
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(IngestRun)
                .where(IngestRun.id == run_id)
                .values(finished_at=write.now(), status=status, counts=json.dumps(counts))
            )

    # ------------------------------------------------------------ files and contents

    def known_files(self, paths: Sequence[str]) -> dict[str, KnownFile]:
        """Return, by path, the files that an ingest has seen."""
        with reading(self._engine) as connection:
            return read.known_files(connection, paths)

    def reference_ids(self, sha256s: Sequence[str]) -> dict[str, int]:
        """Return, by sha256, the ids of known contents, whatever their status."""
        with reading(self._engine) as connection:
            return write.ids_of_contents(connection, sha256s)

    def missing_descriptors(self, ids: Iterable[int], wanted: Mapping[str, str]) -> set[int]:
        """Return which references lack one of the descriptors in `wanted` (name -> version)."""
        with reading(self._engine) as connection:
            return read.missing_descriptors(connection, ids, wanted)

    def add_references(self, new: Sequence[NewReference], versions: Mapping[str, str]) -> list[int]:
        """Store pictures with descriptors and files, all or none; returns their ids in order.

        A sha256 that is there already, perhaps from another process a moment ago, is not stored twice.
        """
        with writing(self._engine) as connection:
            ids, changed = write.add_references(connection, new, versions)
            if changed:
                write.next_generation(connection)
            return ids

    def add_descriptors(
        self, reference_id: int, description: Description, versions: Mapping[str, str]
    ) -> None:
        """Store the descriptors that a reference lacks."""
        with writing(self._engine) as connection:
            if write.add_descriptors(connection, reference_id, description, versions):
                write.next_generation(connection)

    def fill_details(
        self,
        reference_id: int,
        details: Mapping[str, str | None],
        credentials: ContentCredentials | None,
    ) -> None:
        """Set the details that are empty so far, and the content credentials as they were read just now."""
        with writing(self._engine) as connection:
            write.fill_details(connection, reference_id, details)
            write.set_credentials(connection, reference_id, credentials)

    def link_files(self, files: Sequence[KnownFile]) -> None:
        """Let paths point to known contents: files that were touched, moved, doubled or put back.

        A reference that loses its last path to other content becomes superseded, one that comes back active;
        a withdrawn one stays withdrawn.
        """
        with writing(self._engine) as connection:
            if write.point_files(connection, files):
                write.next_generation(connection)

    def unlink_files(self, paths: Sequence[str]) -> None:
        """Forget paths that are gone; their references stay, with the last path they had."""
        with writing(self._engine) as connection:
            write.remove_files(connection, paths)

    def update_details(
        self,
        path_or_id: str | int,
        *,
        source: str | None = None,
        title: str | None = None,
        creator: str | None = None,
        credit: str | None = None,
        license: str | None = None,
        caption: str | None = None,
        captured_at: str | None = None,
    ) -> bool:
        """Overwrite the details that are given; returns whether anything was new. Raises NotFoundError."""
        values = (source, title, creator, credit, license, caption, captured_at)
        given = dict(zip(write.DETAILS, values, strict=True))
        record = self.find(str(path_or_id)) if isinstance(path_or_id, int) else self._by_path(path_or_id)
        new = {
            name: value
            for name, value in given.items()
            if value is not None and value != getattr(record, name)
        }
        if new:
            with writing(self._engine) as connection:
                write.set_details(connection, record.reference_id, new)
        return bool(new)

    # ------------------------------------------------------------ references

    def active_ids(self) -> NDArray[np.int64]:
        """Return the ids of all references that are searched, ascending."""
        with reading(self._engine) as connection:
            return read.active_ids(connection)

    def references(self, ids: Iterable[int]) -> dict[int, ReferenceRecord]:
        """Return records by id, whatever their status; unknown ids are left out."""
        with reading(self._engine) as connection:
            return {
                record.reference_id: record
                for chunk in write.chunks(sorted(set(ids)))
                for record in read.records(connection, Reference.id.in_(chunk))
            }

    def reference_by_sha256(self, sha256: str) -> ReferenceRecord | None:
        """Return the active reference with these bytes."""
        return self._active(Reference.sha256 == sha256)

    def reference_by_pixel_sha256(self, pixel_sha256: str) -> ReferenceRecord | None:
        """Return the first active reference with these pixels."""
        return self._active(Reference.pixel_sha256 == pixel_sha256)

    def references_by_manifest(self, manifest_id: str) -> list[ReferenceRecord]:
        """Return the active references whose content credentials have this id; copies may share it."""
        with reading(self._engine) as connection:
            having = sa.select(Manifest.reference_id).where(Manifest.manifest_id == manifest_id)
            return read.records(connection, sa.and_(Reference.id.in_(having), read.SEARCHED))

    def find(self, key: str) -> ReferenceRecord:
        """Return the reference with an id, a path, or at least 8 first digits of its sha256.

        Raises NotFoundError when there is none, UsageError when several sha256 begin so.
        """
        with reading(self._engine) as connection:
            return read.find(
                connection,
                key,
                also=os.path.abspath(key),  # noqa: PTH100 - links stay as they were ingested
            )

    def vectors(
        self, name: str, version: str, ids: Iterable[int]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Yield batches of ids and vectors of active references, ascending by id.

        Vectors are uint8 [n, 32] for "phash" and "pdq", unit float32 [n, d] for embeddings.
        """
        for chunk in write.chunks(sorted(set(ids)), read.VECTORS_AT_ONCE):
            with reading(self._engine) as connection:
                batches = list(read.vectors(connection, name, version, chunk))
            yield from batches

    def pdq_qualities(self, ids: Iterable[int], version: str) -> dict[int, int]:
        """Return the quality, 0..100, of the PDQ hashes of active references by id."""
        with reading(self._engine) as connection:
            return {
                reference_id: blob[-1]
                for found, data in read.blobs(connection, "pdq", version, ids)
                for reference_id, blob in zip(found, data, strict=True)
            }

    def local_features(self, ids: Iterable[int], version: str) -> dict[int, LocalFeatures]:
        """Return the keypoints of active references by id."""
        with reading(self._engine) as connection:
            return read.local_features(connection, ids, version)

    def thresholds(self, ids: Sequence[int], default: float) -> dict[int, float]:
        """Return, by id, the confidence that a match with a reference must reach by its collections."""
        with reading(self._engine) as connection:
            return collections.thresholds(connection, ids, default)

    def thumbnail(self, reference_id: int) -> bytes:
        """Return a reference's thumbnail, WebP. Raises NotFoundError."""
        with reading(self._engine) as connection:
            return read.thumbnail(connection, reference_id)

    def thumbnails(self, ids: Iterable[int]) -> dict[int, bytes]:
        """Return the thumbnails, WebP, of those of `ids` that are known."""
        with reading(self._engine) as connection:
            return read.thumbnails(connection, ids)

    def withdraw(self, reference_id: int) -> None:
        """Take a reference out of all searches, for good: ingesting its file again does not bring it back."""
        self._set_status(reference_id, "withdrawn")

    def restore(self, reference_id: int) -> None:
        """Make a withdrawn or superseded reference active again."""
        self._set_status(reference_id, "active")

    def _set_status(self, reference_id: int, status: str) -> None:
        with writing(self._engine) as connection:
            if write.set_status(connection, reference_id, status):
                write.next_generation(connection)

    def _active(self, condition: sa.ColumnElement[bool]) -> ReferenceRecord | None:
        with reading(self._engine) as connection:
            found = read.records(connection, sa.and_(condition, read.SEARCHED))
            return found[0] if found else None

    def _by_path(self, path: str) -> ReferenceRecord:
        with reading(self._engine) as connection:
            found = read.by_path(connection, [path])
        if not found:
            raise NotFoundError(f"no file {path!r} was ingested: run 'provenance ingest' on it")
        return found[-1]
