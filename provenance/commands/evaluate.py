"""`provenance evaluate`: measure the program on pictures with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenance.commands.captions import captions, run
from provenance.commands.console import (
    Clip,
    CopyModel,
    Format,
    Home,
    OutputFormat,
    open_library,
    print_json,
    progress_bar,
)
from provenance.commands.edits import edits, make_edits
from provenance.commands.human import human

evaluate_app = typer.Typer(no_args_is_help=True, help="Measure the program on pictures with known truth.")
evaluate_app.command("make-edits")(make_edits)
evaluate_app.command("edits")(edits)
evaluate_app.command("captions")(captions)
evaluate_app.command("run")(run)
evaluate_app.command("human")(human)


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
