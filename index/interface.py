"""The interface every vector engine keeps, and how an index lies on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Metric = Literal["cosine", "hamming"]
Ids: TypeAlias = NDArray[np.int64]
Vectors: TypeAlias = NDArray[np.float32] | NDArray[np.uint8]


class VectorIndex(Protocol):
    """Maps int64 ids (database keys) to vectors and finds the nearest.

    Metric "cosine": float32 [n, dimension] unit vectors, score = inner product, higher is closer.
    Metric "hamming": uint8 [n, dimension // 8] packed bits, score = minus the number of differing bits, so
    that higher is closer here too.

    Several threads may search at once; a change needs that no other call runs.
    """

    dimension: int
    metric: Metric

    def __init__(self, dimension: int, metric: Metric) -> None: ...

    def __len__(self) -> int: ...

    def __contains__(self, reference_id: object) -> bool: ...

    def ids(self) -> Ids:
        """All ids, ascending."""

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors; an id that is there already gets the new vector."""

    def remove(self, ids: Ids) -> int:
        """Remove ids, effective at once; unknown ids are ignored. Returns how many were there."""

    def search(self, queries: Vectors, k: int) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids [q, k] and scores [q, k], best first; ties by ascending id.

        Missing places hold id -1 and score minus infinity.
        """

    def save(self, folder: Path, *, descriptor: str, generation: str) -> None:
        """Write the index to `folder`, replacing the old one atomically."""

    @classmethod
    def load(cls, folder: Path, *, descriptor: str) -> tuple[Self, str]:
        """Read an index and the generation it was saved with.

        Raises IndexCorruptError when it is missing, damaged, or made for another descriptor.
        """
