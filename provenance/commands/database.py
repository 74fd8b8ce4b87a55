"""`provenance db`: look after the database and its indexes."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance.commands.console import Format, Home, OutputFormat, open_library, print_json

db_app = typer.Typer(no_args_is_help=True, help="Look after the database and its indexes.")


@db_app.command()
def upgrade(context: typer.Context, home: Home = None) -> None:
    """Bring the database to this version's schema (every command does so by itself)."""
    with open_library(context, home) as library:
        typer.echo(f"the schema is at revision {library.database.stats().schema_revision}")


@db_app.command()
def stats(context: typer.Context, output: OutputFormat = Format.text, home: Home = None) -> None:
    """Say what the database holds."""
    from rich.console import Console
    from rich.table import Table

    with open_library(context, home) as library:
        found = library.database.stats()
        if output is not Format.text:
            print_json(found, output)
            return
        table = Table(show_header=False, box=None)
        for name, value in (
            ("references", found.references),
            ("withdrawn", found.withdrawn),
            ("superseded", found.superseded),
            ("files", found.files),
            *((f"descriptor {key}", count) for key, count in found.descriptors.items()),
            ("schema revision", found.schema_revision), ("bytes on disk", found.bytes_on_disk),
            ("home", library.settings.home),
        ):  # fmt: skip
            table.add_row(name, str(value))
        Console().print(table)


@db_app.command()
def verify(
    context: typer.Context,
    files: Annotated[bool, typer.Option("--files", help="Also read every trusted file again.")] = False,
    home: Home = None,
) -> None:
    """Check database and indexes; prints a digest that two databases of equal content share."""
    with open_library(context, home) as library:
        problems = library.problems(files=files)
        typer.echo(f"content digest {library.database.digest()}")
    for problem in problems:
        typer.echo(f"problem: {problem}", err=True)
    if problems:
        raise typer.Exit(74)
    typer.echo("no problems: every reference is complete, and the indexes equal the database")


@db_app.command()
def rebuild(context: typer.Context, home: Home = None) -> None:
    """Make the indexes anew from the database."""
    with open_library(context, home) as library:
        library.searcher.rebuild()
        typer.echo(f"indexes made anew for {len(library.database.active_ids())} references")


@db_app.command()
def withdraw(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(help="Number, path, or first characters of the sha256.")],
    restore: Annotated[bool, typer.Option("--restore", help="Take a withdrawal back.")] = False,
    home: Home = None,
) -> None:
    """Take a picture out of the trusted set, effective on the very next check; nothing is deleted."""
    with open_library(context, home) as library:
        found = library.database.find(reference)
        (library.database.restore if restore else library.database.withdraw)(found.reference_id)
        typer.echo(f"{'restored' if restore else 'withdrawn'}: {found.path} (reference {found.reference_id})")
