"""The schema's revision: checked with one query, brought up by Alembic only when behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from provenance.db.engine import reading, writing
from provenance.errors import DatabaseError, DatabaseTooNewError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
"""The newest revision in alembic/versions."""

_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))


def upgrade(engine: Engine) -> None:
    """Bring the schema to HEAD; a no-op when it is there, and safe when several processes try at once.

    Raises DatabaseTooNewError when the database has a revision that this program does not know.
    """
    with reading(engine) as connection:
        if revision(connection) == HEAD:
            return
    config = alembic_config()
    with writing(engine) as connection:
        found = revision(connection)
        if found == HEAD:
            return
        if found is not None:
            _check_known(config, found)
        from alembic import command

        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def revision(connection: Connection) -> str | None:
    """Return the revision of the schema, None for an empty database."""
    if not sa.inspect(connection).has_table(_VERSION.name):
        return None
    found: str | None = connection.execute(sa.select(_VERSION.c.version_num)).scalar()
    return found


def alembic_config() -> Config:
    """Return Alembic's configuration for the scripts of the wheel or of the checkout."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_script_folder()).replace("%", "%%"))
    return config


def _script_folder() -> Path:
    """Return the folder with env.py: inside the package in a wheel, at the top of a checkout."""
    package = Path(__file__).parent
    for folder in (package / "migrations", package.parent.parent / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise DatabaseError("the migrations are missing from this installation: install provenance again")


def _check_known(config: Config, found: str) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise DatabaseTooNewError(
            f"the database has schema {found!r}, this program knows up to {HEAD!r}: a newer version wrote it;"
            " run pip install --upgrade provenance"
        )
