"""256-bit perceptual hash, and the hashes of the mirrored and rotated picture at no extra cost.

The bits are those of `imagehash.phash(image, hash_size=16)` (the tests hold them equal). They are computed
here because imagehash takes the cosine transform from scipy, whose import takes longer than all work on a
picture, and because the eight forms follow from one transform.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.records import Pixels

VERSION = "imagehash-phash-256/1"
HASH_SIDE = 16
SMALL_SIDE = 64
"""imagehash shrinks to four times the hash's side (`highfreq_factor`)."""


def perceptual_hash(pixels: Pixels) -> NDArray[np.uint8]:
    """The perceptual hash of a picture, uint8 [32], most significant bit first, row by row."""
    return _pack(_low_frequencies(pixels))


def dihedral_hashes(pixels: Pixels) -> NDArray[np.uint8]:
    """The perceptual hashes of the eight mirrored and rotated forms, uint8 [8, 32].

    Rows 0 to 3: as is, mirrored left-right, mirrored top-bottom, turned by 180 degrees; rows 4 to 7: the
    same of the transposed picture. Mirroring negates the cosine coefficients of odd frequency, transposing
    transposes them; the median is taken anew because it moves with the signs.
    """
    upright = _low_frequencies(pixels)
    odd = np.where(np.arange(HASH_SIDE) % 2, -1.0, 1.0)
    forms = []
    for coefficients in (upright, upright.T):
        for rows, columns in ((1.0, 1.0), (1.0, odd), (odd, 1.0), (odd, odd)):
            forms.append(_pack(coefficients * np.reshape(rows, (-1, 1)) * columns))
    return np.stack(forms)


def _low_frequencies(pixels: Pixels) -> NDArray[np.float64]:
    """The 16 x 16 lowest coefficients of the type-2 cosine transform of the small grey picture, float64."""
    grey = Image.fromarray(pixels).convert("L").resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)
    frequencies = np.arange(HASH_SIDE)[:, None] * (2 * np.arange(SMALL_SIDE) + 1)[None, :]
    basis = 2.0 * np.cos(np.pi * frequencies / (2 * SMALL_SIDE))
    # Rounding makes exactly zero what should be zero, as in a plain or a symmetric picture.
    return np.asarray(np.round(basis @ np.asarray(grey, np.float64) @ basis.T, 6) + 0.0)


def _pack(coefficients: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bits where a coefficient is above the median, packed to uint8 [32]."""
    return np.packbits(coefficients > np.median(coefficients))
