"""How often one caller may ask: a bucket of tokens each, filled evenly."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

_MOST_CALLERS = 10_000


class Rates:
    """Counts requests by caller in this process; made for one event loop, not for threads."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str) -> int:
        """Take a token. Returns 0, or in how many seconds there is one again."""
        if not self._per_minute:
            return 0
        now, rate = time.monotonic(), self._per_minute / 60
        tokens, then = self._buckets.pop(caller, (float(self._per_minute), now))
        tokens = min(float(self._per_minute), tokens + (now - then) * rate)
        enough = tokens >= 1
        self._buckets[caller] = (tokens - enough, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0 if enough else math.ceil((1 - tokens) / rate)
