"""Brute force in numpy: slow, obvious, and what every other engine is measured against."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index.arrays import as_ids, as_vectors, empty_vectors, last_of_each, no_hits
from index.interface import Ids, Metric, Vectors
from index.manifest import Manifest, refuse_index
from index.storage import HashingWriter, open_index, save_base

_BITS_SET = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)


class ExactIndex:
    """All vectors in one array, all compared at every search; the executable specification.

    Several threads may search at once; a change needs that no other call runs.
    """

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.dimension = dimension
        self.metric = metric
        self._ids: Ids = np.empty(0, np.int64)
        self._vectors: NDArray[Any] = empty_vectors(dimension, metric)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, reference_id: object) -> bool:
        if not isinstance(reference_id, (int, np.integer)):
            return False
        place = int(np.searchsorted(self._ids, reference_id))
        return place < len(self._ids) and bool(self._ids[place] == reference_id)

    def ids(self) -> Ids:
        """All ids, ascending."""
        return self._ids.copy()

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors; an id that is there already gets the new vector."""
        ids = as_ids(ids)
        rows = as_vectors(vectors, self.dimension, self.metric, count=len(ids))
        ids, rows = last_of_each(ids, rows)
        self.remove(ids)
        merged = np.concatenate([self._ids, ids])
        order = np.argsort(merged)
        self._ids = merged[order]
        self._vectors = np.concatenate([self._vectors, rows])[order]

    def remove(self, ids: Ids) -> int:
        """Remove ids, effective at once; unknown ids are ignored. Returns how many were there."""
        keep = ~np.isin(self._ids, as_ids(ids))
        removed = len(keep) - int(np.count_nonzero(keep))
        if removed:
            self._ids, self._vectors = self._ids[keep], self._vectors[keep]
        return removed

    def search(self, queries: Vectors, k: int) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids [q, k] and scores [q, k], best first; ties by ascending id.

        Missing places hold id -1 and score minus infinity.
        """
        rows = as_vectors(queries, self.dimension, self.metric)
        ids, scores = no_hits(len(rows), k)
        found = min(k, len(self))
        if found:
            for row, query in enumerate(rows):
                all_scores = self._scores(query)
                best = _best(all_scores, found)
                ids[row, :found] = self._ids[best]
                scores[row, :found] = all_scores[best]
        return ids, scores

    def _scores(self, query: NDArray[Any]) -> NDArray[np.float32]:
        """Score all vectors against one query: float32 [n]."""
        if self.metric == "cosine":
            return np.asarray(self._vectors @ query, np.float32)
        differing_bits = _BITS_SET[np.bitwise_xor(self._vectors, query)]
        return np.asarray(-differing_bits.sum(axis=1, dtype=np.float32))

    def save(self, folder: Path, *, descriptor: str, generation: str) -> None:
        """Write the index to `folder`, replacing the old one atomically."""

        def write(writer: HashingWriter) -> None:
            writer.write(self._ids.astype("<i8").tobytes())
            writer.write(self._vectors.astype(self._vectors.dtype.newbyteorder("<")).tobytes())

        manifest = Manifest("exact", descriptor, self.dimension, self.metric, len(self), generation)
        save_base(folder, manifest, write)

    @classmethod
    def load(cls, folder: Path, *, descriptor: str) -> tuple[Self, str]:
        """Read an index and the generation it was saved with.

        Raises IndexCorruptError when it is missing, damaged, or made for another descriptor.
        """
        with open_index(folder, engine="exact", descriptor=descriptor) as saved:
            manifest, data = saved.manifest, saved.base.read()
        index = cls(manifest.dimension, manifest.metric)
        count = manifest.count
        row = index._vectors.shape[1]
        dtype = index._vectors.dtype
        if len(data) != count * (8 + row * dtype.itemsize):
            refuse_index(folder, f"does not hold {count} vectors of dimension {manifest.dimension}")
        index._ids = np.frombuffer(data, "<i8", count).astype(np.int64)
        vectors = np.frombuffer(data, dtype.newbyteorder("<"), count * row, offset=8 * count)
        index._vectors = vectors.reshape(count, row).astype(dtype)
        return index, manifest.generation


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return the places of the k highest scores, best first; ties by ascending place."""
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    places = np.flatnonzero(scores >= threshold)
    return places[np.argsort(-scores[places], kind="stable")][:k]
