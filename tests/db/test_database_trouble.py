"""Bad files, full disks, locks, kills: a clear error with a cure, and nothing lost."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from provenance.db import Database, engine
from provenance.errors import DatabaseError, MissingExtraError, StorageFullError, UnreadableError
from tests.db.pictures import VERSIONS, picture

ADD_FOREVER = """
import sys
from provenance.db import Database
from tests.db.pictures import VERSIONS, picture
database = Database(sys.argv[1])
database.upgrade()
number = int(sys.argv[2])
while True:
    database.add_references([picture(number + offset) for offset in range(4)], VERSIONS)
    number += 4
    print(number, flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'provenance.sqlite'}"


@pytest.fixture
def database(url: str) -> Database:
    database = Database(url)
    database.upgrade()
    return database


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database " * 1000)
    with pytest.raises(DatabaseError, match="move the file away"):
        Database(f"sqlite:///{file}").upgrade()
    assert file.read_text() == "no database " * 1000


def test_a_damaged_database_is_noticed(database: Database, tmp_path: Path) -> None:
    database.add_references([picture(number) for number in range(50)], VERSIONS)
    database.close()
    file = tmp_path / "provenance.sqlite"
    data = bytearray(file.read_bytes())
    for start in range(8192, len(data), 4096):
        data[start : start + 64] = bytes(64)
    file.write_bytes(data)
    damaged = Database(f"sqlite:///{file}")
    with pytest.raises(DatabaseError, match="backup"):
        damaged.digest()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseError, match="--home"):
        Database(f"sqlite:///{tmp_path / 'file' / 'home' / 'provenance.sqlite'}")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="permissions"):
        Database(f"sqlite:///{tmp_path}").upgrade()


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything: be somebody else for a while."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("locked", ["file", "folder"])
def test_a_file_or_folder_without_permission_is_named(locked: str) -> None:
    # Not pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'home' / 'provenance.sqlite'}"
        database = Database(url)
        database.upgrade()
        database.close()
        folder.chmod(0o755)
        shut = folder / "home" if locked == "folder" else folder / "home" / "provenance.sqlite"
        shut.chmod(0)
        with as_nobody(), pytest.raises(UnreadableError, match="permissions"):
            Database(url).upgrade()


@pytest.mark.parametrize(
    "bad", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "x://y"]
)
def test_a_url_that_cannot_be_used_is_refused(bad: str) -> None:
    with pytest.raises(DatabaseError):
        Database(bad)


def test_a_bad_url_does_not_show_its_password() -> None:
    for bad in ("postgres://me:secret@host/db", "oracle://me:secret@host/db", "sqlite+x://me:secret@host/db"):
        with pytest.raises(DatabaseError, match="postgresql") as caught:
            Database(bad)
        assert "secret" not in str(caught.value)


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"provenance\[postgres\]"):
        Database("postgresql://host/photos")


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseError, match="does not answer") as caught:
        Database("postgresql+psycopg://me:secret@127.0.0.1:9/photos").upgrade()
    assert "secret" not in str(caught.value)


def test_a_full_disk_keeps_what_was_committed(database: Database, url: str) -> None:
    kept = database.add_references([picture(1)], VERSIONS)
    small = Database(url)

    @event.listens_for(small._engine, "connect")
    def limit(connection: sqlite3.Connection, _: Any) -> None:
        [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(StorageFullError, match="free some"):
        small.add_references([picture(number) for number in range(2, 60)], VERSIONS)
    assert small.active_ids().tolist() == database.active_ids().tolist() == kept
    assert database.problems(VERSIONS) == []
    assert len(database.add_references([picture(number) for number in range(2, 60)], VERSIONS)) == 58


def test_a_lock_that_stays_is_explained(
    database: Database, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = sqlite3.connect(tmp_path / "provenance.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.1)
    waiting = Database(url)
    assert waiting.stats().references == 0, "reading goes on"
    with pytest.raises(DatabaseError, match="another process"):
        waiting.set_meta("key", "value")
    holder.execute("ROLLBACK")
    waiting.set_meta("key", "value")
    holder.close()


def test_a_broken_rule_of_the_tables_is_an_error_of_ours(database: Database) -> None:
    with (
        pytest.raises(DatabaseError, match="provenance db verify"),
        engine.writing(database._engine) as connection,
    ):
        connection.execute(sa.text("INSERT INTO files VALUES ('/a', 99, 1, 1)"))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_while_adding_everything_reported_is_there_and_whole(url: str) -> None:
    number = 0
    for wait in (0.0, 0.01, 0.04):
        adder = subprocess.Popen(
            [sys.executable, "-c", ADD_FOREVER, url, str(number)], stdout=subprocess.PIPE, text=True
        )
        assert adder.stdout
        first = int(adder.stdout.readline())
        time.sleep(wait)
        adder.send_signal(signal.SIGKILL)
        reported = max([first, *map(int, adder.stdout.read().split("\n")[:-1])])
        adder.wait()
        database = Database(url)
        stored = database.stats().references
        assert stored in (reported, reported + 4), "whole batches only"
        assert database.problems(VERSIONS) == []
        database.close()
        number = stored
