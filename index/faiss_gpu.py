"""A copy of a FAISS index on the GPU, for searching only; the CPU form stays the truth and is what is saved.

FAISS's GPU forms cannot remove, so the copy is dropped at every change and made again by the next search.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

WORTH_COPYING = 10_000
"""Vectors below which the CPU answers before the copy is made."""

_MAX_K = 2048
"""FAISS's limit for a search on the GPU."""


class GpuCopy:
    """Searches on the first GPU where there is one; one search at a time, as FAISS's GPU resources ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resources: Any = None
        self._copy: Any = None
        self._row_ids: NDArray[np.int64] | None = None
        self._usable = getattr(faiss, "get_num_gpus", int)() > 0

    def forget(self) -> None:
        """Drop the copy: the index it was made of has changed."""
        self._copy = None

    def search(self, index: Any, rows: NDArray[Any], k: int) -> tuple[NDArray[Any], NDArray[np.int64]] | None:
        """Return distances and ids like `index.search`, or None where the CPU should do it."""
        if not self._usable or index.ntotal < WORTH_COPYING or k > _MAX_K:
            return None
        try:
            with self._lock:
                if self._copy is None:
                    self._make(index)
                distances, ids = self._copy.search(rows, k)
        except RuntimeError as error:
            log.warning("the GPU cannot search this index, the CPU takes over: %s", error)
            self._usable, self._copy = False, None
            return None
        if self._row_ids is not None:
            ids = np.where(ids >= 0, self._row_ids[ids], -1)
        return distances, ids

    def _make(self, index: Any) -> None:
        """Copy an index to the GPU; of an id map only the vectors go there."""
        if self._resources is None:
            self._resources = faiss.StandardGpuResources()
        self._row_ids = None
        if isinstance(index, (faiss.IndexIDMap, faiss.IndexBinaryIDMap)):
            self._row_ids = np.asarray(faiss.vector_to_array(index.id_map), np.int64)
            index = index.index
        if isinstance(index, faiss.IndexBinary):
            flat = faiss.downcast_IndexBinary(index)
            if not isinstance(flat, faiss.IndexBinaryFlat):
                raise RuntimeError("faiss has no GPU form of binary inverted lists")
            self._copy = faiss.GpuIndexBinaryFlat(self._resources, flat)
        else:
            self._copy = faiss.index_cpu_to_gpu(self._resources, 0, faiss.downcast_index(index))
