"""The figures of a run over pairs with known edits, as aligned plain text."""

from __future__ import annotations

from typing import TypeAlias

from provenance.evaluate.differences.figures import (
    UNITS,
    USUAL_PX,
    EditFigures,
    OperationFigures,
    mean,
    median,
    ratio,
)
from provenance.evaluate.differences.matching import SaidEdit
from provenance.evaluate.metrics import wilson_interval
from provenance.evaluate.pairs.truth import STRENGTHS, TrueEdit
from provenance.evaluate.tables import aligned

Rows: TypeAlias = list[tuple[str, ...]]

HEADER = (
    "operation", "true", "recall", "precision", "F1", "clear: R", "P", "place R", "IoU median", "mean",
    "direction", "error", "in",
)  # fmt: skip


def edits_table(figures: EditFigures, *, worst: int = 40) -> str:
    """All figures; then the `worst` pairs."""
    rows: Rows = [HEADER, _row("all", figures.overall)]
    rows += [_row(name, one) for name, one in figures.by_operation.items()]
    curves: Rows = [("recall by strength", *STRENGTHS)]
    curves += [
        (name, *(_share(one.by_strength.get(strength)) for strength in STRENGTHS))
        for name, one in [("all", figures.overall), *figures.by_operation.items()]
        if one.true
    ]
    kinds: Rows = [("kind of edit", "true", "recall", "false", "place R")]
    kinds += [
        (
            name or "(none)",
            str(one.true),
            _figure(one.recall),
            str(one.false),
            _figure(ratio(one.placed, one.local)),
        )
        for name, one in figures.by_kind.items()
        if one.true
    ]
    confused: Rows = [("taken for", "true", "times")]
    confused += [(said, true, str(count)) for (true, said), count in list(figures.confusions.items())[:25]]
    times: Rows = [("stage", "median ms", "95 % ms")]
    times += [(stage, f"{m:.0f}", f"{p:.0f}") for stage, (m, p) in figures.times.items()]
    blocks = [rows, curves, kinds, confused, times]
    lines = [*_summary(figures), ""]
    for block in blocks:
        lines += [*aligned(block), ""]
    return "\n".join([*lines, *_worst(figures, worst)]).rstrip()


def _summary(figures: EditFigures) -> list[str]:
    overall = figures.overall
    low, high = wilson_interval(figures.benign_right, figures.benign)
    return [
        f"{len(figures.outcomes)} pairs, {figures.benign} of them benign; {figures.not_explained} not "
        "recognised as a pair",
        f"benign pairs: specificity {_figure(figures.specificity, 4)} "
        f"({figures.benign_right}/{figures.benign}, 95 % interval {low:.4f} to {high:.4f}), false edits a "
        f"pair {_figure(ratio(figures.benign_false, figures.benign), 4)}",
        f"clearly visible edits: recall {_figure(ratio(overall.clear_found, overall.clear_true))}, precision "
        f"{_figure(ratio(overall.clear_found, overall.clear_found + overall.clear_false))}",
        f"direction right: {_figure(mean(overall.directions))} of {len(overall.directions)}; median box IoU "
        f"of crops {_figure(figures.crop_iou)}; wrong characters in {figures.text_edits} text edits "
        f"{_figure(figures.text_error)}",
        f"median unexplained fraction {_figure(figures.unexplained)}; median replay PSNR of whole-picture "
        f"edits {_figure(figures.replay_psnr_db, 1)} dB; at {USUAL_PX[0]} to {USUAL_PX[1]} px a pair takes "
        f"{_figure(figures.usual_ms, 0)} ms (median)",
    ]


def _row(name: str, one: OperationFigures) -> tuple[str, ...]:
    return (
        name,
        str(one.true),
        _figure(one.recall),
        _figure(one.precision),
        _figure(one.f1),
        _figure(ratio(one.clear_found, one.clear_true)),
        _figure(ratio(one.clear_found, one.clear_found + one.clear_false)),
        _figure(ratio(one.placed, one.local)),
        _figure(median(one.ious), 2),
        _figure(mean(one.ious), 2),
        _figure(mean(one.directions)),
        _figure(median(one.errors), 2) if name != "all" else "",
        UNITS.get(name, ("",))[0] if one.errors else "",
    )


def _worst(figures: EditFigures, worst: int) -> list[str]:
    lines = [f"the worst of {len(figures.mistakes)} pairs with a mistake:"] if figures.mistakes else []
    for one in figures.mistakes[:worst]:
        parts = [f"{one.pair.id} ({one.pair.strength or 'benign'})"]
        if not one.explained:
            parts.append(f"{one.verdict}: {one.caption}")
        if one.matching.missed and one.explained:
            parts.append("missed " + ", ".join(shown(edit) for edit in one.matching.missed))
        if one.matching.false:
            parts.append("false " + ", ".join(shown(edit) for edit in one.matching.false))
        lines.append("  " + "; ".join(parts))
    return lines


def shown(edit: TrueEdit | SaidEdit) -> str:
    """An edit in a few words."""
    numbers = {name: value for name, value in edit.parameters.items() if isinstance(value, int | float | str)}
    few = ", ".join(f"{name} {value}" for name, value in list(numbers.items())[:3])
    texts = [text for text in (edit.text_before, edit.text_after) if text]
    return f"{edit.operation} {list(edit.box) if edit.box else ''}({few}) {' > '.join(texts)}".strip()


def _share(both: tuple[int, int] | None) -> str:
    return f"{both[0] / both[1]:.3f} ({both[0]}/{both[1]})" if both else "-"


def _figure(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
