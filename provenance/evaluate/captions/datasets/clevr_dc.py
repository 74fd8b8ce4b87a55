"""CLEVR-DC (Kim et al. 2021): like CLEVR-Change, with the camera moved far; a sixth is unchanged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.datasets.splits import in_split
from provenance.evaluate.captions.pairs import CaptionedPair, read_pairs


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """Pairs of train, val or test; bef/7.png and aft/7.png, or as others name them images/000007.png."""
    before, after = first_of(folder, "bef", "images"), first_of(folder, "aft", "sc_images")
    wanted = in_split(first_of(folder, "split.json", "splits.json", "split_dc.json"), split)
    captions = first_of(folder, "captions.json", "change_captions.json", "captions_dc.json")
    return tuple(
        replace(pair, before=_picture(before, pair.id), after=_picture(after, pair.id))
        for pair in read_pairs(captions)
        if wanted(pair.id)
    )


def _picture(folder: Path, key: str) -> Path:
    name = key.removesuffix(".png")
    padded = folder / f"{name:0>6}.png"
    return padded if padded.is_file() else folder / f"{name}.png"
