"""Image Editing Request (Tan et al. 2019): photos that people asked others to edit, on Reddit and Zhopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.pairs import CaptionedPair, read_pairs


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """Pairs of train, valid or test; one caption each in train, three otherwise."""
    pictures = first_of(folder, "images", ".")
    return tuple(
        replace(
            pair, before=pair.before and pictures / pair.before, after=pair.after and pictures / pair.after
        )
        for pair in read_pairs(first_of(folder, f"{split}.json", f"ier_{split}.json"))
    )
