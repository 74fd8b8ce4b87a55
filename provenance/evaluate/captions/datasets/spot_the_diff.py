"""Spot-the-Diff (Jhamtani & Berg-Kirkpatrick 2018): frames of surveillance cameras some minutes apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.pairs import CaptionedPair, read_pairs


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """Pairs of train, val or test; rows of one id are one pair, with all their sentences."""
    places = ("", "annotations/", "data/annotations/", "data/")
    captions = first_of(folder, *(f"{place}{split}.json" for place in places))
    pictures = first_of(folder, "resized_images", "images", "data/resized_images")
    return tuple(
        replace(pair, before=pictures / f"{pair.id}.png", after=pictures / f"{pair.id}_2.png")
        for pair in read_pairs(captions)
    )
