"""The saved part of a large index: mapped into memory, never changed, with a list of what was removed since.

Mapped, it costs a start no reading, and processes that search the same index share its pages.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.faiss_forms import contained, content_ids
from index.faiss_gpu import GpuCopy
from index.interface import Ids

_untyped: Any = faiss  # the stubs of faiss know other names of its search options

MAPPED = getattr(faiss, "IO_FLAG_MMAP_IFC", 0)
"""How faiss is asked to map a file; versions that cannot read it instead."""


class FaissBase:
    """Lists of embeddings as they lie in a file; several threads may search at once.

    FAISS ends the process when a mapped index is changed, so nothing here changes it.
    """

    def __init__(self, index: Any) -> None:
        self.index = index
        self.gone: Ids = np.empty(0, np.int64)
        """Ids removed since, ascending; may hold some that were never there."""
        self._gpu = GpuCopy()
        self._options: Any = None

    def ids(self) -> Ids:
        """Return the ids that are left, in the file's order."""
        ids = content_ids(self.index)
        return ids[~contained(ids, self.gone)]

    def remove(self, ids: Ids) -> None:
        """Let searches leave out these ids (unique)."""
        self.gone = np.union1d(self.gone, ids)
        selector = faiss.IDSelectorNot(faiss.IDSelectorBatch(self.gone))
        self._options = _untyped.SearchParametersIVF(sel=selector, nprobe=self.index.nprobe)
        self._gpu.forget()

    def search(self, rows: NDArray[Any], k: int) -> tuple[NDArray[np.float32], Ids]:
        """Return scores and ids [q, k] like FAISS."""
        # FAISS's GPU forms cannot leave ids out.
        found = self._gpu.search(self.index, rows, k) if self._options is None else None
        scores, ids = self.index.search(rows, k, params=self._options) if found is None else found
        return scores, ids

    def range_search(self, row: NDArray[Any], bound: float) -> tuple[NDArray[np.float32], Ids]:
        """Return scores and ids of all that score more than `bound`, for one query."""
        _, scores, ids = self.index.range_search(row, bound, params=self._options)
        return scores, ids
