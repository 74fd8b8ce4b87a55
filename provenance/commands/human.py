"""`provenance evaluate human`: people rate captions on a page of this machine; what they think."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance.commands.captions import Split, TableFormat, named_file, print_table

if TYPE_CHECKING:
    from provenance.evaluate.captions.human.ratings import Ratings


def human(
    serve: Annotated[bool, typer.Option("--serve", help="Show the page, on this machine only.")] = False,
    results: Annotated[
        bool, typer.Option("--results", help="Print means, differences and agreement.")
    ] = False,
    ratings: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the study and its ratings are kept.")
    ] = Path("ratings.sqlite"),
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME:FOLDER", help="To begin a study: the pairs, as for 'run'.")
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            "--predictions", "-p", metavar="[NAME=]FILE", help="And each system's captions of them."
        ),
    ] = None,
    split: Split = "test",
    pairs: Annotated[int, typer.Option(min=1, help="How many random pairs are rated.")] = 50,
    raters: Annotated[int, typer.Option(min=1, help="How many people rate each caption.")] = 5,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8321,
    output: Annotated[
        TableFormat, typer.Option("--format", "-f", help="How to print the results.")
    ] = TableFormat.markdown,
    samples: Annotated[
        int, typer.Option(min=0, help="Draws for the 95 % intervals and the paired test; 0: none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the pairs, the order and the draws.")] = 0,
) -> None:
    """Let people mark captions for fluency, correctness and relevance, 1 to 5, not knowing whose they are.

    Begin a study with --serve --dataset --predictions, go on with --serve, and read it with --results.
    """
    from provenance.errors import UsageError
    from provenance.evaluate.captions.human.ratings import Ratings
    from provenance.evaluate.captions.human.results import tabulate_ratings
    from provenance.evaluate.captions.scores import Draws

    if serve == results:
        raise UsageError("give either --serve or --results")
    if results:
        with Ratings.open(ratings) as study:
            print_table(tabulate_ratings(study, Draws(samples, seed)), output)
        return
    if bool(dataset) != bool(predictions):
        raise UsageError(
            "a study begins with both --dataset and --predictions; without both the last one goes on"
        )
    if dataset and predictions:
        begin(ratings, dataset, split, predictions, pairs=pairs, raters=raters, seed=seed)
    with Ratings.open(ratings) as study:
        show(study, port)
    typer.echo(f"ratings are kept in {ratings}; read them with --results", err=True)


def begin(
    file: Path, dataset: str, split: str, predictions: list[str], *, pairs: int, raters: int, seed: int
) -> None:
    """Draw the captions to rate, and write them to a new file."""
    from provenance.evaluate.captions.datasets import read_dataset, require_pictures
    from provenance.evaluate.captions.human.ratings import Ratings
    from provenance.evaluate.captions.human.study import draw_items
    from provenance.evaluate.captions.pairs import read_predictions

    known = read_dataset(dataset, split)
    systems = {name: read_predictions(source) for name, source in map(named_file, predictions)}
    items = draw_items(known, systems, count=pairs, seed=seed)
    chosen = {item.pair for item in items}
    require_pictures([pair for pair in known if pair.id in chosen])
    Ratings.create(file, items, raters=raters, seed=seed).close()
    typer.echo(f"{file}: {len(items)} captions by {', '.join(systems)}; pairs: {len(chosen)}", err=True)


def show(study: Ratings, port: int) -> None:
    """Serve the page until interrupted."""
    import socket

    from provenance.errors import MissingExtraError, UsageError

    try:
        import uvicorn

        from provenance.evaluate.captions.human.page import build
    except ImportError as error:
        raise MissingExtraError("the rating page", "service") from error
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UsageError(f"port {port} is taken by another program; give another --port")
    typer.echo(f"rate at http://127.0.0.1:{port}/ (Ctrl-C ends)", err=True)
    uvicorn.run(build(study), host="127.0.0.1", port=port, log_level="warning")
