"""Figures of copy detection and of calibration, from plain arrays.

An answer is one (query, reference) pair that a system puts forward, with its confidence; every query gives at
most one. It is right when the reference is the query's original; any other answer is false, also one to a
query without an original. Answers of equal confidence come and go together, so that no figure depends on
the order of the queries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers whose confidence lies in [low, high) (the last bin includes 1)."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share that was right."""


def recall_at_zero_false(
    confidence: ArrayLike, right: ArrayLike, originals: int, *, surest_false: float | None = None
) -> float:
    """Share of the `originals` to be found whose answer is right and surer than every false answer.

    `surest_false` is the confidence to be above where false answers were given elsewhere in the run.
    """
    scores, correct = _answers(confidence, right)
    threshold = scores[~correct].max(initial=-np.inf) if surest_false is None else surest_false
    return int((correct & (scores > threshold)).sum()) / max(originals, 1)


def micro_average_precision(confidence: ArrayLike, right: ArrayLike, originals: int) -> float:
    """Area under precision over recall of all queries' answers ranked together.

    Source: Perronnin et al. 2009, as in DISC21 (Douze et al. 2021): sum over ranks of precision times the
    gain in recall, recall being of all `originals` to be found.
    """
    precision, recall = precision_recall(confidence, right, originals)
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def recall_at_precision(
    confidence: ArrayLike, right: ArrayLike, originals: int, *, precision: float = 0.9
) -> float:
    """The largest recall at a threshold where precision is at least `precision`, 0 where there is none."""
    precisions, recalls = precision_recall(confidence, right, originals)
    return float(recalls[precisions >= precision].max(initial=0.0))


def precision_recall(
    confidence: ArrayLike, right: ArrayLike, originals: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall [t] at every different confidence as threshold, the highest first."""
    scores, correct = _answers(confidence, right)
    order = np.argsort(-scores, kind="stable")
    scores, correct = scores[order], correct[order]
    ends = np.flatnonzero(np.diff(scores, append=-np.inf) < 0)
    hits = np.cumsum(correct)[ends]
    return hits / (ends + 1), hits / max(originals, 1)


def reliability(confidence: ArrayLike, right: ArrayLike, *, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Confidence against truth in bins of equal width; empty bins are left out."""
    scores, correct = _answers(confidence, right)
    number = np.minimum((scores * bins).astype(np.intp), bins - 1)
    return tuple(
        ReliabilityBin(
            one / bins, (one + 1) / bins, int((number == one).sum()),
            float(scores[number == one].mean()), float(correct[number == one].mean()),
        )
        for one in np.unique(number).tolist()
    )  # fmt: skip


def expected_calibration_error(table: Sequence[ReliabilityBin]) -> float:
    """Mean distance of confidence and accuracy over all answers (Guo et al. 2017), 0 without answers."""
    total = sum(one.count for one in table)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in table) / total if total else 0.0


def wilson_interval(part: int, whole: int, *, z: float = 1.96) -> tuple[float, float]:
    """Bounds on a rate of which `part` of `whole` were seen, at 95 % unless told (Wilson 1927)."""
    if not whole:
        return 0.0, 1.0
    rate, spread = part / whole, z * z / whole
    middle = (rate + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(rate * (1 - rate) / whole + spread / whole / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def _answers(confidence: ArrayLike, right: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    scores, correct = np.asarray(confidence, np.float64), np.asarray(right, np.bool_)
    if scores.ndim != 1 or scores.shape != correct.shape:
        raise ValueError(
            f"confidence and right must be of one length, not {scores.shape} and {correct.shape}"
        )
    if not np.isfinite(scores).all() or (len(scores) and (scores.min() < 0 or scores.max() > 1)):
        raise ValueError("confidence must be from 0 to 1")
    return scores, correct
