"""The front door: parse, call the pipeline, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import errno
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance import __version__
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from provenance import IngestSummary, Provenance, Report

app = typer.Typer(
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the trusted original of a picture, and say in plain words what was changed.",
    epilog="Exit codes: 0 reports were made, whatever the verdict; 2 wrong call; "
    "65 unreadable picture; 66 not found; 68 URL refused; 69 an optional part or model is missing; "
    "70 database from a newer version; "
    "74 database, index or disk trouble; 77 no permission; 78 wrong setting; 130 interrupted.",
)
db_app = typer.Typer(no_args_is_help=True, help="Look after the database and its indexes.")
evaluate_app = typer.Typer(no_args_is_help=True, help="Measure the program on pictures with known truth.")
app.add_typer(db_app, name="db")
app.add_typer(evaluate_app, name="evaluate")


class Format(StrEnum):
    """How results are printed."""

    text = "text"
    json = "json"
    jsonl = "jsonl"


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
OutputFormat = Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Also write one self-contained HTML page."),
]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    home: Home = None,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    """Options of every command."""
    if version:
        typer.echo(f"provenance {__version__}")
        raise typer.Exit
    context.obj = home
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


# ---------------------------------------------------------------- main commands


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Trusted pictures and folders of them.")
    ],
    source: Annotated[
        str | None, typer.Option(help="Where these pictures come from, e.g. an agency.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Columns: path, title, credit, license, source, captured_at."),
    ] = None,
    clip: Clip = None,
    copy_model: CopyModel = None,
    output: OutputFormat = Format.text,
    home: Home = None,
) -> None:
    """Add trusted pictures, or update them; repeat it at will, only changed files are read again."""
    with open_library(context, home, clip, copy_model) as library, progress_bar("ingest") as advance:
        summary = library.ingest(paths, source=source, manifest=manifest, progress=advance)
    if output is Format.text:
        print_summary(summary)
    else:
        print_json(summary, output)


@app.command()
def check(
    context: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE|URL|FOLDER", help="Pictures to check.")],
    output: OutputFormat = Format.text,
    report: ReportFile = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="Candidates verified at first.")] = None,
    clip: Clip = None,
    home: Home = None,
) -> None:
    """Find the trusted original of each picture and say what was changed."""
    with open_library(context, home, clip) as library:
        inputs = expand(images)
        show_reports(library.check_many(inputs, top_k=top_k), output, report, several=inputs != images[:1])


@app.command()
def explain(
    context: typer.Context,
    original: Annotated[str, typer.Argument(help="The original: path or URL.")],
    edited: Annotated[str, typer.Argument(help="The edited copy: path or URL.")],
    output: OutputFormat = Format.text,
    report: ReportFile = None,
    home: Home = None,
) -> None:
    """Say what was changed between two given pictures; uses no database."""
    with open_library(context, home) as library:
        show_reports(iter([library.explain(original, edited)]), output, report, several=False)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    home: Home = None,
) -> None:
    """Answer checks over HTTP (extra 'service'); the interface is described at /docs."""
    from provenance.service import serve as run

    with open_library(context, home) as library:
        run(library, host=host, port=port)


# ---------------------------------------------------------------- db


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


# ---------------------------------------------------------------- evaluate


@evaluate_app.command("sample")
def evaluate_sample(
    folder: Annotated[Path, typer.Argument(help="Folder with photos/, queries/, truth.json.")] = Path(
        "sample_db"
    ),
) -> None:
    """Ingest a sample folder into a fresh database, check its queries, print the table against the truth."""
    import tempfile

    from provenance import Provenance
    from provenance.evaluate.sample import evaluate_sample as evaluate

    with tempfile.TemporaryDirectory() as home, Provenance(home) as library:
        with progress_bar("ingest") as advance:
            library.ingest([folder / "photos"], manifest=folder / "credits.csv", progress=advance)
        typer.echo(evaluate(folder, library.check).table())


@evaluate_app.command("make-queries")
def make_queries(
    photos: Annotated[Path, typer.Option(metavar="DIR", help="Photos to make queries from.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets trusted/, queries/ and queries.csv.")],
    others: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Photos that stay strangers, also to paste and frame with; without it, half of --photos.",
        ),
    ] = None,
    per_photo: Annotated[int, typer.Option(min=1, help="Queries of each trusted photo.")] = 2,
    strangers: Annotated[
        int, typer.Option(min=0, help="Queries without an original; may be more than photos.")
    ] = 0,
    branded: Annotated[
        int,
        typer.Option(
            min=0,
            help="Trusted photos, and further strangers, with the same banner, logo, watermark, frame, "
            "caption, flag, face, app or background in turn.",
        ),
    ] = 0,
    kinds: Annotated[
        str | None, typer.Option(metavar="KIND,KIND...", help="Kinds of edit; all without it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other queries.")] = 0,
) -> None:
    """Make queries with known truth: photos edited in many ways, and strangers."""
    from provenance.evaluate.queries import make_queries as make

    named = [kind.strip() for kind in kinds.split(",")] if kinds else []
    with progress_bar("make queries") as advance:
        made = make(
            photos, out, others=others, per_photo=per_photo, strangers=strangers, branded=branded,
            kinds=named, seed=seed, progress=advance,
        )  # fmt: skip
    typer.echo(
        f"{out / 'queries.csv'}: {len(made)} queries of {len({query.kind for query in made})} kinds, "
        f"{sum(query.reference is None for query in made)} of them without an original"
    )


@evaluate_app.command()
def retrieval(
    context: typer.Context,
    trusted: Annotated[Path, typer.Option(metavar="DIR", help="Trusted photos, ingested first.")],
    queries: Annotated[
        Path,
        typer.Option(
            metavar="FILE.csv",
            help="Columns: query, reference (empty: none), kind, also (further originals).",
        ),
    ],
    output: OutputFormat = Format.text,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the reliability diagram.")
    ] = None,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(
            "--contact-sheet",
            "--mistakes",
            metavar="FILE.png",
            help="Draw what was missed or mistaken: query, original and answer, with the reason.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain/--no-explain", help="Find the originals only: much quicker.")
    ] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Check N random queries, evenly over the kinds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed takes others with --limit.")] = 0,
    clip: Clip = None,
    copy_model: CopyModel = None,
    home: Home = None,
) -> None:
    """Measure how many originals are found, how often falsely, and whether confidence can be believed."""
    import tempfile

    from provenance.evaluate.contact import draw_contact_sheet
    from provenance.evaluate.plots import draw_reliability
    from provenance.evaluate.queries import choose, read_queries
    from provenance.evaluate.retrieval import evaluate_retrieval, require_trusted, without_explanation
    from provenance.evaluate.tables import retrieval_table

    asked = read_queries(queries)
    if limit is not None:
        asked = choose(asked, limit, seed)
    with (
        tempfile.TemporaryDirectory() as fresh,
        open_library(context, home or context.obj or Path(fresh), clip, copy_model) as library,
    ):
        with progress_bar("ingest") as advance:
            library.ingest([trusted], progress=advance)
        require_trusted(asked, lambda digest: library.database.reference_by_sha256(digest) is not None)
        with progress_bar("check") as advance:
            checker = library.check if explain else without_explanation(library.check)
            result = evaluate_retrieval(asked, checker, progress=advance)
    for file in (plot, contact_sheet):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
    if plot is not None:
        draw_reliability(result.calibration, "confidence of the best candidate").save(plot)
    if contact_sheet is not None:
        draw_contact_sheet(result.mistakes).save(contact_sheet)
    if output is Format.text:
        typer.echo(retrieval_table(result))
    else:
        print_json(result.as_dict(), output)


# ---------------------------------------------------------------- printing


@contextmanager
def open_library(
    context: typer.Context, home: Path | None, clip: str | None = None, copy_model: str | None = None
) -> Iterator[Provenance]:
    """The library at --home (of the command, or of the program) with the given models."""
    from provenance import Provenance

    models = {"clip": clip, "copy_model": copy_model}
    asked = {name: spec for name, spec in models.items() if spec}
    options: dict[str, Any] = {"describe": asked} if asked else {}
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


def expand(images: list[str]) -> list[Any]:
    """Folders -> the pictures in them; everything else stays as given."""
    from provenance.ingest import walk

    inputs: list[Any] = []
    for image in images:
        if image.startswith(("http://", "https://")) or not Path(image).is_dir():
            inputs.append(image)
            continue
        found = [
            os.path.relpath(path) if not Path(image).is_absolute() else str(path)
            for path in walk([image], [])
        ]
        if not found:
            typer.echo(f"note: {image!r} holds no pictures", err=True)
        inputs += found
    return inputs


def show_reports(reports: Iterator[Report], output: Format, page: Path | None, *, several: bool) -> None:
    """Print each report as it comes, and put it on the page; fail only when no input could be read."""
    verdicts: list[str] = []

    def printed() -> Iterator[Report]:
        for report in reports:
            print_one(report, output, first=not verdicts, several=several)
            verdicts.append(report.verdict)
            yield report
        if output is Format.json and several:
            typer.echo("\n]" if verdicts else "[]")

    if page is None:
        for _ in printed():
            pass
    else:
        from provenance.report import write_html

        write_html(printed(), page)
        typer.echo(f"report: {page}", err=output is not Format.text)
    if verdicts and set(verdicts) == {"error"}:
        raise typer.Exit(65)


def print_one(report: Report, output: Format, *, first: bool, several: bool) -> None:
    """One report in the asked form; JSON of several inputs is one array."""
    from provenance.report import print_report, to_json

    if output is Format.text:
        from rich.console import Console

        print_report(report, Console())
    elif output is Format.jsonl:
        typer.echo(to_json(report))
    else:
        before = ("[\n" if first else ",\n") if several else ""
        typer.echo(before + to_json(report, indent=2), nl=not several)
    sys.stdout.flush()


def print_summary(summary: IngestSummary) -> None:
    """One line of counts, then what was left out and why."""
    rate = summary.seen / summary.seconds if summary.seconds else 0.0
    typer.echo(
        f"{summary.added} added, {summary.unchanged} unchanged, {summary.updated} updated, "
        f"{summary.moved} moved, "
        f"{summary.duplicates} duplicates, {len(summary.skipped)} skipped "
        f"in {summary.seconds:.1f} s ({rate:.1f} images/s)"
    )
    for file in summary.skipped:
        typer.echo(
            f"skipped {ascii(file.path)[1:-1] if not file.path.isprintable() else file.path}: {file.reason}",
            err=True,
        )


def print_json(record: Any, output: Format) -> None:
    """A record, or what is ready for JSON, as JSON."""
    import json
    from dataclasses import asdict, is_dataclass

    content = asdict(record) if is_dataclass(record) and not isinstance(record, type) else record
    indent = 2 if output is Format.json else None
    typer.echo(json.dumps(content, indent=indent, default=str, ensure_ascii=False))


def main() -> None:
    """Run the program; errors go to stderr as one line with the cure, and to the exit code."""
    warnings.filterwarnings("ignore", module="PIL")  # the decoder says what matters
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        app()
    except ProvenanceError as error:
        fail(error, error.exit_code)
    except OSError as error:
        fail(
            "the disk is full: free some space and run the same command again"
            if error.errno == errno.ENOSPC
            else error,
            74,
        )


def fail(error: object, code: int) -> None:
    """Say what went wrong on stderr and leave."""
    typer.echo(f"error: {error}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
