"""Where checks are made: so many side by side in a process, whoever asked for them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_WAIT_S = 60


class Bench:
    """A number of places, and what is known of how long one is taken."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.waiting = 0
        self._free = threading.BoundedSemaphore(places)
        self._lock = threading.Lock()
        self._mean_s = 1.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place, as soon as one is free."""
        with self._lock:
            self.waiting += 1
        try:
            self._free.acquire()
        finally:
            with self._lock:
                self.waiting -= 1
        started = time.perf_counter()
        try:
            yield
        finally:
            self._free.release()
            taken = time.perf_counter() - started
            with self._lock:
                self._mean_s += 0.1 * (taken - self._mean_s)

    def retry_after_s(self, waiting: int) -> int:
        """In how many seconds one more is worth a try, when so many wait."""
        return max(1, min(_LONGEST_WAIT_S, math.ceil(waiting * self._mean_s / self.places)))
