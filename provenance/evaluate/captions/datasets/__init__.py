"""Data sets of image pairs with captions, read from folders in their published layouts; one short reader
each.

    editing_request   Image Editing Request: train.json, valid.json, test.json, images/
    spot_the_diff     annotations/train.json ..., resized_images/ID.png and ID_2.png
    clevr_change      change_captions.json, no_change_captions.json, splits.json, images/, sc_images/,
    nsc_images/ clevr_dc          captions.json, split.json, bef/, aft/ ps_battles        originals/,
    photoshops/ORIGINAL/, captions.json instruct_pix2pix  seeds.json, FOLDER/prompt.json, SEED_0.jpg,
    SEED_1.jpg magicbrush        edit_sessions.json, images/ID/; or pairs.json table             pairs.csv:
    before, after, caption, and if wanted id, category, split

A reader is a function of a folder and a split, named in `DATASETS`, imported when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from provenance.errors import InputError, NotFoundError, UsageError
from provenance.evaluate.captions.pairs import CaptionedPair

Reader: TypeAlias = Callable[[Path, str], tuple[CaptionedPair, ...]]

DATASETS = {
    "ier": "provenance.evaluate.captions.datasets.editing_request:read",
    "spot-the-diff": "provenance.evaluate.captions.datasets.spot_the_diff:read",
    "clevr-change": "provenance.evaluate.captions.datasets.clevr_change:read",
    "clevr-dc": "provenance.evaluate.captions.datasets.clevr_dc:read",
    "psbattle": "provenance.evaluate.captions.datasets.ps_battles:read",
    "instructpix2pix": "provenance.evaluate.captions.datasets.instruct_pix2pix:read",
    "magicbrush": "provenance.evaluate.captions.datasets.magicbrush:read",
    "csv": "provenance.evaluate.captions.datasets.table:read",
}


def read_dataset(spec: str, split: str = "test") -> tuple[CaptionedPair, ...]:
    """Read one split of "NAME:FOLDER".

    Raises UsageError for an unknown name or split, NotFoundError and InputError for what is lacking.
    """
    name, _, folder = spec.partition(":")
    if name not in DATASETS or not folder:
        raise UsageError(f"{spec!r} is no NAME:FOLDER of a data set; known names are {', '.join(DATASETS)}")
    if not Path(folder).exists():
        raise NotFoundError(f"{folder!r}: no such folder; give that of the data set {name}")
    module, _, attribute = DATASETS[name].partition(":")
    reader = cast(Reader, getattr(import_module(module), attribute))
    pairs = reader(Path(folder).resolve(), split)
    if not pairs:
        raise InputError(f"{folder}: the split {split!r} of {name} holds no pairs; give another --split")
    return pairs


def is_dataset(spec: str) -> bool:
    """Whether a text means a data set rather than a file."""
    return spec.partition(":")[0] in DATASETS and not Path(spec).exists()


def require_pictures(pairs: Sequence[CaptionedPair]) -> None:
    """Raise NotFoundError that counts the pictures that are not there, InputError for pairs without any."""
    files = {file: None for pair in pairs for file in (pair.before, pair.after)}
    if None in files:
        raise InputError("pairs without pictures cannot be captioned; give a data set, not only captions")
    if lost := [str(file) for file in files if file is not None and not file.is_file()]:
        raise NotFoundError(
            f"{len(lost)} of {len(files)} pictures are not there, such as {lost[0]!r}; is the data set whole?"
        )


def first_of(folder: Path, *names: str) -> Path:
    """The first of these that is in the folder. Raises NotFoundError that lists them."""
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise NotFoundError(
        f"{folder}: holds no {' or '.join(names)}; give the folder that the data set was unpacked to"
    )
