"""Figures of all runs as one table, in Markdown and CSV.

Every peer is judged by its best answer to each query, however unsure. A hit at zero false counts only above
the best score of any wrong answer, to a query with an original or to a stranger.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from benchmarks.peer.protocol import Plan, Run
from provenance.evaluate.metrics import micro_average_precision, recall_at_zero_false

Truth = Sequence[frozenset[int]]
"""For each query the places of its originals in the plan; empty for a stranger."""


@dataclass(frozen=True, slots=True)
class Row:
    """One peer's figures, None where there are none."""

    peer: str
    recall_at_1: float | None = None
    recall_at_1_at_zero_false: float | None = None
    micro_average_precision: float | None = None
    ingest_images_per_s: float | None = None
    ingest_cpu_ms: float | None = None
    query_ms_median: float | None = None
    query_ms_p95: float | None = None
    query_cpu_ms: float | None = None
    bytes_per_image: float | None = None
    peak_memory_mb: float | None = None
    note: str = ""


COLUMNS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "recall_at_1": ("R@1", "{:.3f}".format),
    "recall_at_1_at_zero_false": ("R@1 at 0 false", "{:.3f}".format),
    "micro_average_precision": ("µAP", "{:.3f}".format),
    "ingest_images_per_s": ("ingest images/s", "{:.1f}".format),
    "ingest_cpu_ms": ("ingest CPU ms an image", "{:.0f}".format),
    "query_ms_median": ("query ms, median", "{:.0f}".format),
    "query_ms_p95": ("query ms, 95 %", "{:.0f}".format),
    "query_cpu_ms": ("query CPU ms", "{:.0f}".format),
    "bytes_per_image": ("bytes an image", "{:,.0f}".format),
    "peak_memory_mb": ("peak MB", "{:.0f}".format),
}


def make_row(title: str, run: Run, plan: Plan, truth: Truth) -> Row:
    """The figures of one run."""
    if run.missing:
        return Row(title, note=run.missing)
    times = [answer.ms for answer in run.answers]
    photos, queries = max(len(plan.photos), 1), max(len(run.answers), 1)
    recall, sure, average = (None, None, None) if run.speed_only else found(run, truth)
    return Row(
        title,
        recall,
        sure,
        average,
        len(plan.photos) / run.ingest_s if run.ingest_s else None,
        run.ingest_cpu_s / photos * 1000,
        float(np.median(times)) if times else None,
        float(np.percentile(times, 95)) if times else None,
        run.query_cpu_s / queries * 1000,
        run.stored_bytes / photos,
        run.peak_bytes / 1e6,
        run.note,
    )


def found(run: Run, truth: Truth) -> tuple[float | None, float | None, float | None]:
    """Recall at 1, the same at zero false, and µAP; None where no query has an original."""
    originals = sum(bool(one) for one in truth)
    if not originals:
        return None, None, None
    answers = [answer for answer in run.answers if answer.photo is not None]
    right = [answer.photo in truth[answer.query] for answer in answers]
    confidence = as_ranks([answer.score for answer in answers])
    return (
        sum(right) / originals,
        recall_at_zero_false(confidence, right, originals),
        micro_average_precision(confidence, right, originals),
    )


def as_ranks(scores: Sequence[float]) -> np.ndarray:
    """Scores of any range as numbers from 0 to 1 in the same order; equal ones stay equal."""
    different, place = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    return place / max(len(different) - 1, 1)


def as_markdown(rows: Sequence[Row], caption: str) -> str:
    """A table for people."""
    heads = ["peer", *(head for head, _ in COLUMNS.values()), "note"]
    lines = [caption, "", _line(heads), _line(["---"] * len(heads))]
    for row in rows:
        values = asdict(row)
        cells = ["-" if values[name] is None else show(values[name]) for name, (_, show) in COLUMNS.items()]
        lines.append(_line([row.peer, *cells, row.note]))
    return "\n".join(lines) + "\n"


def write_csv(file: Path, rows: Sequence[Row]) -> None:
    """The same for programs, unrounded."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
