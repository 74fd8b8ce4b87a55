"""256-bit perceptual hash by imagehash, and the hashes of the mirrored and rotated picture."""

from __future__ import annotations

from functools import cache

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
    """The perceptual hashes of the eight mirrored and rotated forms, uint8 [8, 32], from one transform.

    Rows 0 to 3: as is, mirrored left-right, mirrored top-bottom, turned by 180 degrees; rows 4 to 7: the
    same of the transposed picture. Mirroring a picture changes the sign of every other coefficient of its
    cosine transform, transposing it transposes them (as in PDQ, Facebook 2019).
    """
    grey = np.asarray(_small(pixels), np.float64)
    low = (_cosines() @ grey @ _cosines().T).round(6)
    odd = np.where(np.arange(HASH_SIDE) % 2, -1.0, 1.0)
    forms = [
        form
        for base in (low, low.T)
        for form in (base, base * odd, base * odd[:, None], base * np.outer(odd, odd))
    ]
    hashes = np.stack([np.packbits(form > np.median(form)) for form in forms])
    hashes[0] = perceptual_hash(pixels)
    return hashes


@cache
def _cosines() -> NDArray[np.float64]:
    """The first rows of the cosine transform, [HASH_SIDE, SMALL_SIDE], as scipy's unnormalised DCT-II."""
    k, n = np.arange(HASH_SIDE)[:, None], np.arange(SMALL_SIDE)[None]
    return 2.0 * np.cos(np.pi * k * (2 * n + 1) / (2 * SMALL_SIDE))


def _small(pixels: Pixels) -> Image.Image:
    """The grey picture that imagehash transforms."""
    return Image.fromarray(pixels).convert("L").resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)


def _hash(small: Image.Image) -> NDArray[np.uint8]:
    return np.packbits(imagehash.phash(small, hash_size=HASH_SIDE).hash)
