"""API keys: made once, shown once, kept as digests."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db import audit
from provenance.db.engine import reading, writing
from provenance.db.service_tables import ApiKeyRow
from provenance.db.write import now
from provenance.errors import NotFoundError, UsageError
from provenance.ledger import ROLES, Actor, ApiKey, Role

PREFIX = "prov_"
"""Begins every key, so that scanners for leaked secrets can find one."""

_LONGEST_NAME = 100
_COLUMNS = (ApiKeyRow.id, ApiKeyRow.name, ApiKeyRow.role, ApiKeyRow.created_at, ApiKeyRow.revoked_at)


class Keys:
    """The keys of a database; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, role: Role, *, by: Actor) -> tuple[ApiKey, str]:
        """Make a key. Returns its record and the key itself, which is not kept and cannot be had again."""
        name = name.strip()
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise UsageError(f"a key needs a name of 1 to {_LONGEST_NAME} printable characters")
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}: use one of {', '.join(ROLES)}")
        key = PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "role": role, "digest": digest_of(key), "created_at": now()}
        with writing(self._engine) as connection:
            made = connection.execute(sa.insert(ApiKeyRow).values(row).returning(ApiKeyRow.id)).scalar_one()
            audit.note(connection, by, "key.create", made, name=name, role=role)
            return _by_id(connection, made), key

    def find(self, key: str) -> ApiKey | None:
        """Return the record of a key that is given in full, None for a wrong or revoked one."""
        with reading(self._engine) as connection:
            wanted = sa.and_(ApiKeyRow.digest == digest_of(key), ApiKeyRow.revoked_at.is_(None))
            row = connection.execute(sa.select(*_COLUMNS).where(wanted)).one_or_none()
            return _record(row) if row is not None else None

    def configured(self) -> bool:
        """Whether there ever was a key: revoking the last one must not open the service."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(ApiKeyRow.id).limit(1)).scalar() is not None

    def all(self) -> list[ApiKey]:
        """Return all keys, revoked ones too, in the order they were made."""
        with reading(self._engine) as connection:
            return [_record(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(ApiKeyRow.id))]

    def revoke(self, key_id: int, *, by: Actor) -> ApiKey:
        """Make a key invalid, from the next request on. Raises NotFoundError."""
        with writing(self._engine) as connection:
            valid = sa.and_(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
            if connection.execute(sa.update(ApiKeyRow).where(valid).values(revoked_at=now())).rowcount:
                audit.note(connection, by, "key.revoke", key_id)
            return _by_id(connection, key_id)


def digest_of(key: str) -> str:
    """SHA-256 in hexadecimal: enough for 256 random bits, which nobody can guess or list."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _by_id(connection: Connection, key_id: int) -> ApiKey:
    row = connection.execute(sa.select(*_COLUMNS).where(ApiKeyRow.id == key_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no key {key_id}: see 'provenance keys list'")
    return _record(row)


def _record(row: sa.Row[*tuple[Any, ...]]) -> ApiKey:
    return ApiKey(row.id, row.name, row.role, row.created_at, row.revoked_at)
