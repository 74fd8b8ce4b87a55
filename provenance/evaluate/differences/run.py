"""Pairs -> what is said of each, by the way of `provenance explain`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from provenance.errors import ProvenanceError, UsageError
from provenance.evaluate.differences.matching import Matching, SaidEdit, match
from provenance.evaluate.pairs.truth import Pair, TrueEdit
from provenance.evaluate.queries import spread
from provenance.evaluate.workers import run_tasks

if TYPE_CHECKING:
    from provenance import Provenance, Report

OBJECTS = ("object_added", "object_removed", "object_replaced")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one pair."""

    pair: Pair
    verdict: str
    said: tuple[SaidEdit, ...]
    matching: Matching
    caption: str = ""
    unexplained_fraction: float | None = None
    replay_psnr_db: float | None = None
    """None where nothing was replayed; infinite where the replay is the query."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    long_side_px: int = 0
    """Of the query."""

    @property
    def explained(self) -> bool:
        """Whether the pair was recognised as one, and compared."""
        return self.verdict in ("identical", "unmodified", "modified")

    @property
    def mistakes(self) -> int:
        """Missed and false edits; a pair that was not recognised is one as well."""
        return len(self.matching.missed) + len(self.matching.false) + (not self.explained)


def explain_pairs(
    pairs: Sequence[Pair],
    *,
    text: bool = True,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """Explain every pair, in `jobs` processes; `text` reads words (OCR)."""
    outcomes = []
    for outcome in _run(pairs, text, jobs):
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), len(pairs))
    return outcomes


def _run(pairs: Sequence[Pair], text: bool, jobs: int) -> Iterator[Outcome]:
    yield from run_tasks(partial(explain_pair, text=text), pairs, jobs)


def explain_pair(pair: Pair, *, text: bool) -> Outcome:
    """Explain one pair and hold what is said against the truth.

    Who may not read words cannot tell writing from other things: then objects are as good a name for it.
    """
    if not text:
        pair = replace(pair, operations=tuple(_unread(edit) for edit in pair.operations))
    try:
        report = library(text).explain(pair.reference, pair.query)
    except ProvenanceError as error:
        return Outcome(pair, "error", (), match(pair.operations, ()), str(error))
    return read_outcome(pair, report)


def _unread(edit: TrueEdit) -> TrueEdit:
    if not edit.operation.startswith("text_"):
        return edit
    what = edit.operation.removeprefix("text_")
    names = (f"object_{what}", "object_replaced") if what != "changed" else OBJECTS
    return replace(edit, accepted=(*edit.accepted, *names))


def read_outcome(pair: Pair, report: Report) -> Outcome:
    """What a report says of a pair, against the truth."""
    explanation = report.explanation
    if explanation is None:
        reason = report.candidates[0].reason if report.candidates else ""
        return Outcome(
            pair, report.verdict, (), match(pair.operations, ()), reason, timings_ms=report.timings_ms
        )
    said = tuple(
        SaidEdit(
            edit.operation, edit.box, edit.reference_box, dict(edit.parameters), edit.text_before,
            edit.text_after, edit.confidence, edit.sentence,
        )
        for edit in explanation.edits
    )  # fmt: skip
    psnr = explanation.replay_psnr_db
    return Outcome(
        pair,
        report.verdict,
        said,
        match(pair.operations, said),
        explanation.caption,
        explanation.unexplained_fraction,
        float("inf") if psnr is None else psnr,
        dict(report.timings_ms),
        max(report.query.width, report.query.height),
    )


@cache
def library(text: bool) -> Provenance:
    """What explains, one for all pairs of a process."""
    from provenance import Provenance

    return Provenance(compare={"text": text})


def choose_pairs(
    pairs: Sequence[Pair], *, kinds: Sequence[str] = (), limit: int | None = None, seed: int = 0
) -> tuple[Pair, ...]:
    """The pairs of some kinds or operations; of them at most `limit`, all kinds about equally often.

    Raises UsageError where none is left.
    """
    chosen = [
        pair
        for pair in pairs
        if not kinds
        or pair.kind in kinds
        or any(edit.operation in kinds for edit in pair.operations if not edit.optional)
    ]
    if not chosen:
        known = sorted({pair.kind for pair in pairs})
        raise UsageError(f"no pair is of {', '.join(kinds)}; there are {', '.join(known)}")
    if limit is None:
        return tuple(chosen)
    order = np.random.default_rng(seed).permutation(len(chosen)).tolist()
    taken = spread(order, limit, lambda number: chosen[number].kind)
    return tuple(chosen[number] for number in sorted(taken))
