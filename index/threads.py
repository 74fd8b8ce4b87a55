"""How many threads numeric libraries may use: more than one only where that pays.

BLAS and OpenMP keep one number for the whole process or thread, and whoever sets it sets it for all; so it is
set in one place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import faiss
from threadpoolctl import ThreadpoolController

_MOST = faiss.omp_get_max_threads()
THREADS_FROM = 2**27
"""Vectors compared times their bytes from which a call uses all threads; below, waking them takes longer."""

_lock = threading.Lock()
_inside = 0
_limit: Any = None


def use_threads(work: float) -> None:
    """Let faiss use all cores in this thread, where `work` (vectors compared times bytes) is worth it."""
    faiss.omp_set_num_threads(1 if work < THREADS_FROM else _MOST)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold products of small matrices to one thread: the others would only spin, and burn the cores.

    May be entered from several threads at once; the former number comes back when the last one leaves.
    """
    global _inside, _limit
    with _lock:
        if _inside == 0:
            _limit = _numpy_blas().limit(limits=1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


@cache
def _numpy_blas() -> ThreadpoolController:
    """Numpy's own BLAS; that of faiss shares its number with the searches, which want all cores."""
    import numpy as np  # noqa: F401  (loads what is looked for)

    found = ThreadpoolController()
    own = [one.prefix for one in found.lib_controllers if "numpy" in str(one.filepath)]
    return found.select(prefix=own) if own else found.select(user_api="blas")
