"""PDQ, the hash of the trust-and-safety field (ThreatExchange), through pdqhash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pdqhash
from numpy.typing import NDArray

from benchmarks.peer.reading import nearest_bits, open_rgb, read_ahead

SIDE = 512


class Pdq:
    """256 bits a photo; with `dihedral`, a query is tried in its eight forms."""

    note = ""
    speed_only = False

    def __init__(self, *, threads: int, dihedral: bool = False) -> None:
        self._threads, self._dihedral = threads, dihedral
        self._codes: NDArray[np.uint8]

    def ingest(self, photos: Sequence[Path]) -> None:
        """Hash every photo."""
        codes = read_ahead(photos, lambda path: pdqhash.compute(_pixels(path))[0], self._threads)
        self._codes = np.packbits(np.stack(list(codes)), axis=1)

    def query(self, path: Path) -> tuple[int | None, float]:
        """The nearest by differing bits."""
        pixels = _pixels(path)
        codes = pdqhash.compute_dihedral(pixels)[0] if self._dihedral else [pdqhash.compute(pixels)[0]]
        return nearest_bits(np.packbits(np.stack(codes), axis=1), self._codes)

    def stored_bytes(self) -> int:
        """The packed hashes."""
        return self._codes.nbytes


def _pixels(path: Path) -> NDArray[np.uint8]:
    image = open_rgb(path, SIDE)
    # PDQ filters down to 64 x 64 itself; larger pictures only take longer.
    image.thumbnail((SIDE, SIDE))
    return np.asarray(image)
