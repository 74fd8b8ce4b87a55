"""imagehash: the perceptual hash of Krawetz 2011, a discrete cosine transform's signs about their median."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.peer.reading import nearest_bits, open_rgb, read_ahead

FACTOR = 4
FORMS = (None, *Image.Transpose)
"""The eight mirrored and rotated forms of a picture."""


class PerceptualHash:
    """`side`² bits a photo; with `dihedral`, a query is tried in its eight forms."""

    note = ""
    speed_only = False

    def __init__(self, *, threads: int, side: int = 8, dihedral: bool = False) -> None:
        self._threads, self._side, self._dihedral = threads, side, dihedral
        self._codes: NDArray[np.uint8]

    def ingest(self, photos: Sequence[Path]) -> None:
        """Hash every photo."""
        self._codes = np.stack(
            list(read_ahead(photos, lambda path: self._hash(self._open(path)), self._threads))
        )

    def query(self, path: Path) -> tuple[int | None, float]:
        """The nearest by differing bits."""
        small = self._open(path)
        forms = FORMS if self._dihedral else FORMS[:1]
        codes = [self._hash(small if form is None else small.transpose(form)) for form in forms]
        return nearest_bits(np.stack(codes), self._codes)

    def stored_bytes(self) -> int:
        """The packed hashes."""
        return self._codes.nbytes

    def _open(self, path: Path) -> Image.Image:
        """The small grey picture that imagehash itself reduces to, so that its eight forms cost little."""
        side = self._side * FACTOR
        return open_rgb(path, side).convert("L").resize((side, side), Image.Resampling.LANCZOS)

    def _hash(self, small: Image.Image) -> NDArray[np.uint8]:
        return np.packbits(imagehash.phash(small, hash_size=self._side, highfreq_factor=FACTOR).hash)
