"""Which said edit is which true one.

The rules:

1.  A said edit fits a true one when its operation is the true one's, or one of those that the pair's file
    accepts for it as equally true (a move said as an object added, an S-curve said as contrast), and, for a
    local edit, when the place fits: the boxes' intersection over union is at least 0.1, or at least four
    fifths of the said box lie in the true one. A box that is far too large does not find a place.
    A true edit without a box fits by its operation alone.
2.  Each said edit and each true one is matched at most once, exact names before accepted ones, then the
    better place first. A second region for the same edit is therefore a false edit: a reader counts two.
3.  What then is left of the said edits is no error where the pair's file has an optional edit that fits (by
    name, and by place if it has one): what may be said or left unsaid, such as the crop that comes with a
    rotation, or the writing on the page of a screenshot. All other said edits are false.
4.  The place of a true local edit counts as found when any said local edit lies there, whatever its name,
    also when it was used for another: "changed" finds a place, but names nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provenance.evaluate.pairs.truth import TrueEdit
from provenance.records import Box

LEAST_IOU = 0.1
LEAST_INSIDE = 0.8
LOCAL = ("object_", "text_", "background_", "changed")


@dataclass(frozen=True, slots=True)
class SaidEdit:
    """One edit of a report."""

    operation: str
    box: Box | None = None
    reference_box: Box | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    text_before: str | None = None
    text_after: str | None = None
    confidence: float = 1.0
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Matching:
    """True edits with what was said of each, and what was said of nothing."""

    found: tuple[tuple[TrueEdit, SaidEdit], ...]
    missed: tuple[TrueEdit, ...]
    false: tuple[SaidEdit, ...]
    neutral: tuple[SaidEdit, ...]
    placed: tuple[TrueEdit, ...]
    """True local edits at whose place something was said."""
    local: tuple[TrueEdit, ...]
    """All true local edits with a box."""


def match(true: Sequence[TrueEdit], said: Sequence[SaidEdit]) -> Matching:
    """Match by the rules above."""
    wanted = [edit for edit in true if not edit.optional]
    candidates = sorted(
        (
            (edit.operation != one.operation, -_nearness(edit, one), i, j)
            for i, edit in enumerate(wanted)
            for j, one in enumerate(said)
            if fits(edit, one)
        ),
    )
    partner: dict[int, int] = {}
    for _, _, i, j in candidates:
        if i not in partner and j not in partner.values():
            partner[i] = j
    left = [one for j, one in enumerate(said) if j not in partner.values()]
    neutral = [one for one in left if any(fits(edit, one) for edit in true if edit.optional)]
    local = tuple(edit for edit in wanted if is_local(edit.operation) and edit.box is not None)
    return Matching(
        found=tuple((edit, said[partner[i]]) for i, edit in enumerate(wanted) if i in partner),
        missed=tuple(edit for i, edit in enumerate(wanted) if i not in partner),
        false=tuple(one for one in left if one not in neutral),
        neutral=tuple(neutral),
        placed=tuple(
            edit for edit in local if any(is_local(one.operation) and _is_there(edit, one) for one in said)
        ),
        local=local,
    )


def fits(edit: TrueEdit, one: SaidEdit) -> bool:
    """Whether name and place fit (rule 1)."""
    if one.operation != edit.operation and one.operation not in edit.accepted:
        return False
    return not is_local(one.operation) or edit.box is None or _is_there(edit, one)


def is_local(operation: str) -> bool:
    """Whether an operation has its place in the picture."""
    return operation.startswith(LOCAL)


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    shared = _shared(one, other)
    union = _area(one) + _area(other) - shared
    return shared / union if union else 0.0


def _is_there(edit: TrueEdit, one: SaidEdit) -> bool:
    if edit.box is None or one.box is None:
        return False
    inside = _shared(edit.box, one.box) / max(1, _area(one.box))
    return iou(edit.box, one.box) >= LEAST_IOU or inside >= LEAST_INSIDE


def _nearness(edit: TrueEdit, one: SaidEdit) -> float:
    return iou(edit.box, one.box) if edit.box is not None and one.box is not None else 0.0


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _shared(one: Box, other: Box) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)
