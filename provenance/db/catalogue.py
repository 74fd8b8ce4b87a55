"""The trusted set as a curator sees it: browsed page by page, described, withdrawn, put into collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db import audit, read, write
from provenance.db.collections import put_in
from provenance.db.engine import reading, writing
from provenance.db.service_tables import CollectionRow, MemberRow
from provenance.db.tables import Reference
from provenance.errors import NotFoundError, StaleError, UsageError
from provenance.ledger import Actor
from provenance.records import ReferenceRecord

STATUSES = ("active", "disabled", "withdrawn", "superseded")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which references are asked for; None: all."""

    status: str | None = None
    collection: str | None = None
    words: str | None = None
    """Each must be in the title, credit, source or path."""


class Catalogue:
    """The references of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, wanted: Filter, *, before: int | None, limit: int) -> list[ReferenceRecord]:
        """Return references, the newest first, with ids below `before`."""
        older = Reference.id < before if before is not None else sa.true()
        with reading(self._engine) as connection:
            ids = connection.execute(
                sa.select(Reference.id)
                .where(_condition(wanted), older)
                .order_by(Reference.id.desc())
                .limit(limit)
            ).scalars()
            return read.records(connection, Reference.id.in_(ids.all()))[::-1]

    def get(self, reference_id: int) -> ReferenceRecord:
        """Return a reference, whatever its status. Raises NotFoundError."""
        with reading(self._engine) as connection:
            return _get(connection, reference_id)

    def by_sha256(self, sha256: str) -> ReferenceRecord | None:
        """Return the reference with these bytes, whatever its status."""
        with reading(self._engine) as connection:
            found = read.records(connection, Reference.sha256 == sha256)
            return found[0] if found else None

    def update(
        self,
        reference_id: int,
        *,
        details: Mapping[str, str] | None = None,
        status: str | None = None,
        collections: Sequence[str] | None = None,
        expected: ReferenceRecord | None = None,
        by: Actor,
    ) -> ReferenceRecord:
        """Change what is given, all or nothing; withdrawal is effective on the very next check.

        Raises NotFoundError, UsageError for what cannot be set, StaleError where the reference is not as
        `expected` any more.
        """
        if status not in (None, "active", "withdrawn"):
            raise UsageError(f"a reference can be made active or withdrawn, not {status!r}")
        if unknown := set(details or ()) - set(write.DETAILS):
            raise UsageError(f"a reference has no detail {min(unknown)!r}")
        with writing(self._engine) as connection:
            before = _get(connection, reference_id)
            if expected is not None and before != expected:
                raise StaleError(f"reference {reference_id} was changed meanwhile: read it again")
            if details:
                write.set_details(connection, reference_id, details)
                audit.note(connection, by, "reference.describe", reference_id, **details)
            if collections is not None:
                put_in(connection, reference_id, sorted(set(collections)), by)
            if status is not None and write.set_status(connection, reference_id, status):
                write.next_generation(connection)
                action = "reference.withdraw" if status == "withdrawn" else "reference.restore"
                audit.note(connection, by, action, reference_id, sha256=before.sha256)
            return _get(connection, reference_id)


def _get(connection: Connection, reference_id: int) -> ReferenceRecord:
    found = read.records(connection, Reference.id == reference_id)
    if not found:
        raise NotFoundError(f"there is no reference {reference_id}")
    return found[0]


def _condition(wanted: Filter) -> sa.ColumnElement[bool]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.status is not None:
        conditions.append(read.STATUS.in_([wanted.status]))
    if wanted.collection is not None:
        members = (
            sa.select(MemberRow.reference_id)
            .join(CollectionRow, CollectionRow.id == MemberRow.collection_id)
            .where(CollectionRow.name == wanted.collection)
        )
        conditions.append(Reference.id.in_(members))
    for word in (wanted.words or "").split():
        fields = (Reference.title, Reference.credit, Reference.source, Reference.path)
        conditions.append(sa.or_(*(field.icontains(word, autoescape=True) for field in fields)))
    return sa.and_(sa.true(), *conditions)
