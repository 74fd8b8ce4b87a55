"""What every embedding model offers to the rest of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.records import Pixels


class Embedder(Protocol):
    """Turns pictures into unit vectors; higher inner product is closer."""

    name: str
    """The descriptor's name in `Description.embeddings`."""
    version: str
    """Changes whenever the same picture would get another vector."""
    dimension: int

    def embed(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dimension] of n uint8 [h, w, 3] sRGB pictures of any size."""
