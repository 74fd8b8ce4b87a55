"""The front door: parse, call the pipeline, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import errno
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance import __version__
from provenance.commands.console import (
    Captioner,
    Clip,
    CopyModel,
    Format,
    Home,
    Language,
    OutputFormat,
    ReportFormat,
    ReportOutputFormat,
    open_library,
    print_json,
    progress_bar,
)
from provenance.commands.database import db_app
from provenance.commands.evaluate import evaluate_app
from provenance.commands.hashes import hashes_app
from provenance.commands.replay import replay
from provenance.commands.service import keys_app, serve, worker
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from provenance import IngestSummary, Report
    from provenance.report import EvidenceFolder

app = typer.Typer(
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the trusted original of a picture, and say in plain words what was changed.",
    epilog="Exit codes: 0 reports were made, whatever the verdict; 2 wrong call; "
    "65 unreadable picture; 66 not found; 68 URL refused; 69 an optional part or model is missing; "
    "70 database from a newer version; "
    "74 database, index or disk trouble; 77 no permission; 78 wrong setting; 130 interrupted.",
)
app.add_typer(db_app, name="db")
app.add_typer(hashes_app, name="hashes")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(keys_app, name="keys")


ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Also write one self-contained HTML page."),
]
EvidenceDir = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        metavar="DIR",
        help="Also write PNGs of each pair: NAME-original.png (lined up), -difference, -heat-map, "
        "-outlines, -mask.",
    ),
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
        typer.Option(
            metavar="FILE.csv",
            help="Columns: path, title, creator, credit, license, caption, source, captured_at; "
            "counts more than what the files say of themselves.",
        ),
    ] = None,
    reread: Annotated[
        bool, typer.Option("--reread", help="Read unchanged files again, for what is not known of them yet.")
    ] = False,
    pdq: Annotated[
        bool | None, typer.Option("--pdq", help="Make PDQ hashes too, from now on (extra 'pdq').")
    ] = None,
    clip: Clip = None,
    copy_model: CopyModel = None,
    output: OutputFormat = Format.text,
    home: Home = None,
) -> None:
    """Add trusted pictures, or update them; repeat it at will, only changed files are read again."""
    opened = open_library(context, home, clip, copy_model, pdq=pdq)
    with opened as library, progress_bar("ingest") as advance:
        summary = library.ingest(paths, source=source, manifest=manifest, reread=reread, progress=advance)
    if output is Format.text:
        print_summary(summary)
    else:
        print_json(summary, output)


@app.command()
def check(
    context: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE|URL|FOLDER", help="Pictures to check.")],
    output: ReportOutputFormat = ReportFormat.text,
    report: ReportFile = None,
    evidence: EvidenceDir = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="Candidates verified at first.")] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain/--no-explain",
            help="--no-explain only finds the original, which is quicker: "
            '"modified" then means a copy that is not the same pixels.',
        ),
    ] = True,
    captioner: Captioner = None,
    clip: Clip = None,
    language: Language = None,
    home: Home = None,
) -> None:
    """Find the trusted original of each picture and say what was changed."""
    with open_library(context, home, clip, language=language, captioner=captioner) as library:
        inputs = expand(images)
        reports = library.check_many(inputs, top_k=top_k, explain=explain)
        show_reports(reports, output, report, evidence, several=inputs != images[:1])


@app.command()
def explain(
    context: typer.Context,
    original: Annotated[str, typer.Argument(help="The original: path or URL.")],
    edited: Annotated[str, typer.Argument(help="The edited copy: path or URL.")],
    output: ReportOutputFormat = ReportFormat.text,
    report: ReportFile = None,
    captioner: Captioner = None,
    evidence: EvidenceDir = None,
    language: Language = None,
    home: Home = None,
) -> None:
    """Say what was changed between two given pictures; uses no database."""
    with open_library(context, home, language=language, captioner=captioner) as library:
        reports = iter([library.explain(original, edited)])
        show_reports(reports, output, report, evidence, several=False)


app.command()(replay)
app.command()(serve)
app.command()(worker)


# ---------------------------------------------------------------- printing


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


def show_reports(
    reports: Iterator[Report],
    output: ReportFormat,
    page: Path | None,
    evidence: Path | None,
    *,
    several: bool,
) -> None:
    """Print each report as it comes, and put it on the page; fail only when no input could be read."""
    verdicts: list[str] = []
    folder = open_folder(evidence) if evidence else None

    def printed() -> Iterator[Report]:
        for report in reports:
            print_one(report, output, first=not verdicts, several=several)
            verdicts.append(report.verdict)
            if folder is not None:
                folder.add(report)
            yield report
        if output in (ReportFormat.json, ReportFormat.jsonld) and several:
            typer.echo("\n]" if verdicts else "[]")

    if page is None:
        for _ in printed():
            pass
    else:
        from provenance.report import write_html

        write_html(printed(), page)
        typer.echo(f"report: {page}", err=output is not ReportFormat.text)
    if folder is not None:
        typer.echo(f"evidence: {folder.path}", err=output is not ReportFormat.text)
    if verdicts and set(verdicts) == {"error"}:
        raise typer.Exit(65)


def open_folder(path: Path) -> EvidenceFolder:
    """The folder for --evidence, before the first check; loads OpenCV only when asked for."""
    from provenance.report import EvidenceFolder

    return EvidenceFolder(path)


def print_one(report: Report, output: ReportFormat, *, first: bool, several: bool) -> None:
    """One report in the asked form; JSON of several inputs is one array."""
    from provenance.report import print_report, propose_reviews, to_json, to_jsonld

    if output is ReportFormat.text:
        from rich.console import Console

        print_report(report, Console())
    elif output is ReportFormat.jsonl:
        typer.echo(to_json(report))
    else:
        before = ("[\n" if first else ",\n") if several else ""
        written = (to_jsonld if output is ReportFormat.jsonld else to_json)(report, indent=2)
        typer.echo(before + written, nl=not several)
        if output is ReportFormat.jsonld and not propose_reviews(report)["@graph"]:
            typer.echo(f"note: nothing to propose for {report.query.name!a}: {report.verdict}", err=True)
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
