"""Databases to test with: SQLite, and a real PostgreSQL server where the package for it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from provenance.db import Database


@pytest.fixture
def open_database(database_url: str) -> Iterator[Callable[[], Database]]:
    """Open the same database again, as another process would."""
    opened: list[Database] = []

    def open_one() -> Database:
        database = Database(database_url)
        opened.append(database)
        database.upgrade()
        return database

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: Callable[[], Database]) -> Database:
    """An empty database at the newest schema."""
    return open_database()


@pytest.fixture
def run_sql(database_url: str) -> Iterator[Callable[..., Any]]:
    """Run a statement behind the database's back."""
    engine = sa.create_engine(database_url)

    def run(statement: str, **values: Any) -> Any:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else None

    yield run
    engine.dispose()
