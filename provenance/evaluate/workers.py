"""Work spread over processes, results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def run_tasks(function: Callable[[_Task], _Result], tasks: Sequence[_Task], jobs: int) -> Iterator[_Result]:
    """`function` of every task, in `jobs` processes, in this one for a single job."""
    if jobs <= 1:
        yield from map(function, tasks)
        return
    # Threads of libraries that are already loaded do not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, tasks, chunksize=max(1, min(8, len(tasks) // (4 * jobs))))
