"""Outcomes -> figures: by operation, kind, strength; places, directions, parameters, text; benign pairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from provenance.evaluate.differences.matching import SaidEdit, fits, iou, is_local
from provenance.evaluate.differences.run import Outcome
from provenance.evaluate.pairs.truth import TrueEdit

CLEAR = ("visible", "gross")
"""Strengths that a person sees at a glance."""
LEAST_TEXT_PX = 20
USUAL_PX = (800, 1200)


@dataclass
class OperationFigures:
    """Of one operation, or of all."""

    true: int = 0
    found: int = 0
    false: int = 0
    clear_true: int = 0
    clear_found: int = 0
    clear_false: int = 0
    """Of pairs with an edit that is clearly visible."""
    placed: int = 0
    local: int = 0
    ious: list[float] = field(default_factory=list)
    directions: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    by_strength: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Strength -> (found, true)."""

    @property
    def recall(self) -> float | None:
        """Share of the true edits that were said."""
        return ratio(self.found, self.true)

    @property
    def precision(self) -> float | None:
        """Share of what was said that is true."""
        return ratio(self.found, self.found + self.false)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both."""
        return ratio(2 * self.found, self.true + self.found + self.false)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "true": self.true, "found": self.found, "false": self.false, "recall": self.recall,
            "precision": self.precision, "f1": self.f1,
            "clear_recall": ratio(self.clear_found, self.clear_true),
            "clear_precision": ratio(self.clear_found, self.clear_found + self.clear_false),
            "place_recall": ratio(self.placed, self.local),
            "median_iou": median(self.ious), "mean_iou": mean(self.ious),
            "direction_accuracy": mean(self.directions), "directions": len(self.directions),
            "median_parameter_error": median(self.errors), "parameters": len(self.errors),
            "recall_by_strength": {name: ratio(*both) for name, both in self.by_strength.items()},
        }  # fmt: skip


@dataclass
class EditFigures:
    """Everything a run shows."""

    outcomes: Sequence[Outcome]
    overall: OperationFigures
    by_operation: dict[str, OperationFigures]
    by_kind: dict[str, OperationFigures]
    confusions: dict[tuple[str, str], int]
    """(true operation, what was said at its place), wrong names only."""
    text_error: float | None
    """Wrong characters of all, Latin script of at least 20 px, in the found text edits."""
    text_edits: int
    benign: int
    benign_right: int
    benign_false: int
    not_explained: int
    unexplained: float | None
    replay_psnr_db: float | None
    crop_iou: float | None
    times: dict[str, tuple[float, float]]
    """Stage -> median and 95th percentile, milliseconds."""
    usual_ms: float | None
    """Median of the whole, of queries with a long side of about 1,000 px."""

    @property
    def specificity(self) -> float | None:
        """Share of the benign pairs of which nothing was said, and which were recognised."""
        return ratio(self.benign_right, self.benign)

    @property
    def mistakes(self) -> list[Outcome]:
        """Pairs with missed or false edits, the worst first, clearly visible ones before others."""
        wrong = [one for one in self.outcomes if one.mistakes]
        return sorted(wrong, key=lambda one: (one.pair.strength == "barely", -one.mistakes, one.pair.id))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "pairs": len(self.outcomes),
            "overall": self.overall.as_dict(),
            "by_operation": {name: one.as_dict() for name, one in self.by_operation.items()},
            "by_kind": {name: one.as_dict() for name, one in self.by_kind.items()},
            "text_error": self.text_error, "text_edits": self.text_edits,
            "benign": self.benign, "specificity": self.specificity,
            "false_edits_a_benign_pair": ratio(self.benign_false, self.benign),
            "not_explained": self.not_explained,
            "median_unexplained_fraction": self.unexplained,
            "median_replay_psnr_db": self.replay_psnr_db,
            "median_crop_iou": self.crop_iou,
            "ms_at_1000_px": self.usual_ms,
            "ms": {name: {"median": m, "p95": p} for name, (m, p) in self.times.items()},
            "mistakes": [
                {
                    "id": one.pair.id, "kind": one.pair.kind, "strength": one.pair.strength,
                    "verdict": one.verdict, "missed": [edit.operation for edit in one.matching.missed],
                    "false": [edit.operation for edit in one.matching.false],
                }
                for one in self.mistakes
            ],
        }  # fmt: skip


def measure(outcomes: Sequence[Outcome]) -> EditFigures:
    """All figures of a run."""
    overall = OperationFigures()
    by_operation: dict[str, OperationFigures] = {}
    by_kind: dict[str, OperationFigures] = {}
    confusions: dict[tuple[str, str], int] = {}
    for one in outcomes:
        kind = by_kind.setdefault(one.pair.kind, OperationFigures())
        _count(one, lambda name: (overall, by_operation.setdefault(name, OperationFigures())), kind)
        for names in _confused(one):
            confusions[names] = confusions.get(names, 0) + 1
    benign = [one for one in outcomes if one.pair.benign]
    explained = [one for one in outcomes if one.explained and not one.pair.benign]
    texts = list(_texts(outcomes))
    whole = [one for one in explained if _whole_picture(one)]
    crops = [
        iou(edit.reference_box, said.reference_box)
        for one in outcomes
        for edit, said in one.matching.found
        if edit.operation == "crop" and edit.reference_box and said.reference_box
    ]
    characters = sum(length for _, length in texts)
    return EditFigures(
        outcomes=outcomes,
        overall=overall,
        by_operation=dict(sorted(by_operation.items())),
        by_kind=dict(sorted(by_kind.items())),
        confusions=dict(sorted(confusions.items(), key=lambda item: -item[1])),
        text_error=sum(wrong for wrong, _ in texts) / characters if characters else None,
        text_edits=len(texts),
        benign=len(benign),
        benign_right=sum(one.explained and not one.said for one in benign),
        benign_false=sum(len(one.said) for one in benign),
        not_explained=sum(not one.explained for one in outcomes),
        unexplained=median([one.unexplained_fraction or 0.0 for one in explained]),
        replay_psnr_db=median([one.replay_psnr_db or 0.0 for one in whole]),
        crop_iou=median(crops),
        times=_times(outcomes),
        usual_ms=median(
            [one.timings_ms["total"] for one in outcomes if USUAL_PX[0] <= one.long_side_px <= USUAL_PX[1]]
        ),
    )


def edit_distance(one: str, other: str) -> int:
    """Levenshtein's: characters to insert, delete or replace."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def text_errors(edit: TrueEdit, said: SaidEdit) -> tuple[int, int]:
    """Wrong characters and all characters of a text edit, white space aside.

    Where only a word of a line changed, saying the word is as right as saying the line.
    """
    sides = ((edit.text_before, edit.words_before, said.text_before),
             (edit.text_after, edit.words_after, said.text_after))  # fmt: skip
    lines = [(_squeeze(line), _squeeze(got)) for line, _, got in sides]
    words = [(_squeeze(word), _squeeze(got)) for _, word, got in sides]
    scores = [
        (sum(edit_distance(a, b) for a, b in pairs), sum(len(a) for a, _ in pairs))
        for pairs in (lines, words)
        if any(a for a, _ in pairs)
    ]
    return min(scores, key=lambda score: score[0] / score[1], default=(0, 0))


def parameter_error(edit: TrueEdit, said: SaidEdit) -> float | None:
    """How far the main number is off, in its unit (see UNITS); None where there is none to compare."""
    if edit.operation != said.operation:
        return None
    true, got = edit.parameters, said.parameters
    if edit.operation == "rotate" and "degrees" in true and "degrees" in got:
        return float(abs((got["degrees"] - true["degrees"] + 180) % 360 - 180))
    if edit.operation in ("crop", "composite"):
        boxes = (edit.reference_box, said.reference_box) if edit.operation == "crop" else (edit.box, said.box)
        return 1 - iou(boxes[0], boxes[1]) if boxes[0] and boxes[1] else None
    if edit.operation == "object_duplicated":
        source, said_source = true.get("source_box"), got.get("source_box")
        return 1 - iou(tuple(source), tuple(said_source)) if source and said_source else None
    if any((name in true) != (name in got) for name in ("added", "curve_rgb", "matrix")):
        return None
    names = [
        name for name in UNITS.get(edit.operation, ("", ()))[1] if _number(true, name) and _number(got, name)
    ]
    if not names:
        return None
    if edit.operation in ("pad", "color_balance"):
        return float(max(abs(got[name] - true[name]) for name in names))
    error = abs(got[names[0]] - true[names[0]])
    if edit.operation == "stretch":
        return 100 * float(error)
    if names[0] in ("sigma_px", "block_px") and edit.operation == "object_blurred":
        return 100 * float(error) / max(float(true[names[0]]), 0.1)
    return float(error)


# What the error of each operation is measured in, and the parameters it is taken from.
UNITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "crop": ("1 - IoU", ()),
    "composite": ("1 - IoU", ()),
    "pad": ("px", ("left_px", "top_px", "right_px", "bottom_px")),
    "rotate": ("degrees", ("degrees",)),
    "stretch": ("percent", ("factor",)),
    "perspective": ("% of diagonal", ("corner_shift_percent",)),
    "brightness": ("% points", ("percent",)),
    "contrast": ("% points", ("percent",)),
    "saturation": ("% points", ("percent",)),
    "color_balance": ("% points", ("red_percent", "green_percent", "blue_percent")),
    "tone": ("levels", ("mean_shift_levels",)),
    "blur": ("px", ("sigma_px",)),
    "sharpen": ("% points", ("percent",)),
    "noise": ("levels", ("sigma_levels",)),
    "object_blurred": ("percent", ("sigma_px", "block_px")),
    "object_duplicated": ("1 - IoU", ()),
    "object_added": ("% of area", ("area_percent",)),
    "object_removed": ("% of area", ("area_percent",)),
    "object_replaced": ("% of area", ("area_percent",)),
    "object_recolored": ("% of area", ("area_percent",)),
}


def direction_right(edit: TrueEdit, said: SaidEdit) -> bool | None:
    """Whether brighter or darker, warmer or cooler, clockwise or not is right; None where there is none."""
    true, got = edit.parameters, said.parameters
    if edit.operation != said.operation:
        return None
    if edit.operation == "rotate":
        degrees = true.get("degrees")
        if degrees is None or abs(degrees) > 179:
            return None
        return bool(degrees * got.get("degrees", 0) > 0)
    if edit.operation == "flip":
        return bool(true.get("axis") == got.get("axis")) if "axis" in true else None
    if edit.operation == "stretch":
        return bool((true["factor"] > 1) == (got.get("factor", 1) > 1)) if "factor" in true else None
    if edit.operation == "background_changed":
        kinds = ("darkened", "brightened")
        return bool(true["kind"] == got.get("kind")) if true.get("kind") in kinds else None
    if edit.operation == "color_balance" and "tint" in true:
        return bool(true["tint"] == got.get("tint"))
    if "sign" in true and true["sign"] != 0 and true.get("kind") not in ("posterized", "curve"):
        return bool(true["sign"] == got.get("sign"))
    return None


def _count(one: Outcome, of: Callable[[str], Iterable[OperationFigures]], kind: OperationFigures) -> None:
    """Add one outcome to the figures of its operations, of all, and of its kind."""
    clear = one.pair.strength is None or one.pair.strength in CLEAR
    found = {id(edit): said for edit, said in one.matching.found}
    for edit in one.pair.operations:
        if edit.optional:
            continue
        said = found.get(id(edit))
        for figures in (*of(edit.operation), kind):
            figures.true += 1
            figures.found += said is not None
            strength = edit.strength or "not said"
            hits, total = figures.by_strength.get(strength, (0, 0))
            figures.by_strength[strength] = (hits + (said is not None), total + 1)
            if edit.strength is None or edit.strength in CLEAR:
                figures.clear_true += 1
                figures.clear_found += said is not None
            figures.local += edit in one.matching.local
            figures.placed += edit in one.matching.placed
            if said is not None:
                _measure(figures, edit, said)
            right = _side_right(edit, one)
            if right is not None:
                figures.directions.append(right)
    for said in one.matching.false:
        for figures in (*of(said.operation), kind):
            figures.false += 1
            figures.clear_false += clear


def _measure(figures: OperationFigures, edit: TrueEdit, said: SaidEdit) -> None:
    if is_local(edit.operation) and edit.box and said.box:
        figures.ious.append(iou(edit.box, said.box))
    if (error := parameter_error(edit, said)) is not None:
        figures.errors.append(error)
    if (right := direction_right(edit, said)) is not None:
        figures.directions.append(right)


def _side_right(edit: TrueEdit, one: Outcome) -> bool | None:
    """Whether the nearest addition or removal said at the place of one is the right of both."""
    true = edit.operation.rpartition("_")[2]
    if true not in ("added", "removed") or not edit.operation.startswith(("object_", "text_")):
        return None
    anywhere = TrueEdit(
        "changed", edit.box, accepted=("object_added", "object_removed", "text_added", "text_removed")
    )
    there = [
        (iou(edit.box, said.box), said.operation)
        for said in one.said
        if edit.box and said.box and fits(anywhere, said) and said.operation != "changed"
    ]
    return max(there)[1].endswith(true) if there else None


def _confused(one: Outcome) -> Iterable[tuple[str, str]]:
    """Missed edits with what was falsely said at their place, or for no place."""
    for edit in one.matching.missed:
        if not one.explained:
            yield edit.operation, f"({one.verdict})"
            continue
        names = {said.operation for said in one.matching.false}
        there = [
            said.operation
            for said in one.matching.false
            if fits(TrueEdit(edit.operation, edit.box, accepted=tuple(names)), said)
            and is_local(said.operation) == is_local(edit.operation)
        ]
        yield edit.operation, there[0] if there else "-"


def _texts(outcomes: Sequence[Outcome]) -> Iterable[tuple[int, int]]:
    for one in outcomes:
        for edit, said in one.matching.found:
            large = edit.text_px is None or edit.text_px >= LEAST_TEXT_PX
            if edit.operation.startswith("text_") and edit.script != "other" and large:
                wrong, length = text_errors(edit, said)
                if length:
                    yield wrong, length


def _whole_picture(one: Outcome) -> bool:
    return all(not is_local(edit.operation) for edit in one.pair.operations if not edit.optional)


def _times(outcomes: Sequence[Outcome]) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of each stage, milliseconds."""
    stages = dict.fromkeys(stage for one in outcomes for stage in one.timings_ms)
    times = {
        stage: [one.timings_ms[stage] for one in outcomes if stage in one.timings_ms] for stage in stages
    }
    return {
        stage: (float(np.median(values)), float(np.percentile(values, 95))) for stage, values in times.items()
    }


def _squeeze(text: str | None) -> str:
    """Without white space, which readers set as they like."""
    return re.sub(r"\s+", "", text or "")


def _number(parameters: Any, name: str) -> bool:
    value = parameters.get(name)
    return isinstance(value, int | float) and not isinstance(value, bool)


def ratio(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole else None


def median(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return float(np.median(values)) if len(values) else None


def mean(values: Sequence[float] | Sequence[bool]) -> float | None:
    """The mean; None of nothing."""
    return float(np.mean(values)) if len(values) else None
