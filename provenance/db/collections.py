"""Collections: named parts of the trusted set, enabled or not, each with its threshold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db import audit, write
from provenance.db.engine import reading, writing
from provenance.db.service_tables import CollectionRow, MemberRow
from provenance.db.tables import Reference
from provenance.errors import ConflictError, NotFoundError, UsageError
from provenance.ledger import Actor, Collection

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_UNCHANGED: Any = object()


class Collections:
    """The collections of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self,
        name: str,
        *,
        title: str = "",
        enabled: bool = True,
        min_confidence: float | None = None,
        by: Actor,
    ) -> Collection:
        """Make an empty collection. Raises UsageError for a bad name, ConflictError for one that is taken."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot name a collection: use up to 64 small letters, digits, - and _, not first"
            )
        row = {
            "name": name, "title": title or name, "enabled": enabled,
            "min_confidence": _share(min_confidence), "created_at": write.now(),
        }  # fmt: skip
        with writing(self._engine) as connection:
            if _find(connection, name) is not None:
                raise ConflictError(
                    f"there is a collection {name!r} already: change it, or choose another name"
                )
            connection.execute(sa.insert(CollectionRow).values(row))
            audit.note(connection, by, "collection.create", name, enabled=enabled)
            return _get(connection, name)

    def all(self) -> list[Collection]:
        """Return all collections by name."""
        with reading(self._engine) as connection:
            return _records(connection, sa.true())

    def get(self, name: str) -> Collection:
        """Return one collection. Raises NotFoundError."""
        with reading(self._engine) as connection:
            return _get(connection, name)

    def update(
        self,
        name: str,
        *,
        title: str | None = None,
        enabled: bool | None = None,
        min_confidence: float | None = _UNCHANGED,
        by: Actor,
    ) -> Collection:
        """Change what is given; a switch is effective on the next check. Raises NotFoundError."""
        new: dict[str, Any] = {}
        if title is not None:
            new["title"] = title or name
        if enabled is not None:
            new["enabled"] = enabled
        if min_confidence is not _UNCHANGED:
            new["min_confidence"] = _share(min_confidence)
        with writing(self._engine) as connection:
            before = _get(connection, name)
            if new:
                connection.execute(sa.update(CollectionRow).where(CollectionRow.name == name).values(new))
                audit.note(connection, by, "collection.update", name, **new)
            if enabled is not None and enabled != before.enabled:
                write.next_generation(connection)
            return _get(connection, name)

    def delete(self, name: str, *, by: Actor) -> None:
        """Delete an empty collection. Raises ConflictError where it holds pictures, NotFoundError."""
        with writing(self._engine) as connection:
            found = _get(connection, name)
            if found.references:
                raise ConflictError(
                    f"{name!r} holds {found.references} pictures: take them out first, or switch it off"
                )
            connection.execute(sa.delete(CollectionRow).where(CollectionRow.name == name))
            audit.note(connection, by, "collection.delete", name)

    def put(self, reference_id: int, names: Iterable[str], *, by: Actor) -> None:
        """Let a reference be in just these collections. Raises NotFoundError."""
        with writing(self._engine) as connection:
            put_in(connection, reference_id, sorted(set(names)), by)


def put_in(connection: Connection, reference_id: int, names: Sequence[str], by: Actor) -> None:
    """Let a reference be in just these collections. Raises NotFoundError for an unknown one."""
    if connection.execute(sa.select(Reference.id).where(Reference.id == reference_id)).scalar() is None:
        raise NotFoundError(f"there is no reference {reference_id}")
    wanted = {name: _get(connection, name).collection_id for name in names}
    mine = MemberRow.reference_id == reference_id
    have = set(connection.execute(sa.select(MemberRow.collection_id).where(mine)).scalars())
    if have == set(wanted.values()):
        return
    connection.execute(sa.delete(MemberRow).where(mine))
    if wanted:
        rows = [{"reference_id": reference_id, "collection_id": one} for one in wanted.values()]
        connection.execute(sa.insert(MemberRow), rows)
    audit.note(connection, by, "reference.collections", reference_id, collections=list(wanted))
    write.next_generation(connection)


def thresholds(connection: Connection, ids: Sequence[int], default: float) -> dict[int, float]:
    """Return what a match with each reference must reach: the least that an enabled collection of it asks.

    References that are in no enabled collection are left out.
    """
    found: dict[int, float] = {}
    for chunk in write.chunks(ids):
        rows = connection.execute(
            sa.select(MemberRow.reference_id, CollectionRow.min_confidence)
            .join(CollectionRow, CollectionRow.id == MemberRow.collection_id)
            .where(MemberRow.reference_id.in_(chunk), CollectionRow.enabled)
        )
        for reference_id, least in rows:
            asked = default if least is None else least
            found[reference_id] = min(found.get(reference_id, 1.0), asked)
    return found


def names_by_reference(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Return the names of the collections of each reference, in order."""
    found: dict[int, tuple[str, ...]] = {}
    for chunk in write.chunks(ids):
        rows = connection.execute(
            sa.select(MemberRow.reference_id, CollectionRow.name)
            .join(CollectionRow, CollectionRow.id == MemberRow.collection_id)
            .where(MemberRow.reference_id.in_(chunk))
            .order_by(CollectionRow.name)
        )
        for reference_id, name in rows:
            found[reference_id] = (*found.get(reference_id, ()), name)
    return found


def _share(value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 1:
        raise UsageError(f"a confidence is from 0 to 1, not {value}")
    return value


def _find(connection: Connection, name: str) -> Collection | None:
    found = _records(connection, CollectionRow.name == name) if _NAME.fullmatch(name) else []
    return found[0] if found else None


def _get(connection: Connection, name: str) -> Collection:
    found = _find(connection, name)
    if found is None:
        raise NotFoundError(f"there is no collection {name!r}: make it first")
    return found


def _records(connection: Connection, condition: sa.ColumnElement[bool]) -> list[Collection]:
    held = sa.select(sa.func.count()).where(MemberRow.collection_id == CollectionRow.id).scalar_subquery()
    rows = connection.execute(
        sa.select(
            CollectionRow.id, CollectionRow.name, CollectionRow.title, CollectionRow.enabled,
            CollectionRow.min_confidence, CollectionRow.created_at, held,
        )
        .where(condition)
        .order_by(CollectionRow.name)
    )  # fmt: skip
    return [Collection(*row) for row in rows]
