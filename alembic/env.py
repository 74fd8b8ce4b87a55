"""Run by Alembic: migrates the connection it is given, or the database of `-x url=...`.

`provenance db upgrade` hands a connection over. On the command line, for work on the schema:

    alembic -x url=sqlite:///some.sqlite revision --autogenerate -m "what changes"
"""

from __future__ import annotations

from alembic import context
from sqlalchemy.engine import Connection

from provenance.db.engine import open_engine, writing
from provenance.db.service_tables import Base


def migrate(connection: Connection) -> None:
    """Run the migrations in the connection's transaction, tables and revision together."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def main() -> None:
    """Use the connection in the configuration, or open the URL of the command line."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("name the database: alembic -x url=sqlite:///some.sqlite ...")
    with writing(open_engine(url)) as connection:
        migrate(connection)


main()
