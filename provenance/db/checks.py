"""Checks as those see them who ask: accepted, looked up, listed, forgotten. Who works on them: `queue`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db import audit
from provenance.db.engine import reading, writing
from provenance.db.service_tables import CheckRow, DeliveryRow, EvidenceRow, UploadRow
from provenance.db.write import now
from provenance.errors import BusyError, ConflictError, NotFoundError
from provenance.ledger import Actor, CheckRecord, EvidenceFile, NewCheck

_COLUMNS = (
    CheckRow.id.label("check_id"), CheckRow.token, CheckRow.key_id, CheckRow.kind, CheckRow.state,
    CheckRow.name, CheckRow.options, CheckRow.created_at, CheckRow.finished_at, CheckRow.stage,
    CheckRow.worker, CheckRow.beat, CheckRow.attempts, CheckRow.verdict, CheckRow.confidence,
    CheckRow.query_sha256, CheckRow.reference_id, CheckRow.error, CheckRow.fingerprint,
)  # fmt: skip

_RETRY_AFTER_S = 10


class Checks:
    """The checks of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def accept(
        self, new: NewCheck, picture: bytes | None, *, most: int, by: Actor
    ) -> tuple[CheckRecord, bool]:
        """Queue a check with its picture; returns it, and False where its idempotency key was used before.

        Raises BusyError where `most` checks wait already, ConflictError where the key stood for another
        request.
        """
        with writing(self._engine) as connection:
            former = _repeated(connection, new, by)
            if former is not None:
                return former, False
            waiting = sa.select(sa.func.count()).where(CheckRow.state == "queued")
            if connection.execute(waiting).scalar_one() >= most:
                raise BusyError(f"{most} checks wait already: try again later", retry_after_s=_RETRY_AFTER_S)
            check_id = _insert(connection, new, "queued", by)
            if picture is not None:
                connection.execute(sa.insert(UploadRow).values(check_id=check_id, data=picture))
            return get(connection, CheckRow.id == check_id), True

    def store(
        self, new: NewCheck, report: Mapping[str, Any], evidence: Iterable[EvidenceFile], *, by: Actor
    ) -> tuple[CheckRecord, bool]:
        """Keep the report of a check made on the spot; as `accept` with idempotency keys."""
        with writing(self._engine) as connection:
            former = _repeated(connection, new, by)
            if former is not None:
                return former, False
            check_id = _insert(connection, new, "running", by)
            finish(connection, CheckRow.id == check_id, report)
            keep(connection, check_id, evidence)
            return get(connection, CheckRow.id == check_id), True

    def repeated(self, new: NewCheck, *, by: Actor) -> CheckRecord | None:
        """Return the check that the idempotency key of a request stands for. Raises ConflictError."""
        with reading(self._engine) as connection:
            return _repeated(connection, new, by)

    def get(self, token: str) -> CheckRecord:
        """Return a check by its public name. Raises NotFoundError."""
        with reading(self._engine) as connection:
            return get(connection, CheckRow.token == token)

    def history(self, *, key_id: int | None, before: int | None, limit: int) -> list[CheckRecord]:
        """Return checks without reports, the newest first, of one key or of all, older than `before`."""
        own = CheckRow.key_id == key_id if key_id is not None else sa.true()
        older = CheckRow.id < before if before is not None else sa.true()
        with reading(self._engine) as connection:
            rows = connection.execute(
                sa.select(*_COLUMNS).where(own, older).order_by(CheckRow.id.desc()).limit(limit)
            )
            return [_record(dict(row)) for row in rows.mappings()]

    def ahead(self, check: CheckRecord) -> int:
        """Return how many queued checks come before this one."""
        with reading(self._engine) as connection:
            earlier = sa.and_(CheckRow.state == "queued", CheckRow.id < check.check_id)
            return connection.execute(sa.select(sa.func.count()).where(earlier)).scalar_one()

    def counts(self) -> dict[str, int]:
        """Return the number of checks by state."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(CheckRow.state, sa.func.count()).group_by(CheckRow.state))
            return {state: int(count) for state, count in rows}

    def delete(self, token: str, *, by: Actor) -> None:
        """Forget a check, its report and its pictures. Raises NotFoundError."""
        with writing(self._engine) as connection:
            if not connection.execute(sa.delete(CheckRow).where(CheckRow.token == token)).rowcount:
                raise NotFoundError(f"there is no check {token!r}")
            audit.note(connection, by, "check.delete", token)

    def evidence(self, token: str, name: str) -> EvidenceFile:
        """Return a file behind a report. Raises NotFoundError where it was not kept, or has expired."""
        with reading(self._engine) as connection:
            row = connection.execute(
                sa.select(EvidenceRow.name, EvidenceRow.media_type, EvidenceRow.data)
                .join(CheckRow, CheckRow.id == EvidenceRow.check_id)
                .where(CheckRow.token == token, EvidenceRow.name == name, EvidenceRow.expires_at > now())
            ).one_or_none()
        if row is None:
            raise NotFoundError(
                "this picture of the report was not kept, or only for a time: check with evidence=true"
            )
        return EvidenceFile(*row)

    def evidence_names(self, check_id: int) -> list[str]:
        """Return the names of the files behind a report that have not expired."""
        with reading(self._engine) as connection:
            mine = sa.and_(EvidenceRow.check_id == check_id, EvidenceRow.expires_at > now())
            return list(
                connection.execute(
                    sa.select(EvidenceRow.name).where(mine).order_by(EvidenceRow.name)
                ).scalars()
            )

    def purge(self, *, keep_days: float) -> int:
        """Delete expired evidence and old reports. Returns how many rows went."""
        oldest = (datetime.now(UTC) - timedelta(days=keep_days)).isoformat(timespec="seconds")
        old = sa.and_(CheckRow.finished_at.is_not(None), CheckRow.finished_at < oldest)
        with writing(self._engine) as connection:
            gone = connection.execute(sa.delete(EvidenceRow).where(EvidenceRow.expires_at <= now())).rowcount
            return gone + connection.execute(sa.delete(CheckRow).where(old)).rowcount


def _later(hours: float) -> str:
    """Return the time in so many hours, as the tables hold it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


def _repeated(connection: Connection, new: NewCheck, by: Actor) -> CheckRecord | None:
    if new.idempotency_key is None:
        return None
    same = sa.and_(CheckRow.key_id == by.key_id, CheckRow.idempotency_key == new.idempotency_key)
    if connection.execute(sa.select(CheckRow.id).where(same)).scalar() is None:
        return None
    found = get(connection, same)
    if found.fingerprint != new.fingerprint:
        raise ConflictError("this Idempotency-Key stood for another request: use a new one for each")
    return found


def _insert(connection: Connection, new: NewCheck, state: str, by: Actor) -> int:
    token = secrets.token_urlsafe(16)
    row = {
        "token": token, "key_id": by.key_id, "kind": new.kind, "state": state, "name": new.name,
        "options": json.dumps(dict(new.options)), "callback": new.callback,
        "idempotency_key": new.idempotency_key, "fingerprint": new.fingerprint, "created_at": now(),
        "beat": 0, "attempts": 0,
    }  # fmt: skip
    audit.note(connection, by, new.kind, token, name=new.name)
    return connection.execute(sa.insert(CheckRow).values(row).returning(CheckRow.id)).scalar_one()


def finish(connection: Connection, held: sa.ColumnElement[bool], report: Mapping[str, Any]) -> bool:
    """Store the report of the check that fulfils a condition; False where none does."""
    match = report["match"]
    return close(
        connection, held, state="done", verdict=report["verdict"], confidence=report["confidence"],
        query_sha256=report["query"]["sha256"], reference_id=match["reference_id"] if match else None,
        report=json.dumps(report),
    )  # fmt: skip


def close(connection: Connection, held: sa.ColumnElement[bool], **values: Any) -> bool:
    """End a check in one go: its result, no picture any more, and a delivery where one is asked for."""
    row = connection.execute(
        sa.update(CheckRow)
        .where(held)
        .values(finished_at=now(), stage=None, worker=None, **values)
        .returning(CheckRow.id, CheckRow.callback)
    ).one_or_none()
    if row is None:
        return False
    connection.execute(sa.delete(UploadRow).where(UploadRow.check_id == row.id))
    if row.callback is not None:
        connection.execute(
            sa.insert(DeliveryRow).values(
                check_id=row.id, url=row.callback, state="waiting", attempts=0, next_at=now()
            )
        )
    return True


def keep(connection: Connection, check_id: int, evidence: Iterable[EvidenceFile]) -> None:
    """Store files behind a report, each for its time."""
    rows = [
        {
            "check_id": check_id, "name": one.name, "media_type": one.media_type,
            "expires_at": _later(one.hours), "data": one.data,
        }
        for one in evidence
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(EvidenceRow), rows)


def get(connection: Connection, condition: sa.ColumnElement[bool]) -> CheckRecord:
    """Return the one check that fulfils a condition, with its report. Raises NotFoundError."""
    row = connection.execute(sa.select(*_COLUMNS, CheckRow.report).where(condition)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("there is no such check: it was never made, or its time of keeping is over")
    return _record({**row, "report": json.loads(row["report"]) if row["report"] is not None else None})


def _record(row: Mapping[str, Any]) -> CheckRecord:
    return CheckRecord(**{**row, "options": json.loads(row["options"])})
