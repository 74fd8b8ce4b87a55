"""PS-Battles (Heller et al. 2018): photos and what contestants made of them, with captions collected by
others.

The data set itself has no captions; the paper had three written for each of 100 pairs. Put yours into
captions.json in any layout of `pairs`, the id being the edited picture's name without its ending.
"""

from __future__ import annotations

from pathlib import Path

from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.pairs import CaptionedPair, read_pairs


def read(folder: Path, split: str) -> tuple[CaptionedPair, ...]:
    """The captioned pairs, or without captions.json all of them; there are no splits."""
    originals = {file.stem: file for file in first_of(folder, "originals").iterdir()}
    edited = {
        file.stem: file
        for file in sorted(first_of(folder, "photoshops").rglob("*"))
        if file.parent.name in originals
    }
    captions = folder / "captions.json"
    known = read_pairs(captions) if captions.is_file() else [CaptionedPair(key, ()) for key in edited]
    nowhere = folder / "photoshops"
    return tuple(
        CaptionedPair(
            pair.id,
            pair.captions,
            before=originals[edited[pair.id].parent.name] if pair.id in edited else nowhere / pair.id,
            after=edited.get(pair.id, nowhere / pair.id),
            categories=pair.categories,
        )
        for pair in known
    )
