"""What reviewers say of reports: right, wrong, or not the same picture."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db import audit, write
from provenance.db.engine import reading, writing
from provenance.db.service_tables import CheckRow, MarkRow
from provenance.errors import ConflictError, NotFoundError, UsageError
from provenance.ledger import Actor, Mark, MarkKind

_COLUMNS = (
    MarkRow.id.label("mark_id"), MarkRow.token, MarkRow.key_id, MarkRow.kind, MarkRow.query_sha256,
    MarkRow.reference_id, MarkRow.verdict, MarkRow.confidence, MarkRow.note, MarkRow.created_at,
)  # fmt: skip


class Marks:
    """The marks of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, token: str, kind: MarkKind, *, note: str | None = None, by: Actor) -> Mark:
        """Mark a report; another mark of the same key takes the place of the first.

        Raises NotFoundError for a report that is not there, ConflictError for one that is not done,
        UsageError where there is no match that could be another picture.
        """
        with writing(self._engine) as connection:
            report = connection.execute(sa.select(CheckRow).where(CheckRow.token == token)).one_or_none()
            if report is None:
                raise NotFoundError(f"there is no report {token!r}")
            if report.verdict in (None, "error"):
                raise ConflictError("this check has no verdict that could be right or wrong")
            if kind == "not_same" and report.reference_id is None:
                raise UsageError("this report names no original that could be another picture")
            mine = sa.and_(MarkRow.token == token, MarkRow.key_id == by.key_id)
            connection.execute(sa.delete(MarkRow).where(mine))
            row = {
                "token": token, "key_id": by.key_id, "kind": kind, "query_sha256": report.query_sha256,
                "reference_id": report.reference_id, "verdict": report.verdict,
                "confidence": report.confidence, "note": note, "created_at": write.now(),
            }  # fmt: skip
            connection.execute(sa.insert(MarkRow).values(row))
            audit.note(connection, by, "feedback", token, mark=kind)
            return _records(connection, mine)[0]

    def delete(self, mark_id: int, *, by: Actor) -> None:
        """Take a mark back: one's own, or anyone's for a curator. Raises NotFoundError."""
        with writing(self._engine) as connection:
            own = sa.true() if by.may("curator") else MarkRow.key_id == by.key_id
            if not connection.execute(sa.delete(MarkRow).where(MarkRow.id == mark_id, own)).rowcount:
                raise NotFoundError(f"there is no mark {mark_id} of yours")
            audit.note(connection, by, "feedback.delete", mark_id)

    def page(self, *, after: int, limit: int) -> list[Mark]:
        """Return marks in the order they were made, later than the mark `after`."""
        with reading(self._engine) as connection:
            return _records(connection, MarkRow.id > after, limit)

    def all(self) -> list[Mark]:
        """Return all marks, in the order they were made."""
        with reading(self._engine) as connection:
            return _records(connection, sa.true())

    def of(self, token: str) -> list[Mark]:
        """Return the marks of one report."""
        with reading(self._engine) as connection:
            return _records(connection, MarkRow.token == token)

    def rejected(self, query_sha256: str) -> set[int]:
        """Return the references that reviewers said are another picture than this one."""
        with reading(self._engine) as connection:
            found = connection.execute(
                sa.select(MarkRow.reference_id).where(
                    MarkRow.query_sha256 == query_sha256,
                    MarkRow.kind == "not_same",
                    MarkRow.reference_id.is_not(None),
                )
            )
            return {one for one in found.scalars() if one is not None}


def _records(
    connection: Connection, condition: sa.ColumnElement[bool], limit: int | None = None
) -> list[Mark]:
    rows: Any = connection.execute(
        sa.select(*_COLUMNS).where(condition).order_by(MarkRow.id).limit(limit)
    ).mappings()
    return [Mark(**row) for row in rows]
