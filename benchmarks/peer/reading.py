"""Pictures for peers, decoded with Pillow, and exact search in rows of bits and of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_Read = TypeVar("_Read")


def open_rgb(path: Path, side: int | None = None) -> Image.Image:
    """The upright picture in RGB; with `side`, a JPEG is decoded no larger than that needs."""
    image = Image.open(path)
    if side is not None:
        # Twice the size leaves the antialiasing to the caller's own resizing.
        image.draft("RGB", (2 * side, 2 * side))
    image = ImageOps.exif_transpose(image)
    return image.convert("RGBA").convert("RGB") if "transparency" in image.info else image.convert("RGB")


def read_ahead(
    paths: Sequence[Path], read: Callable[[Path], _Read], threads: int, *, window: int = 32
) -> Iterator[_Read]:
    """`read` of every path in order, by threads, never more than `window` in memory at once."""
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), window):
            yield from pool.map(read, paths[start : start + window])


def nearest_bits(forms: NDArray[np.uint8], codes: NDArray[np.uint8]) -> tuple[int, float]:
    """Place of the code [n, bytes] nearest to one of the forms [m, bytes], and minus the differing bits."""
    distances = np.bitwise_count(forms[:, None] ^ codes[None]).sum(axis=2, dtype=np.int64).min(axis=0)
    place = int(distances.argmin())
    return place, -float(distances[place])


def nearest_vector(vector: NDArray[Any], vectors: NDArray[np.float32]) -> tuple[int, float]:
    """Place of the unit vector [n, d] nearest to a unit vector [d], and their cosine."""
    cosines = vectors @ vector
    place = int(cosines.argmax())
    return place, float(cosines[place])


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Rows [..., d] at length 1."""
    rows = np.asarray(vectors, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
