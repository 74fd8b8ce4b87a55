"""`provenance evaluate edits` and `make-edits`: measure the explanation of differences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from provenance.commands.console import Format, OutputFormat, print_json, progress_bar

if TYPE_CHECKING:
    from provenance.evaluate.pairs.truth import Strength


def make_edits(
    photos: Annotated[list[Path], typer.Option(metavar="DIR", help="Photos to edit; may be repeated.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets references/, queries/ and pairs.json.")],
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Pairs; two a photo without it.")
    ] = None,
    benign: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pairs that differ in encoding or size only.")
    ] = 0.25,
    kinds: Annotated[
        str | None, typer.Option(metavar="KIND,KIND...", help="Kinds of edit; all without it.")
    ] = None,
    strength: Annotated[
        str | None,
        typer.Option(metavar="barely,visible,gross", help="How strong edits shall be; all without it."),
    ] = None,
    stamps: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Cut-outs (PNG with alpha, a name in a .txt beside it) to paste; without it, those of "
            "tuxpaint-stamps where they are installed. Subjects of other photos are pasted as well.",
        ),
    ] = None,
    part: Annotated[
        Literal["all", "development", "test"],
        typer.Option(help="Use the photos of one part only, parted by their names."),
    ] = "all",
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes other pairs.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at work.")] = 1,
) -> None:
    """Make pairs with known edits, of every operation and strength, alone and chained, and benign pairs."""
    from provenance.evaluate.pairs.making import make_pairs

    with progress_bar("make pairs") as advance:
        made = make_pairs(
            photos, out, count=count, benign=benign, kinds=_listed(kinds),
            strengths=cast("list[Strength]", _listed(strength)), stamps=stamps, part=part, seed=seed,
            jobs=jobs, progress=advance,
        )  # fmt: skip
    typer.echo(
        f"{out / 'pairs.json'}: {len(made)} pairs of {len({pair.kind for pair in made})} kinds, "
        f"{sum(pair.benign for pair in made)} of them benign"
    )


def edits(
    pairs: Annotated[
        Path, typer.Option(metavar="FILE.json", help="reference, query, operations of each pair.")
    ],
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take N random pairs, evenly over the kinds.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed takes others with --limit.")] = 0,
    kinds: Annotated[
        str | None,
        typer.Option(metavar="KIND,KIND...", help="Only pairs of these kinds, or of these operations."),
    ] = None,
    text: Annotated[
        bool, typer.Option("--text/--no-text", help="Read words (OCR), as explain does by default.")
    ] = True,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="Worst pairs to list.")] = 40,
    mistakes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw the worst pairs: both pictures, change map, what was said and true.",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at work; times are true with one.")] = 1,
    output: OutputFormat = Format.text,
) -> None:
    """Measure how well edits are found, named and placed, and whether unedited pairs are left alone."""
    from provenance.evaluate.differences.figures import measure
    from provenance.evaluate.differences.run import choose_pairs, explain_pairs
    from provenance.evaluate.differences.sheet import draw_sheet
    from provenance.evaluate.differences.tables import edits_table
    from provenance.evaluate.pairs.truth import read_pairs

    chosen = choose_pairs(read_pairs(pairs), kinds=_listed(kinds), limit=limit, seed=seed)
    with progress_bar("explain") as advance:
        outcomes = explain_pairs(chosen, text=text, jobs=jobs, progress=advance)
    figures = measure(outcomes)
    if output is Format.text:
        typer.echo(edits_table(figures, worst=worst))
    else:
        print_json(figures.as_dict(), output)
    if mistakes is not None:
        mistakes.parent.mkdir(parents=True, exist_ok=True)
        draw_sheet(figures.mistakes[:worst], text=text).save(mistakes)


def _listed(words: str | None) -> list[str]:
    return [word.strip() for word in words.split(",")] if words else []
