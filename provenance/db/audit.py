"""Who did what: entries are added inside the transaction that they tell of, and never changed."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db.engine import reading, writing
from provenance.db.service_tables import AuditRow
from provenance.db.write import now
from provenance.ledger import Actor, AuditEntry

_COLUMNS = (
    AuditRow.id.label("entry_id"), AuditRow.at, AuditRow.key_id, AuditRow.key_name, AuditRow.action,
    AuditRow.subject, AuditRow.details,
)  # fmt: skip


def note(connection: Connection, by: Actor, action: str, subject: object, **details: Any) -> None:
    """Add an entry."""
    row = {
        "at": now(), "key_id": by.key_id, "key_name": by.name, "action": action, "subject": str(subject),
        "details": json.dumps(details, default=str),
    }  # fmt: skip
    connection.execute(sa.insert(AuditRow).values(row))


class Audit:
    """The audit log of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, by: Actor, action: str, subject: object, **details: Any) -> None:
        """Add an entry for what needed no transaction, or several."""
        with writing(self._engine) as connection:
            note(connection, by, action, subject, **details)

    def page(self, *, before: int | None, limit: int) -> list[AuditEntry]:
        """Return entries, the newest first, older than the entry `before`."""
        older = AuditRow.id < before if before is not None else sa.true()
        with reading(self._engine) as connection:
            rows = connection.execute(
                sa.select(*_COLUMNS).where(older).order_by(AuditRow.id.desc()).limit(limit)
            )
            return [AuditEntry(**{**row, "details": json.loads(row["details"])}) for row in rows.mappings()]
