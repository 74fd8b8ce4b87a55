"""Checks as those see them who work on them: an accepted one is never lost, and reported exactly once.

Every change is a transaction of the one writer that SQLite and PostgreSQL alike admit at a time, so two
workers never claim the same check. Who works on a check raises its `beat`; one whose beat stands still is
queued again. A report is stored only by who still holds the check: the number of attempts is the fence. No
clock is compared with another one, so that none may jump.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db.checks import close, finish, get, keep
from provenance.db.engine import reading, writing
from provenance.db.service_tables import CheckRow, UploadRow
from provenance.ledger import CheckRecord, EvidenceFile

MOST_ATTEMPTS = 3
"""A check that brought down its worker so often is given up: it may be the picture."""


class Queue:
    """The accepted checks of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, worker: str) -> tuple[CheckRecord, bytes | None] | None:
        """Take up the check that waits longest, with its picture; None where none waits."""
        with reading(self._engine) as connection:  # most of the time none does: no need to write
            first = sa.select(CheckRow.id).where(CheckRow.state == "queued").order_by(CheckRow.id).limit(1)
            if connection.execute(first).scalar() is None:
                return None
        with writing(self._engine) as connection:
            check_id = connection.execute(first).scalar()
            if check_id is None:
                return None
            mine = CheckRow.id == check_id
            connection.execute(
                sa.update(CheckRow)
                .where(mine)
                .values(
                    state="running", worker=worker, stage=None,
                    attempts=CheckRow.attempts + 1, beat=CheckRow.beat + 1,
                )
            )  # fmt: skip
            picture = connection.execute(
                sa.select(UploadRow.data).where(UploadRow.check_id == check_id)
            ).scalar()
            return get(connection, mine), picture

    def beat(self, worker: str, check_ids: Collection[int]) -> None:
        """Say that a worker is busy with these checks."""
        if not check_ids:
            return
        mine = sa.and_(CheckRow.id.in_(check_ids), CheckRow.worker == worker, CheckRow.state == "running")
        with writing(self._engine) as connection:
            connection.execute(sa.update(CheckRow).where(mine).values(beat=CheckRow.beat + 1))

    def reach(self, check: CheckRecord, stage: str) -> None:
        """Note how far a check has come."""
        with writing(self._engine) as connection:
            connection.execute(sa.update(CheckRow).where(_held(check)).values(stage=stage))

    def finish(
        self, check: CheckRecord, report: Mapping[str, Any], evidence: Iterable[EvidenceFile] = ()
    ) -> bool:
        """Store the report, forget the picture; False where someone else holds the check by now."""
        with writing(self._engine) as connection:
            if not finish(connection, _held(check), report):
                return False
            keep(connection, check.check_id, evidence)
            return True

    def fail(self, check: CheckRecord, reason: str) -> bool:
        """Give a check up, with the reason; False where someone else holds it by now."""
        with writing(self._engine) as connection:
            return _give_up(connection, _held(check), reason)

    def release(self, check: CheckRecord) -> None:
        """Put a check back that could not be worked on now; that counts as no attempt."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(CheckRow)
                .where(_held(check))
                .values(state="queued", worker=None, stage=None, attempts=CheckRow.attempts - 1)
            )

    def beats(self) -> dict[int, int]:
        """Return the beat of every running check, by its id."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                sa.select(CheckRow.id, CheckRow.beat).where(CheckRow.state == "running")
            )
            return {check_id: int(beat) for check_id, beat in rows}

    def requeue(self, check_id: int, beat: int) -> None:
        """Queue a check again whose beat still is `beat`; give it up after too many attempts."""
        still = sa.and_(CheckRow.id == check_id, CheckRow.state == "running", CheckRow.beat == beat)
        with writing(self._engine) as connection:
            tried = sa.and_(still, CheckRow.attempts >= MOST_ATTEMPTS)
            reason = f"the service stopped {MOST_ATTEMPTS} times while it worked on this picture"
            if not _give_up(connection, tried, reason):
                connection.execute(
                    sa.update(CheckRow).where(still).values(state="queued", worker=None, stage=None)
                )


def _held(check: CheckRecord) -> sa.ColumnElement[bool]:
    """Whether a check is still in the hands of who claimed it."""
    return sa.and_(
        CheckRow.id == check.check_id,
        CheckRow.state == "running",
        CheckRow.worker == check.worker,
        CheckRow.attempts == check.attempts,
    )


def _give_up(connection: Connection, held: sa.ColumnElement[bool], reason: str) -> bool:
    return close(connection, held, state="failed", error=reason)
