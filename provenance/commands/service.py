"""`provenance serve`, `worker` and `keys`: the HTTP service, who works for it, and who may use it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from provenance.commands.console import Format, Home, OutputFormat, open_library, print_json

keys_app = typer.Typer(no_args_is_help=True, help="Keys for the HTTP service: who may use it.")


class RoleOption(StrEnum):
    """What a key allows."""

    checker = "checker"
    curator = "curator"
    admin = "admin"


LogFormat = Annotated[
    bool | None,
    typer.Option("--json-log/--plain-log", help="One JSON object a line; default without a terminal."),
]


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; others need keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    json_log: LogFormat = None,
    home: Home = None,
) -> None:
    """Answer checks over HTTP, with a page for people (extra 'service')."""
    from provenance.service import serve as run

    with open_library(context, home) as library:
        run(library, host=host, port=port, json_log=json_log)


def worker(context: typer.Context, json_log: LogFormat = None, home: Home = None) -> None:
    """Work on the checks that a service has accepted, beside it or on another machine."""
    from provenance.service import work

    with open_library(context, home) as library:
        work(library, json_log=json_log)


@keys_app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is, for the audit log.")],
    role: Annotated[
        RoleOption,
        typer.Option(help="A checker checks, a curator also changes the trusted set, an admin does all."),
    ] = RoleOption.checker,
    home: Home = None,
) -> None:
    """Make a key and print it, once: only its digest is kept."""
    from provenance.jobs.webhooks import secret_of
    from provenance.ledger import COMMAND_LINE

    with open_library(context, home) as library:
        made, key = library.database.keys.create(name, role.value, by=COMMAND_LINE)
        typer.echo(key)
        typer.echo(
            f"key {made.key_id} for {made.name} ({made.role}); send it as 'Authorization: Bearer ...'. It "
            f"cannot be shown again. Its results for callbacks are signed with "
            f"{secret_of(library.database, made.key_id)}",
            err=True,
        )


@keys_app.command("list")
def list_keys(context: typer.Context, output: OutputFormat = Format.text, home: Home = None) -> None:
    """List all keys, also the revoked ones; the keys themselves are not known any more."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    with open_library(context, home) as library:
        keys = library.database.keys.all()
    if output is not Format.text:
        print_json([asdict(key) for key in keys], output)
        return
    table = Table("key", "name", "role", "made", "revoked", box=None)
    for key in keys:
        table.add_row(str(key.key_id), key.name, key.role, key.created_at, key.revoked_at or "")
    Console().print(table)


@keys_app.command()
def revoke(
    context: typer.Context, key: Annotated[int, typer.Argument(help="Number of the key.")], home: Home = None
) -> None:
    """Make a key invalid, from the next request on."""
    from provenance.ledger import COMMAND_LINE

    with open_library(context, home) as library:
        revoked = library.database.keys.revoke(key, by=COMMAND_LINE)
        typer.echo(f"revoked: key {revoked.key_id} of {revoked.name}")


@keys_app.command()
def secret(
    context: typer.Context,
    key: Annotated[int, typer.Argument(help="Number of the key; 0: without keys.")],
    home: Home = None,
) -> None:
    """Print the secret that results for a key's callbacks are signed with."""
    from provenance.jobs.webhooks import secret_of

    with open_library(context, home) as library:
        typer.echo(secret_of(library.database, key))
