"""The figures of a retrieval run as aligned plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from provenance.evaluate.metrics import expected_calibration_error, wilson_interval
from provenance.evaluate.retrieval import LARGE_AREA, LARGE_SIDE_PX, Figures, RetrievalResult

HEADER = ("kind", "queries", "R@1", "R@1 at 0 false", "µAP", "R@P90", "false", "strangers matched",
          "sources found")  # fmt: skip


def retrieval_table(result: RetrievalResult) -> str:
    """All figures: in all and by kind, calibration, times, mistakes."""
    enough = f"all with {LARGE_AREA:.0%} of the area at {LARGE_SIDE_PX} px"
    kinds = [HEADER, _row("all", result.overall), _row(enough, result.large_enough)]
    kinds += [_row(kind or "(no kind)", figures) for kind, figures in result.by_kind.items()]
    overall = result.overall
    low, high = wilson_interval(overall.strangers_matched, overall.strangers)
    verdicts = Counter(one.verdict for one in result.outcomes)
    lines = [
        *aligned(kinds),
        "",
        f"false-match rate: {overall.false_match_rate:.4f} of all queries, "
        + _share(overall.strangers_matched, overall.strangers)
        + f" of those without an original (95 % interval {low:.3f} to {high:.3f})",
        *_several(overall),
        "verdicts: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()),
        "",
        *_calibration(result),
        "",
        *aligned(
            [
                ("stage", "median ms", "95 % ms"),
                *((stage, f"{m:.0f}", f"{p:.0f}") for stage, (m, p) in result.times.items()),
            ]
        ),
    ]
    if result.mistakes:
        mistakes = [
            (
                "FALSE MATCH" if one.false else "not found",
                one.query.path.name,
                one.query.kind,
                f"{one.confidence:.2f}",
                "its original came first" if one.answer_right else "",
            )
            for one in result.mistakes
        ]
        lines += ["", *aligned([("mistake", "query", "kind", "confidence", "best candidate"), *mistakes])]
    return "\n".join(lines)


def _several(overall: Figures) -> list[str]:
    """What is said where queries show several originals, or reports name several."""
    if not overall.sources and not overall.further_false:
        return []
    share = overall.sources_found / overall.sources if overall.sources else 0.0
    return [
        f"sources found: {share:.3f} of the originals of queries that show several "
        f"({_share(overall.sources_found, overall.sources)}); further matches that are wrong: "
        f"{overall.further_false}"
    ]


def _calibration(result: RetrievalResult) -> list[str]:
    sure, wrong = result.sure
    rows = [("confidence", "answers", "said", "right")]
    rows += [
        (
            f"{one.low:.1f}-{one.high:.1f}",
            str(one.count),
            f"{one.confidence:.3f}",
            f"{one.accuracy:.3f}",
        )
        for one in result.calibration
    ]
    return [
        *aligned(rows),
        f"expected calibration error: {expected_calibration_error(result.calibration):.4f} over the best "
        "candidates of all queries, "
        f"{expected_calibration_error(result.calibration_of_matches):.4f} over matches",
        f"matches at 0.99 and more: {sure}, of them {wrong} wrong",
    ]


def _row(name: str, figures: Figures) -> tuple[str, ...]:
    return (
        name,
        str(figures.queries),
        _figure(figures.recall),
        _figure(figures.recall_at_zero_false),
        _figure(figures.micro_average_precision),
        _figure(figures.recall_at_p90),
        str(figures.false_matches),
        _share(figures.strangers_matched, figures.strangers),
        _share(figures.sources_found, figures.sources),
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "-"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns two spaces apart, with a line under the first row."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return lines
