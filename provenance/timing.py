"""How long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up milliseconds by stage: `with watch("decode"): ...`; `read` adds the total.

    `progress` is told each stage when it begins.
    """

    def __init__(self, progress: Callable[[str], None] | None = None) -> None:
        self._started = time.perf_counter()
        self._progress = progress
        self._stages: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time one stage; a stage entered twice is summed."""
        if self._progress is not None:
            self._progress(stage)
        started = time.perf_counter()
        try:
            yield
        finally:
            self._stages[stage] = self._stages.get(stage, 0.0) + (time.perf_counter() - started) * 1000

    def read(self) -> dict[str, float]:
        """Milliseconds by stage, and "total" since the watch was made."""
        return {**self._stages, "total": (time.perf_counter() - self._started) * 1000}
