"""An evaluation as a table in the layout of the paper: Markdown, CSV, LaTeX, or ready for JSON.

Figures are shares and scores times 100, as papers print them. Below a system's figures stand the limits of
their 95 % bootstrap intervals; people, who have one run each, show the range of their runs.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from provenance.evaluate.captions.evaluation import SOURCE_DISJOINT, Evaluation, Mask, ScoredRow
from provenance.evaluate.captions.scores import Draws, compare, intervals

HEADER = ("Testing set", "Method", "Pairs")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: a value a run, and of systems and differences the interval, of differences the chance."""

    values: tuple[float, ...]
    low: float = math.nan
    high: float = math.nan
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    testing_set: str
    method: str
    pairs: int
    cells: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures, and where several systems were given, their differences from the first."""

    metrics: tuple[str, ...]
    figures: tuple[Line, ...]
    differences: tuple[Line, ...]
    interval_decimals: int = 1


def tabulate(evaluation: Evaluation, testing_set: str, draws: Draws) -> Table:
    """Work out every figure, with its interval."""
    named = {testing_set if name == "all" else name: subset for name, subset in evaluation.subsets.items()}
    figures = tuple(
        _figures(row, subset, name, evaluation.metrics, draws)
        for name, subset in named.items()
        for row in evaluation.rows
        if any(run.count(subset) for run in row.runs)
    )
    systems = [row for row in evaluation.rows if not row.baseline]
    # Not by category: that would be many tests of few pairs.
    differences = tuple(
        _difference(systems[0], other, subset, name, evaluation.metrics, draws)
        for name, subset in named.items()
        if name in (testing_set, SOURCE_DISJOINT)
        for other in systems[1:]
    )
    # What is measured nowhere, such as specificity without unchanged pairs, has no column.
    metrics = tuple(
        metric
        for metric in evaluation.metrics
        if any(not math.isnan(value) for line in figures for value in line.cells[metric].values)
    )
    return Table(metrics, figures, differences)


def _figures(row: ScoredRow, subset: Mask, testing_set: str, metrics: Sequence[str], draws: Draws) -> Line:
    cells = {metric: Cell(tuple(100 * run.value(metric, subset) for run in row.runs)) for metric in metrics}
    if not row.baseline:
        run = row.runs[0]
        limits = intervals([run.scores[metric] for metric in metrics], subset[run.pairs], draws)
        cells = {
            metric: replace(cells[metric], low=100 * low, high=100 * high)
            for metric, (low, high) in zip(metrics, limits, strict=True)
        }
    return Line(testing_set, row.name, row.runs[0].count(subset), cells)


def _difference(
    first: ScoredRow, other: ScoredRow, subset: Mask, testing_set: str, metrics: Sequence[str], draws: Draws
) -> Line:
    ours, theirs = ([row.runs[0].scores[metric] for metric in metrics] for row in (first, other))
    cells = {
        one.metric: Cell((100 * one.value,), 100 * one.low, 100 * one.high, one.p)
        for one in compare(ours, theirs, subset, draws)
    }
    return Line(testing_set, f"{first.name} - {other.name}", int(subset.sum()), cells)


# ---------------------------------------------------------------- printed


def to_markdown(table: Table) -> str:
    """Aligned Markdown tables."""
    parts = [_aligned([(*HEADER, *table.metrics), *_rows(table, table.figures, "–")])]
    if table.differences:
        rows = list(_rows(table, table.differences, "–"))
        parts.append(_aligned([(*HEADER, *table.metrics), *rows]))
    return "\n\n".join(parts)


def to_latex(table: Table) -> str:
    """The same as tabulars with booktabs' rules."""
    tabulars = []
    for lines in (table.figures, table.differences):
        if not lines:
            continue
        rows = [" & ".join(map(_escape, row)) + r" \\" for row in _rows(table, lines, "--")]
        head = " & ".join(map(_escape, (*HEADER, *table.metrics))) + r" \\"
        body = [r"\toprule", head, r"\midrule", *rows, r"\bottomrule"]
        columns = "ll" + "r" * (1 + len(table.metrics))
        tabulars.append("\n".join([rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}"]))
    return "\n\n".join(tabulars)


def to_csv(table: Table) -> str:
    """One line a run, unrounded, with the limits of the intervals and the chances of differences."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [*(name.lower().replace(" ", "_") for name in HEADER)]
        + [f"{metric}{ending}" for metric in table.metrics for ending in ("", " low", " high", " p")]
    )
    for line in (*table.figures, *table.differences):
        for run in range(max(len(cell.values) for cell in line.cells.values())):
            cells = [line.cells[metric] for metric in table.metrics]
            name = f"{line.method} {run + 1}" if len(cells[0].values) > 1 else line.method
            figures = [(cell.values[run], cell.low, cell.high, cell.p) for cell in cells]
            writer.writerow(
                [line.testing_set, name, line.pairs, *map(_exact, (x for f in figures for x in f))]
            )
    return out.getvalue().rstrip("\n")


def to_dict(table: Table) -> dict[str, Any]:
    """The same for JSON; what was not measured is null."""
    return {
        key: [_without_nan(asdict(line)) for line in lines]
        for key, lines in (("figures", table.figures), ("differences", table.differences))
    }


def _rows(table: Table, lines: Sequence[Line], dash: str) -> Iterator[tuple[str, ...]]:
    decimals = table.interval_decimals
    before = ""
    for line in lines:
        cells = [line.cells[metric] for metric in table.metrics]
        name = "" if line.testing_set == before else line.testing_set
        before = line.testing_set
        yield name, line.method, str(line.pairs), *(_value(cell, dash, decimals) for cell in cells)
        if any(not math.isnan(cell.low) for cell in cells):
            yield "", "95 % interval", "", *(_between(cell.low, cell.high, dash, decimals) for cell in cells)
        if any(cell.p is not None and not math.isnan(cell.p) for cell in cells):
            yield (
                "",
                "p",
                "",
                *("" if cell.p is None or math.isnan(cell.p) else f"{cell.p:.3f}" for cell in cells),
            )


def _value(cell: Cell, dash: str, decimals: int) -> str:
    known = [value for value in cell.values if not math.isnan(value)]
    if not known:
        return ""
    sign = "+" if cell.p is not None else ""
    # Adding 0 after rounding leaves no "-0.00".
    return (
        f"{round(known[0], 2) + 0:{sign}.2f}"
        if len(known) == 1
        else _between(min(known), max(known), dash, decimals)
    )


def _between(low: float, high: float, dash: str, decimals: int) -> str:
    if math.isnan(low):
        return ""
    low, high = round(low, decimals) + 0, round(high, decimals) + 0
    between = dash if low >= 0 else " to "
    return f"{low:.{decimals}f}{between}{high:.{decimals}f}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column].replace("|", r"\|")) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(_cell(row, widths)) + " |" for row in rows]
    rule = "|".join(
        ("-" * (width + 2)) if column < 2 else "-" * (width + 1) + ":" for column, width in enumerate(widths)
    )
    lines.insert(1, f"|{rule}|")
    return "\n".join(lines)


def _cell(row: tuple[str, ...], widths: Sequence[int]) -> Iterator[str]:
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        safe = text.replace("|", r"\|").replace("\n", " ")
        yield safe.ljust(width) if column < 2 else safe.rjust(width)


def _escape(text: str) -> str:
    """Text for LaTeX."""
    for mark in r"&%$#_{}":
        text = text.replace(mark, "\\" + mark)
    return text.replace("~", r"\textasciitilde{}").replace("^", r"\textasciicircum{}")


def _exact(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
