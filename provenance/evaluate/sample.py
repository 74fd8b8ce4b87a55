"""Check a sample folder's queries and compare the reports with its truth.

A sample folder holds photos/ (trusted), queries/ and truth.json: a list of {"query", "reference" (null for a
stranger), "operations": [{"operation", "box", ...}]}, paths relative to the folder, boxes in query pixels.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TypeAlias

from provenance.errors import NotFoundError, UsageError
from provenance.records import Box, Report

Checker: TypeAlias = Callable[[Path], Report]

# An edit elsewhere is another edit: found and true boxes must share this much (intersection over union).
MIN_IOU = 0.1
# The only words of the schema that overlap: any brightness or contrast is also a tone curve.
ALSO_RIGHT = {"brightness": ("tone",), "contrast": ("tone",)}


@dataclass(frozen=True, slots=True)
class TrueEdit:
    """One edit that was really made; `box` in query pixels, None for the whole picture."""

    operation: str
    box: Box | None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one query."""

    query: Path
    reference: Path | None
    edits: tuple[TrueEdit, ...]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One query's report against its truth."""

    name: str
    verdict: str
    stranger: bool
    edited: bool
    found: bool
    """The report names the true original; for a stranger: names any."""
    hits: tuple[str, ...]
    missed: tuple[str, ...]
    false: tuple[str, ...]
    ious: tuple[float, ...]
    """Intersection over union of found and true box, for each hit that has a place."""
    ms: float


@dataclass(frozen=True, slots=True)
class SampleResult:
    """All queries of a sample."""

    queries: tuple[QueryResult, ...]

    @property
    def originals_found(self) -> tuple[int, int]:
        """Queries whose true original was found, and queries that have one."""
        known = [query for query in self.queries if not query.stranger]
        return sum(query.found for query in known), len(known)

    @property
    def strangers_matched(self) -> tuple[int, int]:
        """Strangers that were matched with something, and strangers."""
        strangers = [query for query in self.queries if query.stranger]
        return sum(query.found for query in strangers), len(strangers)

    @property
    def false_edits_on_unedited(self) -> int:
        """Edits reported on queries that have none."""
        return sum(len(query.false) for query in self.queries if not query.edited)

    @property
    def operations(self) -> tuple[int, int, int]:
        """Edits that were found, missed, and reported without being there."""
        return (
            sum(len(query.hits) for query in self.queries),
            sum(len(query.missed) for query in self.queries),
            sum(len(query.false) for query in self.queries),
        )

    def table(self) -> str:
        """Return one aligned line a query and the totals, as plain text."""
        header = ("query", "verdict", "original", "edits (-missed +false)", "IoU", "ms")
        rows = [header, *(_row(query) for query in self.queries)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join(line.rstrip() for line in [*lines, "", *self._totals()])

    def _totals(self) -> list[str]:
        found, known = self.originals_found
        matched, strangers = self.strangers_matched
        hits, missed, false = self.operations
        unedited = sum(not query.edited and not query.stranger for query in self.queries)
        ious = [iou for query in self.queries for iou in query.ious]
        return [
            f"originals found           {found}/{known}",
            f"strangers matched         {matched}/{strangers}",
            f"false edits on unedited   {self.false_edits_on_unedited} (in {unedited} queries)",
            f"edits named, recall       {_share(hits, hits + missed)}",
            f"edits named, precision    {_share(hits, hits + false)}",
            f"mean box IoU              {fmean(ious):.2f} ({len(ious)} boxes)" if ious else "mean box IoU  -",
            f"median time               {median(query.ms for query in self.queries):.0f} ms a query",
        ]


def evaluate_sample(folder: Path, checker: Checker) -> SampleResult:
    """Check every query of a sample folder with `checker` and compare the reports with truth.json.

    Raises NotFoundError when truth.json or a file it names is missing, UsageError when it is no truth.
    """
    results = []
    for truth in read_truth(folder):
        start = time.perf_counter()
        report = checker(truth.query)
        results.append(judge(truth, report, ms=1000 * (time.perf_counter() - start)))
    return SampleResult(tuple(results))


def read_truth(folder: Path) -> tuple[Truth, ...]:
    """Read truth.json of a sample folder."""
    path = folder / "truth.json"
    try:
        truths = tuple(
            Truth(
                query=folder / entry["query"],
                reference=folder / entry["reference"] if entry["reference"] else None,
                edits=tuple(_true_edit(edit) for edit in entry["operations"]),
            )
            for entry in json.loads(path.read_text(encoding="utf-8"))
        )
    except FileNotFoundError as error:
        raise NotFoundError(f"{str(path)!r}: no such file; give a sample folder, like sample_db") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{str(path)!r}: not a truth file ({error!r}); make it with tools/make_sample_db.py"
        ) from error
    if not truths:
        raise UsageError(f"{str(path)!r}: lists no queries; make it with tools/make_sample_db.py")
    for truth in truths:
        for file in (truth.query, truth.reference):
            if file is not None and not file.is_file():
                raise NotFoundError(
                    f"{str(file)!r}: named in truth.json, but not there; make the sample again"
                )
    return truths


def judge(truth: Truth, report: Report, *, ms: float) -> QueryResult:
    """Compare one report with the truth of its query."""
    found = report.match is not None
    if truth.reference is not None and report.match is not None:
        found = report.match.reference.sha256 == hashlib.sha256(truth.reference.read_bytes()).hexdigest()
    reported = report.explanation.edits if report.explanation else ()
    whole = (0, 0, report.query.width, report.query.height)
    hits, missed, ious = [], [], []
    left = [TrueEdit(edit.operation, edit.box) for edit in reported]
    for edit in truth.edits:
        partner, iou = _closest(edit, left, whole)
        if partner is None:
            missed.append(edit.operation)
            continue
        left.remove(partner)
        hits.append(edit.operation)
        if edit.box is not None:
            ious.append(iou)
    return QueryResult(
        name=truth.query.name,
        verdict=report.verdict,
        stranger=truth.reference is None,
        edited=bool(truth.edits),
        found=found,
        hits=tuple(hits),
        missed=tuple(missed),
        false=tuple(edit.operation for edit in left),
        ious=tuple(ious),
        ms=ms,
    )


def box_iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes [x0, y0, x1, y1], 0..1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0, width) * max(0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (areas - shared) if areas > shared else 0.0


def _closest(edit: TrueEdit, reported: Sequence[TrueEdit], whole: Box) -> tuple[TrueEdit | None, float]:
    """The reported edit of the right operation that lies closest; at equal closeness the exact word wins."""
    right = (edit.operation, *ALSO_RIGHT.get(edit.operation, ()))
    best: tuple[float, int, TrueEdit] | None = None
    for other in reported:
        if other.operation not in right:
            continue
        iou = 1.0 if edit.box is None else box_iou(edit.box, other.box or whole)
        ranked = (iou, -right.index(other.operation), other)
        if iou >= MIN_IOU and (best is None or ranked[:2] > best[:2]):
            best = ranked
    return (best[2], best[0]) if best else (None, 0.0)


def _true_edit(entry: dict[str, object]) -> TrueEdit:
    box = entry["box"]
    if box is None:
        return TrueEdit(str(entry["operation"]), None)
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError(f"box {box!r}")
    return TrueEdit(str(entry["operation"]), (int(box[0]), int(box[1]), int(box[2]), int(box[3])))


def _row(query: QueryResult) -> tuple[str, ...]:
    if query.stranger:
        original = "FALSE MATCH" if query.found else "none, right"
    else:
        original = "right" if query.found else "NOT FOUND"
    edits = [*query.hits, *(f"-{name}" for name in query.missed), *(f"+{name}" for name in query.false)]
    places = " ".join(f"{iou:.2f}" for iou in query.ious)
    return query.name, query.verdict, original, " ".join(edits) or "none", places, f"{query.ms:.0f}"


def _share(part: int, total: int) -> str:
    return f"{part / total:.2f} ({part}/{total})" if total else "-"
