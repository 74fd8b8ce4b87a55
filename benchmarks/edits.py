"""The 25 kinds of edit that descriptors are measured with, of those in provenance/evaluate/edits."""

from __future__ import annotations

import numpy as np

from provenance.evaluate.edits import KINDS, Edit
from provenance.evaluate.edits.levels import compress
from provenance.evaluate.edits.picture import TracedPicture
from provenance.records import Pixels

__all__ = ["EDITS", "Pixels", "edited"]

# The shipped descriptor and weights were fitted on these; further kinds are for measuring only.
EDITS: dict[str, Edit] = {
    kind: KINDS[kind]
    for kind in (
        "jpeg 20", "resize 0.35", "blur", "brighter", "darker", "contrast", "saturated", "greyscale",
        "mirror", "quarter turn", "rotate 8", "crop 70", "crop 50", "crop 25", "stretch 1.35", "pad", "text",
        "sticker", "screenshot", "perspective", "noise", "inset", "paste", "crop + tone + text",
        "mirror + crop + jpeg",
    )
}  # fmt: skip


def edited(pixels: Pixels, kind: str, rng: np.random.Generator, other: Pixels) -> Pixels:
    """The picture after the edit `kind` and the JPEG (quality 60 to 90) it was posted with."""
    picture = EDITS[kind](TracedPicture.whole(pixels), rng, [other])
    return compress(picture, int(rng.integers(60, 91))).pixels
