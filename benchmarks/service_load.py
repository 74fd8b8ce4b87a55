"""Checks a second, latencies and memory of the service with many references, and when asked too much.

    provenance evaluate make-queries --photos PHOTOS --out OUT --per-photo 2 --strangers 100
    python -m benchmarks.service_load OUT --references 10000 --seconds 120

The trusted photos of OUT are ingested, others made up as in `check_latency`. A real `provenance serve` is
asked by as many clients as it has places, then by four times as many as it lets in; prints checks a second,
the median and the 95th percentile of matches and of the rest, what was refused, and memory.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.check_latency import simulate
from benchmarks.service_kills import start_server
from provenance import Provenance
from provenance.evaluate.queries import read_queries

OPEN_REQUESTS = 16


class Tally:
    """Seconds by verdict, and how often each status was answered."""

    def __init__(self) -> None:
        self.seconds: dict[bool, list[float]] = {True: [], False: []}
        self.statuses: Counter[int] = Counter()
        self.lock = threading.Lock()

    def note(self, answer: httpx.Response, seconds: float) -> None:
        """Count one answer."""
        with self.lock:
            self.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                self.seconds[answer.json()["match"] is not None].append(seconds)

    def line(self, wall: float) -> str:
        """What was seen, in one line."""
        parts = [
            f"{sum(map(len, self.seconds.values())) / wall:.2f} checks/s",
            f"statuses {dict(self.statuses)}",
        ]
        for matched, seconds in self.seconds.items():
            if len(seconds) > 1:
                most = statistics.quantiles(seconds, n=20)[-1]
                kind = "matches" if matched else "the rest"
                parts.append(
                    f"{kind}: {len(seconds)}, median {statistics.median(seconds):.2f} s, 95th {most:.2f} s"
                )
        return "; ".join(parts)


def ask(
    address: str, pictures: list[bytes], clients: int, seconds: float, *, patient: bool
) -> tuple[Tally, float]:
    """Let clients ask one after the other; a patient one waits as long as it is told."""
    tally, until = Tally(), time.monotonic() + seconds

    def one(seed: int) -> None:
        rng = random.Random(seed)
        with httpx.Client(base_url=address, timeout=300) as client:
            while time.monotonic() < until:
                began = time.perf_counter()
                answer = client.post("/v1/check", files={"file": rng.choice(pictures)})
                tally.note(answer, time.perf_counter() - began)
                if answer.status_code == 429:
                    time.sleep(float(answer.headers["retry-after"]) if patient else 0.1)

    began = time.perf_counter()
    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally, time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--references", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=2)
    options: Any = parser.parse_args()
    queries = read_queries(options.bench / "queries.csv")
    pictures = [query.path.read_bytes() for query in random.Random(0).sample(queries, min(200, len(queries)))]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "provenance.toml").write_text(
            f"[service]\nrequests_per_minute = 0\nopen_requests = {OPEN_REQUESTS}\n"
        )
        with Provenance(home) as library:
            library.ingest([options.bench / "trusted"])
            photos = sorted((options.bench / "trusted").iterdir())
            simulate(library, photos, options.references - len(photos))
            library.searcher.sync()
        server, address = start_server(home, None)
        memory = psutil.Process(server.pid).memory_info
        try:
            ask(address, pictures, options.clients, 15, patient=True)
            before = memory().rss
            tally, wall = ask(address, pictures, options.clients, options.seconds, patient=True)
            print(f"{options.clients} clients: {tally.line(wall)}")
            print(f"memory: {before >> 20} MiB before, {memory().rss >> 20} MiB after")
            crowd = 4 * OPEN_REQUESTS
            tally, wall = ask(address, pictures, crowd, options.seconds / 2, patient=False)
            print(f"{crowd} impatient clients: {tally.line(wall)}")
            print(f"memory: {memory().rss >> 20} MiB; health: {httpx.get(address + '/healthz').status_code}")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
