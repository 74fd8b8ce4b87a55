"""CLEVR-Change (Park et al. 2019): rendered scenes, one thing changed or only the camera moved."""

from __future__ import annotations

from pathlib import Path

from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.datasets.splits import in_split
from provenance.evaluate.captions.pairs import CaptionedPair, read_pairs


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """Pairs of train, val or test; ids as in its authors' evaluation: 000042.png, unchanged 000042.png_n."""
    folder = first_of(folder, "change_captions.json", "data/change_captions.json").parent
    wanted = in_split(first_of(folder, "splits.json"), split)
    kinds = (
        ("change_captions", "sc_images", "semantic", ""),
        ("no_change_captions", "nsc_images", "nonsemantic", "_n"),
    )
    return tuple(
        CaptionedPair(
            id=pair.id.rpartition("_")[2] + ending,
            captions=pair.captions,
            before=folder / "images" / pair.id,
            after=folder / pictures / pair.id.replace("default", kind),
        )
        for captions, pictures, kind, ending in kinds
        for pair in read_pairs(first_of(folder, f"{captions}.json"))
        if wanted(pair.id)
    )
