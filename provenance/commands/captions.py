"""`provenance evaluate captions`: measure captions of changes against what people said."""

from __future__ import annotations

import functools
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance.commands.console import progress_bar

if TYPE_CHECKING:
    from provenance.evaluate.captions.metrics import Metric


class TableFormat(StrEnum):
    """How the table is printed."""

    markdown = "markdown"
    csv = "csv"
    latex = "latex"
    json = "json"


Predictions = Annotated[
    list[str],
    typer.Option(
        "--predictions",
        "-p",
        metavar="[NAME=]FILE",
        help="A system's captions as JSON: image_id (or uid, img_id), caption. Repeat it for more systems: "
        "the first is compared with each other one.",
    ),
]
References = Annotated[
    Path,
    typer.Option(
        "--references",
        "-r",
        metavar="FILE",
        help="What people said: COCO captions, Image Editing Request's or Spot-the-Diff's JSON.",
    ),
]
Training = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Captions of training: for the random row, and the sources it saw."),
]
Validation = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Captions of tuning: more sources that were seen.")
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME...",
        help="Of bleu, meteor, cider, rouge, spice, bertscore, direction, specificity; without it all that "
        "can run here.",
    ),
]
BertscoreModel = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Text encoder for BERTScore; papers take roberta-large.")
]


def captions(
    predictions: Predictions,
    references: References,
    training: Training = None,
    validation: Validation = None,
    metrics: Metrics = None,
    bertscore_model: BertscoreModel = None,
    bertscore_layer: Annotated[int, typer.Option(min=1, help="Its layer.")] = 17,
    constant: Annotated[
        str, typer.Option(help="The caption of the constant row.")
    ] = "increase the brightness of the image",
    output: Annotated[
        TableFormat, typer.Option("--format", "-f", help="How to print the table.")
    ] = TableFormat.markdown,
    samples: Annotated[
        int, typer.Option(min=0, help="Draws for the 95 % intervals and the paired test; 0: none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws and the random row.")] = 0,
    partial: Annotated[
        bool, typer.Option("--partial", help="Measure only the pairs that every system answered.")
    ] = False,
) -> None:
    """Measure captions of changes: BLEU, METEOR, CIDEr, ROUGE-L, SPICE, BERTScore, direction, specificity.

    Beside the systems stand a constant caption, a random one of training, and people against each other.
    Figures are given for all pairs, for pairs whose source training did not see, and by category
    (background, text, local object, image style), read from the captions where the references do not say it.
    """
    import json

    from provenance.evaluate.captions import baselines, evaluation, pairs, scores, tables

    chosen = choose_metrics(metrics, bertscore_model, bertscore_layer)
    known = pairs.read_pairs(references)
    systems = {name: pairs.read_predictions(file) for name, file in map(named_file, predictions)}
    known, answers = pairs.match_answers(known, systems, partial=partial)
    for note in pairs.empty_notes(known, answers):
        typer.echo(f"note: {note}", err=True)
    training = training or sibling(references, "train")
    validation = validation or sibling(references, "valid") or sibling(references, "val")
    learnt, tuned = (pairs.read_pairs(file) if file else () for file in (training, validation))
    if not learnt:
        typer.echo("note: no training captions, so no random row; give --training FILE", err=True)
    rows = [baselines.answer_set(name, known, said) for name, said in answers.items()]
    rows += baselines.baselines(known, learnt, constant=constant, seed=seed)
    with progress_bar("metrics") as advance:
        found = evaluation.evaluate_captions(known, rows, chosen, seen=(*learnt, *tuned), progress=advance)
    table = tables.tabulate(found, references.stem, scores.Draws(samples, seed))
    if output is TableFormat.json:
        typer.echo(json.dumps(tables.to_dict(table), indent=2, ensure_ascii=False))
        return
    write = {"markdown": tables.to_markdown, "csv": tables.to_csv, "latex": tables.to_latex}[output.value]
    typer.echo(write(table))


def choose_metrics(asked: str | None, bertscore_model: Path | None, layer: int) -> dict[str, Metric]:
    """The metrics asked for, or all that can run here; says on stderr which are left out, and why."""
    from provenance.errors import UsageError
    from provenance.evaluate.captions.java_metrics import unavailable
    from provenance.evaluate.captions.metrics import METRICS, load_metric

    names = [name.strip().lower() for name in asked.split(",")] if asked else list(METRICS)
    if not asked:
        for name in ("meteor", "spice"):
            if reason := unavailable(name):
                names.remove(name)
                typer.echo(f"note: without {name}: {reason}", err=True)
        if bertscore_model is None:
            names.remove("bertscore")
    found = {name: load_metric(name) for name in names}
    if "bertscore" in found:
        if bertscore_model is None:
            raise UsageError("bertscore needs --bertscore-model DIR, the folder of a text encoder")
        found["bertscore"] = functools.partial(found["bertscore"], folder=bertscore_model, layer=layer)  # type: ignore[call-arg]
    return found


def named_file(text: str) -> tuple[str, Path]:
    """NAME=FILE -> name and file; the file's name without it."""
    name, equals, file = text.partition("=")
    if equals and name and not Path(text).exists():
        return name, Path(file)
    return Path(text).stem, Path(text)


def sibling(references: Path, split: str) -> Path | None:
    """The file of another split beside test captions: ier_test.json -> ier_train.json."""
    file = references.with_name(references.name.replace("test", split))
    if file == references or not file.is_file():
        return None
    typer.echo(f"note: {split} captions from {file}", err=True)
    return file
