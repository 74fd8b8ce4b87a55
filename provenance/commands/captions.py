"""`provenance evaluate captions`: measure captions of changes against what people said."""

from __future__ import annotations

import functools
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance.commands.console import Captioner, Home, open_library, progress_bar

if TYPE_CHECKING:
    from provenance.evaluate.captions.metrics import Metric
    from provenance.evaluate.captions.pairs import CaptionedPair
    from provenance.evaluate.captions.tables import Table


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
    str,
    typer.Option(
        "--references",
        "-r",
        metavar="FILE|NAME:FOLDER",
        help="What people said: JSON of COCO, Image Editing Request or Spot-the-Diff; or a data set.",
    ),
]
Split = Annotated[str, typer.Option(help="Which part of a data set: train, valid (or val), test.")]
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
        help="Of bleu (1 to 4), bleu4, meteor, cider, rouge, spice, bertscore, direction, specificity; "
        "without it all that can run here.",
    ),
]
BertscoreModel = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Text encoder for BERTScore; papers take roberta-large.")
]


def captions(
    predictions: Predictions,
    references: References,
    split: Split = "test",
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
    from provenance.evaluate.captions import baselines, evaluation, pairs, scores, tables

    known = read_references(references, split)
    systems = {name: pairs.read_predictions(file) for name, file in map(named_file, predictions)}
    known, answers = pairs.match_answers(known, systems, partial=partial)
    for note in pairs.empty_notes(known, answers):
        typer.echo(f"note: {note}", err=True)
    learnt = pairs.read_pairs(training) if training else other_split(references, split, "train")
    tuned = pairs.read_pairs(validation) if validation else other_split(references, split, "valid", "val")
    if not learnt:
        typer.echo("note: no training captions, so no random row; give --training FILE", err=True)
    chosen = choose_metrics(metrics, bertscore_model, bertscore_layer)
    rows = [baselines.answer_set(name, known, said) for name, said in answers.items()]
    rows += baselines.baselines(known, learnt, constant=constant, seed=seed)
    with progress_bar("metrics") as advance:
        found = evaluation.evaluate_captions(known, rows, chosen, seen=(*learnt, *tuned), progress=advance)
    table = tables.tabulate(found, Path(references).stem, scores.Draws(samples, seed))
    print_table(table, output)


def print_table(table: Table, output: TableFormat) -> None:
    """A table in the asked form."""
    import json

    from provenance.evaluate.captions import tables

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
        names.remove("bleu4")
        for name in ("meteor", "spice"):
            if unavailable(name):
                names.remove(name)
                typer.echo(f"note: without {name}; --metrics {name} says what it needs", err=True)
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


def read_references(spec: str, split: str) -> tuple[CaptionedPair, ...]:
    """What people said, of a file or of a data set's split; pairs of which nobody spoke are left out."""
    from provenance.errors import InputError
    from provenance.evaluate.captions.datasets import is_dataset, read_dataset
    from provenance.evaluate.captions.pairs import read_pairs

    found = read_dataset(spec, split) if is_dataset(spec) else read_pairs(Path(spec))
    captioned = tuple(pair for pair in found if pair.captions)
    if not captioned:
        raise InputError(f"{spec}: its pairs have no captions to compare with; add some")
    return captioned


def other_split(spec: str, split: str, *names: str) -> tuple[CaptionedPair, ...]:
    """Another split of the same data set: ier_test.json -> ier_train.json; empty where there is none."""
    from provenance.errors import InputError, UsageError
    from provenance.evaluate.captions.datasets import is_dataset, read_dataset
    from provenance.evaluate.captions.pairs import read_pairs

    for name in names:
        if is_dataset(spec):
            try:
                found = read_dataset(spec, name)
            except (InputError, UsageError):
                continue
            if found != read_dataset(spec, split):  # some data sets have no splits
                return found
            continue
        file = Path(spec).with_name(Path(spec).name.replace(split, name))
        if file != Path(spec) and file.is_file():
            typer.echo(f"note: {name} captions from {file}", err=True)
            return read_pairs(file)
    return ()


def run(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME:FOLDER",
            help="ier, spot-the-diff, clevr-change, clevr-dc, psbattle, instructpix2pix, magicbrush or csv, "
            "and the folder it was unpacked to.",
        ),
    ],
    captioner: Captioner = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gets the captions as COCO's JSON; without it stdout.")
    ] = None,
    split: Split = "test",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N pairs.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Pairs captioned at once: more for several cores, or for a server.")
    ] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask again what was answered before.")] = False,
    home: Home = None,
) -> None:
    """Caption a whole data set; stop it at will, the same command goes on where it was.

    Answers are kept in HOME/answers.sqlite by content: the pixels of both pictures, the captioner with its
    model and settings. Measure them with `provenance evaluate captions`.
    """
    from provenance.errors import InputError
    from provenance.evaluate.captions.datasets import read_dataset, require_pictures
    from provenance.evaluate.captions.running import caption_pairs, predictions_json, write_predictions
    from provenance.evaluate.captions.store import AnswerStore

    pairs = read_dataset(dataset, split)[:limit]
    require_pictures(pairs)
    with (
        open_library(context, home, captioner=captioner) as library,
        AnswerStore(library.settings.home / "answers.sqlite") as store,
        progress_bar("caption") as advance,
    ):
        result = caption_pairs(library, pairs, store, workers=workers, fresh=fresh, progress=advance)
    for key, reason in result.failures.items():
        typer.echo(f"not captioned: {key}: {reason}", err=True)
    if not result.answers:
        raise InputError("no pair could be captioned; see the reasons above")
    if out is None:
        typer.echo(predictions_json(result))
        return
    write_predictions(out, result)
    typer.echo(
        f"{out}: {len(result.answers)} captions, {result.known} of them known before, "
        f"{len(result.failures)} pairs could not be captioned"
    )
