"""What Prometheus may scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from provenance.jobs import Bench
from provenance.pipeline import Provenance
from provenance.records import Report

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """The counters of one application."""

    def __init__(self, library: Provenance, bench: Bench) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "provenance_requests", "Answered requests.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "provenance_request_seconds", "Time to the last byte.", ("route",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._verdicts = Counter(
            "provenance_checks", "Checks made on the spot, by verdict.", ("verdict",), registry=self.registry
        )
        self.registry.register(_State(library, bench))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request; a method or route nobody has made up counts as itself."""
        method = method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def check(self, report: Report) -> None:
        """Count a check."""
        self._verdicts.labels(report.verdict).inc()

    def page(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self.registry)


class _State(Collector):
    """What is looked up when it is asked for."""

    def __init__(self, library: Provenance, bench: Bench) -> None:
        self._library = library
        self._bench = bench

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry need not ask the database to know the names."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """References, checks and deliveries by state, and who waits for a place."""
        database = self._library.database
        stats = database.stats()
        statuses = {
            "active": stats.references, "disabled": stats.disabled, "withdrawn": stats.withdrawn,
            "superseded": stats.superseded,
        }  # fmt: skip
        for name, text, label, counts in (
            ("provenance_references", "Trusted pictures.", "status", statuses),
            ("provenance_stored_checks", "Checks in the database.", "state", database.checks.counts()),
            ("provenance_deliveries", "Results for callbacks.", "state", database.deliveries.counts()),
        ):
            family = GaugeMetricFamily(name, text, labels=(label,))
            for value, count in counts.items():
                family.add_metric((value,), count)
            yield family
        yield GaugeMetricFamily("provenance_bench_places", "Checks made side by side.", self._bench.places)
        yield GaugeMetricFamily(
            "provenance_bench_waiting", "Checks that wait for a place.", self._bench.waiting
        )
