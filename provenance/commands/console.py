"""What the commands share: options, the open library, the progress bar, JSON on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance.languages import languages

if TYPE_CHECKING:
    from provenance import Provenance


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


class ReportFormat(StrEnum):
    """How reports are printed."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    jsonld = "jsonld"


Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where database and index live. [env: PROVENANCE_HOME]"),
]
Clip = Annotated[
    str | None,
    typer.Option("--clip", metavar="MODEL:TAG|FILE", help="Use CLIP too, e.g. ViT-B-32:laion2b_s34b_b79k."),
]
CopyModel = Annotated[
    str | None,
    typer.Option(
        "--copy-model",
        metavar="MODEL",
        help="Who makes the copy descriptor of this database from now on: builtin, onnx:FILE, "
        "torchscript:FILE, timm:NAME, timm:NAME:FILE, open_clip:MODEL:TAG or open_clip:MODEL:FILE; "
        "all but open_clip take ,side=320 ,mean=imagenet|half|none ,fit=square|short behind.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="LANGUAGE", help=f"What the report is told in: {', '.join(languages())}."),
]
ReportOutputFormat = Annotated[
    ReportFormat,
    typer.Option(
        "--format",
        "-f",
        help="How to print the result; jsonld: schema.org MediaReview and ClaimReview, proposed for a person "
        "to confirm.",
    ),
]
Captioner = Annotated[
    str | None,
    typer.Option(
        "--captioner",
        metavar="NAME[:MODEL]",
        help="Who writes the caption: measured (default); a model, NAME:MODEL or NAME:FOLDER, held against "
        "the measured evidence; or measured+NAME:MODEL, which only rephrases what was measured.",
    ),
]
OutputFormat = Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")]


@contextmanager
def open_library(
    context: typer.Context,
    home: Path | None,
    clip: str | None = None,
    copy_model: str | None = None,
    language: str | None = None,
    pdq: bool | None = None,
    captioner: str | None = None,
) -> Iterator[Provenance]:
    """The library at --home (of the command, or of the program) with the given models and language."""
    from provenance import Provenance

    asked: dict[str, dict[str, Any]] = {
        "describe": {"clip": clip, "copy_model": copy_model, "pdq": pdq},
        "explain": {"language": language, "captioner": captioner},
    }
    given = {room: {key: value for key, value in one.items() if value} for room, one in asked.items()}
    options: dict[str, Any] = {room: one for room, one in given.items() if one}
    try:
        with Provenance(home or context.obj, **options) as library:
            yield library
    except KeyboardInterrupt:
        typer.echo("interrupted: what was done is kept; run the same command again for the rest", err=True)
        raise
    except BrokenPipeError:  # who reads has seen enough: `provenance check ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """A bar on stderr with rate and time left; silent where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        yield advance


def print_json(record: Any, output: Format) -> None:
    """A record, or what is ready for JSON, as JSON."""
    import json
    from dataclasses import asdict, is_dataclass

    content = asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
    indent = 2 if output is Format.json else None
    typer.echo(json.dumps(content, indent=indent, default=str, ensure_ascii=False))
