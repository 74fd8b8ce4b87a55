"""The migrations make the tables of the models, once, whoever else tries at the same time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from provenance.db import Database, migrate
from provenance.db.engine import open_engine, writing
from provenance.db.tables import Base
from provenance.errors import DatabaseError, DatabaseTooNewError, ProvenanceError
from tests.db.pictures import VERSIONS, picture

UPGRADE = """
import sys
from provenance.db import Database
database = Database(sys.argv[1])
database.upgrade()
print(database.uuid)
"""


def test_models_and_migrations_agree(database: Database, database_url: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_head_the_program_asks_for_is_the_newest_script() -> None:
    assert ScriptDirectory.from_config(migrate.alembic_config()).get_current_head() == migrate.HEAD


def test_upgrading_again_changes_nothing(database: Database) -> None:
    database.add_references([picture(1)], VERSIONS)
    uuid, digest = database.uuid, database.digest()
    database.upgrade()
    assert (database.meta("uuid"), database.digest()) == (uuid, digest)


def test_an_upgrade_of_the_newest_schema_does_not_load_alembic(database_url: str) -> None:
    Database(database_url).upgrade()
    code = f"""
import sys
from provenance.db import Database
Database({database_url!r}).upgrade()
sys.exit("alembic" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_several_processes_upgrading_at_once_agree(database_url: str) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, database_url], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(answers)) == 1


def test_a_database_of_a_newer_version_is_left_alone(database: Database, run_sql: Callable[..., Any]) -> None:
    run_sql("UPDATE alembic_version SET version_num = 'from-the-future'")
    with pytest.raises(DatabaseTooNewError, match="pip install --upgrade provenance"):
        database.upgrade()
    assert run_sql("SELECT version_num FROM alembic_version") == [("from-the-future",)]


def test_an_upgrade_that_fails_leaves_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(database_url)
    real = command.upgrade

    def fail_late(*arguments: Any) -> None:
        real(*arguments)
        raise DatabaseError("stopped")

    monkeypatch.setattr(command, "upgrade", fail_late)
    with pytest.raises(DatabaseError, match="stopped"):
        migrate.upgrade(engine)
    assert sa.inspect(engine).get_table_names() == []
    monkeypatch.undo()
    migrate.upgrade(engine)
    assert "reference_images" in sa.inspect(engine).get_table_names()
    engine.dispose()


def test_down_and_up_again(database: Database, database_url: str) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        config = migrate.alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    migrate.upgrade(engine)
    engine.dispose()
    assert database.stats().references == 0


def test_an_empty_database_that_was_not_upgraded_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(ProvenanceError, match="provenance db upgrade"):
        database.active_ids()


def test_what_an_older_schema_holds_is_kept(database_url: str, run_sql: Callable[..., Any]) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        config = migrate.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    run_sql(
        "INSERT INTO reference_images (sha256, path, status, byte_size, width, height, format, title,"
        " ingested_at, thumbnail) VALUES ('ab', '/a.jpg', 'active', 1, 2, 3, 'JPEG', 'Harbour', 'x', :blob)",
        blob=b"RIFF",
    )
    database = Database(database_url)
    database.upgrade()
    [record] = database.references(database.active_ids().tolist()).values()
    assert (record.title, record.creator, record.caption) == ("Harbour", None, None)
    database.update_details(record.reference_id, creator="Ana Example", caption="The harbour at dawn.")
    assert database.find("/a.jpg").caption == "The harbour at dawn."
    database.close()
