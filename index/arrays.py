"""The arrays that every engine takes and gives: checked once, in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from index.interface import Ids, Metric


def row_shape(dimension: int, metric: Metric) -> tuple[int, type[np.float32] | type[np.uint8]]:
    """Return the length and the type of one row: packed bits for "hamming"."""
    if metric == "cosine":
        return dimension, np.float32
    if metric == "hamming":
        if dimension % 8:
            raise ValueError(f"a Hamming index needs a multiple of 8 bits, not {dimension}")
        return dimension // 8, np.uint8
    raise ValueError(f"no metric {metric!r}: choose 'cosine' or 'hamming'")


def empty_vectors(dimension: int, metric: Metric) -> NDArray[Any]:
    """Return no vectors, of the right row length and type."""
    length, dtype = row_shape(dimension, metric)
    return np.empty((0, length), dtype)


def no_hits(queries: int, k: int) -> tuple[Ids, NDArray[np.float32]]:
    """Return the answer of an empty index: ids -1 and scores minus infinity, [queries, k]."""
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return np.full((queries, k), -1, np.int64), np.full((queries, k), -np.inf, np.float32)


def as_ids(ids: ArrayLike) -> Ids:
    """Return ids as int64 [n]. Raises ValueError for another shape, fractions, or negative ids."""
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"ids must be one row of integers, not {array.dtype} {array.shape}")
    if array.size and array.min() < 0:
        raise ValueError("ids must not be negative: -1 stands for a missing place")
    return array.astype(np.int64)


def as_vectors(
    vectors: ArrayLike, dimension: int, metric: Metric, *, count: int | None = None
) -> NDArray[Any]:
    """Return vectors as a contiguous array of the metric's type.

    Raises ValueError for another shape or type, for NaN, and for another number of rows than `count`.
    """
    length, dtype = row_shape(dimension, metric)
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or vectors.shape[1] != length:
        raise ValueError(f"vectors must be [n, {length}], not {vectors.shape}")
    if count is not None and len(vectors) != count:
        raise ValueError(f"{count} ids, but {len(vectors)} vectors")
    if metric == "hamming" and vectors.dtype != np.uint8:
        raise ValueError(f"hashes must be packed bits (uint8), not {vectors.dtype}")
    if metric == "cosine" and not np.isfinite(vectors).all():
        raise ValueError("vectors must be finite numbers")
    return np.ascontiguousarray(vectors, dtype)


def last_of_each(ids: Ids, vectors: NDArray[Any]) -> tuple[Ids, NDArray[Any]]:
    """Return unique ids, ascending, each with the last vector given for it."""
    unique, from_end = np.unique(ids[::-1], return_index=True)
    return unique, vectors[len(ids) - 1 - from_end]
