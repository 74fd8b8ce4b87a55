"""Check queries with known truth against a trusted folder: how many originals are found, how often falsely.

    recall@1                 the match is the original, or one of them where the query shows several
    recall@1 at zero false   the same, counting only matches surer than every false match of the whole run
    µAP, recall@P90          over the best candidate of every query, by confidence (see metrics.py)
    false-match rate         queries matched with a picture that is not their original: of those that have
                             none, and of all
    sources found            of all originals of queries that show several: those that the report names

A match with the wrong picture counts as false whether or not the query has an original.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from provenance.errors import UsageError
from provenance.evaluate.metrics import (
    ReliabilityBin,
    expected_calibration_error,
    micro_average_precision,
    recall_at_precision,
    recall_at_zero_false,
    reliability,
)
from provenance.evaluate.queries import Query
from provenance.records import Match, Report

Checker: TypeAlias = Callable[[Path], Report]

# "Large enough": at least so much of the original, at least so many pixels of it.
LARGE_AREA, LARGE_SIDE_PX = 0.25, 150
SURE = 0.99


@dataclass(frozen=True, slots=True)
class Outcome:
    """One query's report against its truth."""

    query: Query
    verdict: str
    confidence: float
    matched: bool
    """The report names an original."""
    right: bool
    """It names the true one; False for queries that have none."""
    answer: str | None
    """Path of the match, or of the best candidate where nothing matched."""
    answer_right: bool
    timings_ms: Mapping[str, float]
    sources_found: int = 0
    """How many of its originals the report names."""
    further_false: int = 0
    """How many of the report's further matches are none of its originals."""
    reason: str = ""
    """What verification says of the answer, or why the query could not be read."""
    original_reason: str = ""
    """What it says of the original where that is not the answer."""

    @property
    def false(self) -> bool:
        """Matched with something that is not the original."""
        return self.matched and not self.right


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted over all queries, or over those of one kind."""

    queries: int
    originals: int
    """Queries that have an original."""
    recall: float | None
    recall_at_zero_false: float | None
    micro_average_precision: float | None
    recall_at_p90: float | None
    false_matches: int
    strangers: int
    strangers_matched: int
    sources: int
    """Originals of the queries that show several."""
    sources_found: int
    further_false: int
    """Further matches that are wrong."""

    @property
    def false_match_rate(self) -> float:
        """False matches of all queries."""
        return self.false_matches / self.queries if self.queries else 0.0

    @property
    def worth(self) -> float:
        """Recall, or the share of queries without a false match where that is less."""
        return min(1.0 if self.recall is None else self.recall, 1.0 - self.false_match_rate)


@dataclass(frozen=True)
class RetrievalResult:
    """All outcomes, and the figures made of them."""

    outcomes: tuple[Outcome, ...]

    @cached_property
    def surest_false(self) -> float:
        """The highest confidence of a false match, minus infinity when there is none."""
        return max((one.confidence for one in self.outcomes if one.false), default=-math.inf)

    @cached_property
    def overall(self) -> Figures:
        """Over all queries."""
        return self._figures(self.outcomes)

    @cached_property
    def large_enough(self) -> Figures:
        """Over strangers and the queries that show enough of the original at enough pixels."""
        return self._figures([one for one in self.outcomes if is_large_enough(one.query)])

    @cached_property
    def by_kind(self) -> dict[str, Figures]:
        """By kind of edit, the worst first: by recall, or by false matches where those are worse."""
        kinds: dict[str, list[Outcome]] = {}
        for one in self.outcomes:
            kinds.setdefault(one.query.kind, []).append(one)
        figures = {kind: self._figures(ones) for kind, ones in kinds.items()}
        return dict(sorted(figures.items(), key=lambda item: (item[1].worth, item[0])))

    @cached_property
    def calibration(self) -> tuple[ReliabilityBin, ...]:
        """Confidence of every query's best candidate against its being right."""
        return reliability(
            [one.confidence for one in self.outcomes], [one.answer_right for one in self.outcomes]
        )

    @cached_property
    def calibration_of_matches(self) -> tuple[ReliabilityBin, ...]:
        """The same of matches only."""
        matches = [one for one in self.outcomes if one.matched]
        return reliability([one.confidence for one in matches], [one.right for one in matches])

    @property
    def sure(self) -> tuple[int, int]:
        """Matches at a confidence of 0.99 and more: how many, and how many of them wrong."""
        sure = [one for one in self.outcomes if one.matched and one.confidence >= SURE]
        return len(sure), sum(one.false for one in sure)

    @cached_property
    def times(self) -> dict[str, tuple[float, float]]:
        """Median and 95th percentile of each stage, milliseconds, where the stage was entered."""
        stages = dict.fromkeys(stage for one in self.outcomes for stage in one.timings_ms)
        stages.pop("total", None)
        taken = {
            stage: [one.timings_ms[stage] for one in self.outcomes if stage in one.timings_ms]
            for stage in (*stages, "total")
        }
        for name, matched in (("total, matched", True), ("total, no match", False)):
            taken[name] = [one.timings_ms["total"] for one in self.outcomes if one.matched is matched]
        return {
            stage: (float(np.median(values)), float(np.percentile(values, 95)))
            for stage, values in taken.items()
            if values
        }

    @property
    def mistakes(self) -> tuple[Outcome, ...]:
        """Originals not found, and false matches."""
        return tuple(
            one for one in self.outcomes if one.false or (one.query.reference is not None and not one.right)
        )

    def _figures(self, ones: Sequence[Outcome]) -> Figures:
        known = [one for one in ones if one.query.reference is not None]
        strangers = [one for one in ones if one.query.reference is None]
        scores = [one.confidence for one in ones if one.answer is not None]
        correct = [one.answer_right for one in ones if one.answer is not None]
        matches = [one for one in ones if one.matched]
        several = [one for one in ones if one.query.also]
        # One threshold for the whole run: that of a kind alone would flatter it.
        at_zero_false = recall_at_zero_false(
            [one.confidence for one in matches], [one.right for one in matches], len(known),
            surest_false=self.surest_false,
        )  # fmt: skip
        return Figures(
            queries=len(ones),
            originals=len(known),
            recall=sum(one.right for one in known) / len(known) if known else None,
            recall_at_zero_false=at_zero_false if known else None,
            micro_average_precision=micro_average_precision(scores, correct, len(known)) if known else None,
            recall_at_p90=recall_at_precision(scores, correct, len(known)) if known else None,
            false_matches=sum(one.false for one in ones),
            strangers=len(strangers),
            strangers_matched=sum(one.matched for one in strangers),
            sources=sum(len(one.query.originals) for one in several),
            sources_found=sum(one.sources_found for one in several),
            further_false=sum(one.further_false for one in ones),
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        sure, wrong = self.sure
        return {
            "overall": {**asdict(self.overall), "false_match_rate": self.overall.false_match_rate},
            "large_enough": asdict(self.large_enough),
            "by_kind": {kind: asdict(figures) for kind, figures in self.by_kind.items()},
            "calibration_error": expected_calibration_error(self.calibration),
            "calibration_error_of_matches": expected_calibration_error(self.calibration_of_matches),
            "reliability": [asdict(one) for one in self.calibration],
            "matches_at_0.99": {"count": sure, "wrong": wrong},
            "times_ms": {name: {"median": m, "p95": p} for name, (m, p) in self.times.items()},
            "mistakes": [_mistake(one) for one in self.mistakes],
        }


def evaluate_retrieval(
    queries: Sequence[Query], checker: Checker, *, progress: Callable[[int, int], None] | None = None
) -> RetrievalResult:
    """Check every query with `checker` and compare the reports with the truth."""
    digests = Digests()
    outcomes = []
    for number, query in enumerate(queries):
        outcomes.append(judge(query, checker(query.path), digests))
        if progress is not None:
            progress(number + 1, len(queries))
    return RetrievalResult(tuple(outcomes))


class Digests:
    """The sha256 of files, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, str | None] = {}

    def __call__(self, path: Path | str) -> str | None:
        """The digest of a file, None where there is none."""
        path = Path(path)
        if path not in self._known:
            self._known[path] = sha256(path) if path.is_file() else None
        return self._known[path]


def judge(query: Query, report: Report, digests: Digests) -> Outcome:
    """Compare one report with the truth of its query."""
    truth = {digests(path) for path in query.originals}

    def named(match: Match) -> set[str | None]:
        """The originals that a match stands for; of copies it names one and lists the others."""
        return truth & {match.reference.sha256, *map(digests, getattr(match, "copies", ()))}

    further: tuple[Match, ...] = getattr(report, "other_matches", ())
    found = named(report.match) if report.match is not None else set()
    best = report.candidates[0].path if report.candidates else None
    answer = report.match.reference.path if report.match is not None else best
    answer_right = bool(found)
    if report.match is None and best is not None and truth:
        answer_right = digests(best) in truth
    return Outcome(
        query, report.verdict, report.confidence if answer is not None else 0.0,
        report.match is not None, bool(found), answer, answer_right, report.timings_ms,
        sources_found=len(found.union(*map(named, further))),
        further_false=sum(not named(match) for match in further),
        reason=report.query.error or _reason_of_answer(report),
        original_reason="" if answer_right else _reason_of_original(query, report),
    )  # fmt: skip


def without_explanation(check: Callable[..., Report]) -> Checker:
    """A check that leaves explanations out, where it can be told to."""
    return partial(check, explain=False) if "explain" in signature(check).parameters else check


def require_trusted(queries: Iterable[Query], is_trusted: Callable[[str], bool]) -> None:
    """Raise UsageError where a query's original is not among the trusted photos, given by sha256."""
    originals = {path for query in queries for path in query.originals}
    missing = sorted(str(path) for path in originals if not is_trusted(sha256(path)))
    if missing:
        raise UsageError(
            f"{len(missing)} originals, such as {missing[0]!r}, are not in the trusted folder: no check can "
            "find them; give the folder they are in with --trusted"
        )


def is_large_enough(query: Query) -> bool:
    """Whether a query shows a quarter of its original at 150 px or more; strangers do."""
    side = LARGE_SIDE_PX if query.short_side_px is None else query.short_side_px
    return query.reference is None or (query.kept_area >= LARGE_AREA and side >= LARGE_SIDE_PX)


def sha256(path: Path) -> str:
    """The digest of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reason_of_answer(report: Report) -> str:
    """What verification says of the match, or of the best candidate."""
    matched = report.match.reference.reference_id if report.match is not None else None
    ordered = sorted(report.candidates, key=lambda one: one.reference_id != matched)
    return ordered[0].reason if ordered else ""


def _reason_of_original(query: Query, report: Report) -> str:
    """The rank of the best of its originals among the candidates, and what verification says of it."""
    originals = {path.resolve() for path in query.originals}
    for rank, candidate in enumerate(report.candidates, start=1):
        if Path(candidate.path).resolve() in originals:
            return f"candidate {rank}, {candidate.reason}"
    return f"not among the {len(report.candidates)} candidates reported" if originals else ""


def _mistake(one: Outcome) -> dict[str, Any]:
    return {
        "query": str(one.query.path),
        "kind": one.query.kind,
        "reference": str(one.query.reference) if one.query.reference else None,
        "verdict": one.verdict,
        "confidence": one.confidence,
        "answer": one.answer,
        "reason": one.reason,
        "original_reason": one.original_reason,
        "false": one.false,
    }
