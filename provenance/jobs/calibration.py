"""Reviewers' marks -> whether confidence can be believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from provenance.evaluate.metrics import expected_calibration_error, reliability
from provenance.ledger import Mark

_MATCHES = frozenset({"identical", "unmodified", "modified", "related"})


def calibrate(marks: Iterable[Mark]) -> dict[str, Any]:
    """Return confidences of marked matches with the outcome, and how often those alike were right.

    A match is right where it was marked so, and wrong where it was marked as another picture; "wrong" alone
    says nothing of the match, as the sentences may be meant.
    """
    pairs = [
        (mark.confidence, mark.kind == "right")
        for mark in marks
        if mark.verdict in _MATCHES and mark.kind in ("right", "not_same")
    ]
    if not pairs:
        return {"pairs": [], "bins": [], "expected_calibration_error": None}
    confidence, right = zip(*pairs, strict=True)
    table = reliability(confidence, right)
    return {
        "pairs": pairs,
        "bins": [asdict(one) for one in table],
        "expected_calibration_error": expected_calibration_error(table),
    }
