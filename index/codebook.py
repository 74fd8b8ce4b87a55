"""How local descriptors are shortened: a fixed projection, fixed lists and fixed words, shipped as one file.

Because nothing is trained on a user's pictures, a keypoint index grows and shrinks without being rebuilt.
Made by `tools/train_keypoint_codebook.py`, which says from what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.threads import one_blas_thread

CODEBOOK_FILE = Path(__file__).parent / "codebooks" / "rootsift.npz"
VERSION = "rootsift-pca64-pq16/1"
LISTS, PARTS, WORDS = 4096, 16, 256


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """What turns descriptors of 128 bytes into short vectors and codes of 16 bytes."""

    mean: NDArray[np.float32]
    """[128]."""
    projection: NDArray[np.float32]
    """[128, d]."""
    lists: NDArray[np.float32]
    """[LISTS, d] centroids of the inverted lists."""
    words: NDArray[Any]
    """[PARTS, WORDS, d / PARTS] centroids of product quantisation."""

    @property
    def dimension(self) -> int:
        """Of short vectors."""
        return int(self.projection.shape[1])

    def shorten(self, descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, d] of descriptors uint8 [n, 128]."""
        rows = descriptors.astype(np.float32)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
        # A second thread only waits at this size, and burns the core that others need.
        with one_blas_thread():
            short = (rows - self.mean) @ self.projection
        short /= np.maximum(np.linalg.norm(short, axis=1, keepdims=True), 1e-6)
        return np.ascontiguousarray(short, np.float32)

    def save(self, file: Path) -> None:
        """Write it as float16."""
        file.parent.mkdir(parents=True, exist_ok=True)
        parts = {name: getattr(self, name) for name in self.__slots__}
        np.savez_compressed(file, **{name: part.astype(np.float16) for name, part in parts.items()})


@cache
def shipped_codebook() -> Codebook:
    """The codebook inside the package."""
    with np.load(CODEBOOK_FILE, allow_pickle=False) as parts:
        return Codebook(**{name: parts[name].astype(np.float32) for name in Codebook.__slots__})
