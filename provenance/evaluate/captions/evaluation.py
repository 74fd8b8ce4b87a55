"""Systems and baselines scored on the same pairs: in all, by category, and without sources seen in
training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from provenance.evaluate.captions.baselines import AnswerSet
from provenance.evaluate.captions.categories import categorize_captions
from provenance.evaluate.captions.metrics import Metric
from provenance.evaluate.captions.pairs import CaptionedPair
from provenance.evaluate.captions.scores import Score
from provenance.records import Category

Mask: TypeAlias = NDArray[np.bool_]
SOURCE_DISJOINT = "source-disjoint"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One set of answers, scored."""

    pairs: NDArray[np.intp]
    """Numbers of the pairs that were answered."""
    scores: Mapping[str, Score]

    def value(self, metric: str, subset: Mask) -> float:
        """The figure over the answered pairs of a subset."""
        return self.scores[metric].value(subset[self.pairs])

    def count(self, subset: Mask) -> int:
        """How many pairs of a subset were answered."""
        return int(subset[self.pairs].sum())


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRow:
    """One row of the table: a system, or a baseline; people have one run each."""

    name: str
    runs: tuple[Run, ...]
    baseline: bool


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All rows over all subsets."""

    rows: tuple[ScoredRow, ...]
    subsets: Mapping[str, Mask]
    """By name, in order; the first holds all pairs."""
    metrics: tuple[str, ...]


def evaluate_captions(
    pairs: Sequence[CaptionedPair],
    rows: Sequence[AnswerSet],
    metrics: Mapping[str, Metric],
    *,
    seen: Sequence[CaptionedPair] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score every row by every metric. `seen` are pairs of training and tuning, whose sources are set
    apart."""
    runs = [run for row in rows for run in row.runs]
    scores: list[dict[str, Score]] = [{} for _ in runs]
    for done, metric in enumerate(metrics.values(), 1):
        for found, measured in zip(scores, metric([answers for _, answers in runs]), strict=True):
            found.update({score.metric: score for score in measured})
        if progress:
            progress(done, len(metrics))
    scored = iter(
        Run(np.array(numbers, np.intp), found) for (numbers, _), found in zip(runs, scores, strict=True)
    )
    return Evaluation(
        rows=tuple(ScoredRow(row.name, tuple(next(scored) for _ in row.runs), row.baseline) for row in rows),
        subsets=subsets(pairs, seen),
        metrics=tuple(scores[0]) if scores else (),
    )


def subsets(pairs: Sequence[CaptionedPair], seen: Sequence[CaptionedPair]) -> dict[str, Mask]:
    """All pairs, those whose source was not seen in training, and those of each category; none that is
    empty."""
    found: dict[str, Mask] = {"all": np.ones(len(pairs), np.bool_)}
    known = {pair.before for pair in seen if pair.before is not None}
    if known and any(pair.before for pair in pairs):
        found[SOURCE_DISJOINT] = np.array([pair.before not in known for pair in pairs])
    labels = [pair.categories or categorize_captions(pair.captions) for pair in pairs]
    for category in get_args(Category):
        found[category.replace("_", " ")] = np.array([category in kinds for kinds in labels])
    return {name: mask for name, mask in found.items() if mask.any()}
