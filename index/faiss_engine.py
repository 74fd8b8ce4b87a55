"""FAISS: brute force while that is fast, inverted lists beyond; on a GPU where faiss finds one.

Flat search is exact. With inverted lists a search looks only into the lists nearest to the query: a sixteenth
of the vectors (an eighth of the hashes), for a recall@10 of at least 0.95 on clustered data (tests/index).
Both forms break ties by id.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from index.arrays import as_ids, as_vectors, last_of_each, no_hits
from index.faiss_gpu import GpuCopy
from index.interface import Ids, Metric, Vectors
from index.manifest import Manifest, refuse_index
from index.storage import HashingWriter, open_index, save_base

_untyped: Any = faiss  # the stubs of faiss lack its file callbacks

_LISTS_PER_ROOT = 2
_SEARCHED_SHARE: dict[Metric, float] = {"cosine": 1 / 16, "hamming": 1 / 8}
_SEARCHED_AT_LEAST = 32
_TRAINING_ROWS_PER_LIST = 64
_TRAINING_ROUNDS = 8
_RETRAIN_GROWTH = 4
_SCORE_STEP = 1e-6

THREADS_FROM = 2**25
"""Vectors times bytes of queries from which a search uses all threads."""
_THREADS = faiss.omp_get_max_threads()


class FaissIndex:
    """A FAISS index that changes from flat to inverted lists as it grows, and back.

    Several threads may search at once; a change needs that no other call runs.
    """

    flat_limit: ClassVar[Mapping[Metric, int]] = {"cosine": 50_000, "hamming": 1_000_000}
    """Vectors above which lists take over: a flat search then takes some milliseconds on one core."""

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.dimension = dimension
        self.metric = metric
        self._index = _flat(dimension, metric)
        self._ids: set[int] = set()
        self._gpu = GpuCopy()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, reference_id: object) -> bool:
        return isinstance(reference_id, (int, np.integer)) and int(reference_id) in self._ids

    def ids(self) -> Ids:
        """All ids, ascending."""
        return np.sort(np.fromiter(self._ids, np.int64, len(self._ids)))

    @property
    def form(self) -> str:
        """How the vectors lie: "flat", or "lists" (inverted lists, approximate)."""
        return "lists" if _has_lists(self._index) else "flat"

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors; an id that is there already gets the new vector."""
        ids = as_ids(ids)
        rows = as_vectors(vectors, self.dimension, self.metric, count=len(ids))
        ids, rows = last_of_each(ids, rows)
        if not len(ids):
            return
        self._discard(ids)
        self._index.add_with_ids(rows, ids)
        self._ids.update(ids.tolist())
        self._take_form()

    def remove(self, ids: Ids) -> int:
        """Remove ids, effective at once; unknown ids are ignored. Returns how many were there."""
        removed = self._discard(as_ids(ids))
        if removed:
            self._take_form()
        return removed

    def _discard(self, ids: Ids) -> int:
        self._gpu.forget()
        known = self._ids.intersection(ids.tolist())
        if known:
            self._index.remove_ids(np.fromiter(known, np.int64, len(known)))
            self._ids -= known
        return len(known)

    def search(self, queries: Vectors, k: int) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids [q, k] and scores [q, k], best first; ties by ascending id.

        Missing places hold id -1 and score minus infinity.
        """
        rows = as_vectors(queries, self.dimension, self.metric)
        ids, scores = no_hits(len(rows), k)
        if not len(self) or not len(rows):
            return ids, scores
        # Below that, waking the threads takes longer than the search.
        faiss.omp_set_num_threads(1 if len(self) * rows.nbytes < THREADS_FROM else _THREADS)
        # One more than asked for shows whether a tie crosses the last place.
        found_scores, found_ids = self._nearest(rows, min(k + 1, len(self)))
        for row, (row_scores, row_ids) in enumerate(zip(found_scores, found_ids, strict=True)):
            if len(row_ids) > k and row_ids[k] >= 0 and row_scores[k] == row_scores[k - 1]:
                row_scores, row_ids = self._at_least(rows[row : row + 1], row_scores[k])
            hits = np.flatnonzero(row_ids >= 0)
            best = hits[np.lexsort((row_ids[hits], -row_scores[hits]))][:k]
            ids[row, : len(best)] = row_ids[best]
            scores[row, : len(best)] = row_scores[best]
        return ids, scores

    def _nearest(self, rows: NDArray[Any], k: int) -> tuple[NDArray[np.float32], Ids]:
        found = self._gpu.search(self._index, rows, k)
        distances, ids = self._index.search(rows, k) if found is None else found
        return self._as_scores(distances), ids

    def _at_least(self, row: NDArray[Any], score: np.float32) -> tuple[NDArray[np.float32], Ids]:
        """Return everything that scores at least `score`; FAISS itself breaks ties arbitrarily."""
        # FAISS's bounds are exclusive; floats may differ in the last digit from one kernel to another.
        bound = float(score) - _SCORE_STEP if self.metric == "cosine" else int(-score) + 1
        _, distances, ids = self._index.range_search(row, bound)
        return self._as_scores(distances), ids

    def _as_scores(self, distances: NDArray[Any]) -> NDArray[np.float32]:
        scores = distances.astype(np.float32)
        return np.asarray(scores if self.metric == "cosine" else -scores)

    def _take_form(self) -> None:
        """Change between flat and lists, or train the lists anew, when the size asks for it."""
        count, limit, lists = len(self), self.flat_limit[self.metric], _has_lists(self._index)
        if lists and count < limit // 2:
            index = _flat(self.dimension, self.metric)
        elif (not lists and count > limit) or (lists and count > _RETRAIN_GROWTH * _trained_for(self._index)):
            index = _lists(self.dimension, self.metric, count)
        else:
            return
        ids, rows = _content(self._index)
        if _has_lists(index):
            sample = np.random.default_rng(0).permutation(count)[: index.nlist * _TRAINING_ROWS_PER_LIST]
            index.train(rows[np.sort(sample)])
        index.add_with_ids(rows, ids)
        self._index = index

    def save(self, folder: Path, *, descriptor: str, generation: str) -> None:
        """Write the index to `folder`, replacing the old one atomically."""
        write_index = faiss.write_index if self.metric == "cosine" else faiss.write_index_binary

        def write(writer: HashingWriter) -> None:
            write_index(self._index, _untyped.PyCallbackIOWriter(writer.write))

        manifest = Manifest("faiss", descriptor, self.dimension, self.metric, len(self), generation)
        save_base(folder, manifest, write)

    @classmethod
    def load(cls, folder: Path, *, descriptor: str) -> tuple[Self, str]:
        """Read an index and the generation it was saved with.

        Raises IndexCorruptError when it is missing, damaged, or made for another descriptor.
        """
        with open_index(folder, engine="faiss", descriptor=descriptor) as saved:
            manifest = saved.manifest
            cosine = manifest.metric == "cosine"
            read_index = faiss.read_index if cosine else faiss.read_index_binary
            try:
                content = read_index(_untyped.PyCallbackIOReader(saved.base.read))
            except RuntimeError:
                refuse_index(folder, "cannot be read by this version of faiss")
        index = cls(manifest.dimension, manifest.metric)
        if content.d != manifest.dimension or content.ntotal != manifest.count:
            refuse_index(folder, f"does not hold {manifest.count} vectors of dimension {manifest.dimension}")
        index._index = content
        index._ids = set(_content_ids(content).tolist())
        return index, manifest.generation


def _flat(dimension: int, metric: Metric) -> Any:
    as_vectors(
        np.empty((0, dimension if metric == "cosine" else dimension // 8), np.uint8), dimension, metric
    )
    if metric == "cosine":
        return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
    return faiss.IndexBinaryIDMap2(faiss.IndexBinaryFlat(dimension))


def _lists(dimension: int, metric: Metric, count: int) -> Any:
    """Return an untrained index with inverted lists for about `count` vectors."""
    lists = max(1, _LISTS_PER_ROOT * isqrt(count))
    index: Any
    if metric == "cosine":
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.spherical = True
    else:
        index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(dimension), dimension, lists)
    index.cp.niter = _TRAINING_ROUNDS
    index.cp.min_points_per_centroid = 1
    index.nprobe = max(_SEARCHED_AT_LEAST, round(lists * _SEARCHED_SHARE[metric]))
    return index


def _has_lists(index: Any) -> bool:
    return isinstance(index, (faiss.IndexIVFFlat, faiss.IndexBinaryIVF))


def _trained_for(index: Any) -> int:
    """Return the number of vectors that the lists were laid out for."""
    return int((index.nlist / _LISTS_PER_ROOT) ** 2)


def _content_ids(index: Any) -> Ids:
    if not _has_lists(index):
        return np.asarray(faiss.vector_to_array(index.id_map), np.int64)
    return _content(index)[0]


def _content(index: Any) -> tuple[Ids, NDArray[Any]]:
    """Return all ids and vectors of an index, in its own order."""
    binary = isinstance(index, (faiss.IndexBinaryIDMap2, faiss.IndexBinaryIVF))
    dtype, length = (np.uint8, index.d // 8) if binary else (np.float32, index.d)
    if not _has_lists(index):
        flat: Any = faiss.downcast_IndexBinary(index.index) if binary else faiss.downcast_index(index.index)
        codes = faiss.vector_to_array(flat.xb if binary else flat.codes)
        return _content_ids(index), codes.view(dtype).reshape(-1, length)
    lists = index.invlists
    all_ids, all_codes = [np.empty(0, np.int64)], [np.empty(0, np.uint8)]
    for number in range(index.nlist):
        if size := lists.list_size(number):
            all_ids.append(faiss.rev_swig_ptr(lists.get_ids(number), size).copy())
            all_codes.append(faiss.rev_swig_ptr(lists.get_codes(number), size * lists.code_size).copy())
    return np.concatenate(all_ids), np.concatenate(all_codes).view(dtype).reshape(-1, length)
