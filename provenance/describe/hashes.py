"""256-bit perceptual hash by imagehash, and the hashes of the mirrored and rotated picture."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.records import Pixels

VERSION = "imagehash-phash-256/1"
HASH_SIDE = 16
SMALL_SIDE = 64
"""imagehash shrinks to four times the hash's side (`highfreq_factor`); doing it once serves all forms."""


def perceptual_hash(pixels: Pixels) -> NDArray[np.uint8]:
    """`imagehash.phash(image, hash_size=16)` as uint8 [32], most significant bit first, row by row."""
    return _hash(_small(pixels))


def dihedral_hashes(pixels: Pixels) -> NDArray[np.uint8]:
    """The perceptual hashes of the eight mirrored and rotated forms, uint8 [8, 32].

    Rows 0 to 3: as is, mirrored left-right, mirrored top-bottom, turned by 180 degrees; rows 4 to 7: the
    same of the transposed picture. The small picture is turned, which may move a few bits against the hash of
    the turned full picture.
    """
    small = _small(pixels)
    turns = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
    return np.stack(
        [
            _hash(form)
            for base in (small, small.transpose(Image.Transpose.TRANSPOSE))
            for form in (base, *(base.transpose(turn) for turn in turns))
        ]
    )


def _small(pixels: Pixels) -> Image.Image:
    """The grey picture that imagehash transforms."""
    return Image.fromarray(pixels).convert("L").resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)


def _hash(small: Image.Image) -> NDArray[np.uint8]:
    return np.packbits(imagehash.phash(small, hash_size=HASH_SIDE).hash)
