"""Results on their way to callbacks: stored together with the result, and tried until they arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from provenance.db import checks
from provenance.db.engine import reading, writing
from provenance.db.service_tables import CheckRow, DeliveryRow
from provenance.db.write import now
from provenance.ledger import Delivery

IN_HAND_S = 120
"""So long nobody else tries a delivery that is being tried; then its sender must have been killed."""


class Deliveries:
    """The deliveries of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self) -> Delivery | None:
        """Take up the delivery that is due longest; None where none is."""
        due = sa.and_(DeliveryRow.next_at.is_not(None), DeliveryRow.next_at <= now())
        first = sa.select(DeliveryRow.id).where(due).order_by(DeliveryRow.next_at).limit(1)
        with reading(self._engine) as connection:  # most of the time none is: no need to write
            if connection.execute(first).scalar() is None:
                return None
        with writing(self._engine) as connection:
            delivery_id = connection.execute(first).scalar()
            if delivery_id is None:
                return None
            row = connection.execute(
                sa.update(DeliveryRow)
                .where(DeliveryRow.id == delivery_id)
                .values(attempts=DeliveryRow.attempts + 1, next_at=_in(IN_HAND_S))
                .returning(DeliveryRow.check_id, DeliveryRow.url, DeliveryRow.attempts)
            ).one()
            check = checks.get(connection, CheckRow.id == row.check_id)
            return Delivery(delivery_id, row.url, row.attempts, check)

    def arrived(self, delivery: Delivery) -> None:
        """Note that a delivery was taken."""
        self._set(delivery, state="delivered", next_at=None, last_error=None)

    def retry(self, delivery: Delivery, seconds: float | None, reason: str) -> None:
        """Try a delivery again in so many seconds, or never (None)."""
        if seconds is None:
            self._set(delivery, state="given_up", next_at=None, last_error=reason)
        else:
            self._set(delivery, next_at=_in(seconds), last_error=reason)

    def counts(self) -> dict[str, int]:
        """Return the number of deliveries by state."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                sa.select(DeliveryRow.state, sa.func.count()).group_by(DeliveryRow.state)
            )
            return {state: int(count) for state, count in rows}

    def _set(self, delivery: Delivery, **values: str | None) -> None:
        mine = DeliveryRow.id == delivery.delivery_id
        with writing(self._engine) as connection:
            connection.execute(sa.update(DeliveryRow).where(mine).values(values))


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
