"""Connections: one writer at a time on SQLite and PostgreSQL alike, and driver errors turned into ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url

from provenance.errors import DatabaseError, MissingExtraError, StorageFullError, UnreadableError

BUSY_TIMEOUT_S = 60
_URL_CURE = "use sqlite:////folder/file.sqlite or postgresql+psycopg://user:password@host/name"
_WRITER_LOCK = 0x70726F76
"""Key of PostgreSQL's advisory lock that writers hold ("prov")."""


def open_engine(url: str) -> Engine:
    """Return an engine for a SQLAlchemy URL; the folder of a SQLite file is made.

    Raises DatabaseError for a URL that names no database, MissingExtraError without PostgreSQL's driver.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() == "sqlite":
            return _open_sqlite(parsed)
        if parsed.get_backend_name() == "postgresql":
            return sa.create_engine(parsed, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingExtraError("a PostgreSQL database", "postgres") from error
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError) as error:
        # Without the URL itself, which may hold a password.
        raise DatabaseError(f"the database URL is not valid: {_URL_CURE}") from error
    raise DatabaseError(f"{parsed.get_backend_name()!r} databases are not supported: {_URL_CURE}")


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError(f"a SQLite database needs a file: {_URL_CURE}")
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise UnreadableError(
            f"the folder {str(folder)!r} may not be used: check its permissions or choose another with --home"
        ) from error
    except OSError as error:
        raise DatabaseError(
            f"the folder {str(folder)!r} cannot be made: {error.strerror}; choose another with --home"
        ) from error
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver's own transactions would leave DDL out and begin late.
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # Kept in the file: only the first connection ever has to change it.
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database throughout."""
    options: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with explained(engine.url), engine.connect() as plain:
        connection = plain.execution_options(**options)
        with connection.begin():
            yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that is committed as a whole; writers wait for each other, readers never do."""
    with explained(engine.url), engine.connect() as plain:
        connection = plain.execution_options(writing=True)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
            yield connection


@contextlib.contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn the driver's errors into DatabaseError, StorageFullError or UnreadableError with a cure."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _explain(url, error) from error
    except exc.TimeoutError as error:
        raise DatabaseError(f"{_name(url)}: too many threads wait for a connection; use fewer") from error


def _explain(url: URL, error: exc.DBAPIError) -> DatabaseError | UnreadableError:
    said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    name, low = _name(url), said.lower()
    if "disk is full" in low or "no space left" in low or getattr(error.orig, "sqlstate", None) == "53100":
        return StorageFullError(
            f"{name}: no space is left: free some and run the same command again; what was reported as done"
            " is kept"
        )
    if "not a database" in low or "malformed" in low:
        return DatabaseError(
            f"{name} is damaged or no database of this program ({said}): put back a backup, or move the file"
            " away and ingest again"
        )
    if "locked" in low:
        return DatabaseError(f"{name} is being written by another process: wait for it and try again")
    if "unable to open" in low or "readonly" in low or "read-only" in low or "permission denied" in low:
        return UnreadableError(f"{name} cannot be opened ({said}): check the permissions of file and folder")
    if "no such table" in low or "no such column" in low or "does not exist" in low:
        return DatabaseError(f"{name} has another schema ({said}): run 'provenance db upgrade'")
    if error.connection_invalidated or isinstance(error, exc.OperationalError):
        return DatabaseError(f"{name} does not answer ({said}): check that its server or disk is well")
    return DatabaseError(f"{name}: {said}; run 'provenance db verify'")


def _name(url: URL) -> str:
    """Return the database as a user knows it: the file, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        return f"database {str(url.database)!r}"
    return f"database {url.render_as_string(hide_password=True)!r}"
