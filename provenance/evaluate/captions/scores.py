"""Figures as sums over pairs, so that subsets, intervals and comparisons are one and the same sum.

Every metric here is a formula of sums: a mean of the pairs' values, or BLEU's and METEOR's counts. Summing
over other pairs gives the figure of a category, over pairs drawn with replacement the bootstrap (Efron
1979), and over answers swapped between two systems the approximate randomisation test (Noreen 1989; Riezler
& Maxwell 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Formula: TypeAlias = Callable[[Floats], Floats]
"""Sums [..., k] -> figures [...]."""

# Draws summed at once.
_ROWS = 256


@dataclass(frozen=True, slots=True)
class Draws:
    """How often the bootstrap and the test draw, and from which seed; 0 samples: no intervals, no chances."""

    samples: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One metric of one system's answers."""

    metric: str
    parts: Floats
    """[n, k] what each pair adds."""
    formula: Formula

    def value(self, pairs: ArrayLike | None = None) -> float:
        """The figure over all pairs, or those of an index or mask; nan where nothing is measured."""
        parts = self.parts if pairs is None else self.parts[np.asarray(pairs)]
        return float(self.formula(parts.sum(axis=0)))


@dataclass(frozen=True, slots=True)
class Difference:
    """One system's figure less another's over the same pairs."""

    metric: str
    value: float
    low: float
    high: float
    """The 95 % interval of the paired bootstrap."""
    p: float
    """Of so large a difference, either way, if the two were alike (approximate randomisation)."""


def ratio_score(metric: str, right: ArrayLike, total: ArrayLike | None = None) -> Score:
    """A sum over a sum; without `total` the mean of `right`."""
    above = np.asarray(right, np.float64)
    below = np.ones_like(above) if total is None else np.asarray(total, np.float64)
    return Score(metric, np.stack([above, below], axis=1), ratio)


def ratio(sums: Floats) -> Floats:
    """The first sum over the second, nan where that is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)


def intervals(scores: Sequence[Score], pairs: ArrayLike, draws: Draws) -> list[tuple[float, float]]:
    """The 95 % bootstrap interval of each score over these pairs; nan, nan where there is nothing to draw."""
    return [_range(figures) for figures in _drawn([scores], pairs, draws)[0]]


def compare(
    first: Sequence[Score], second: Sequence[Score], pairs: ArrayLike, draws: Draws
) -> list[Difference]:
    """By how much the first system's scores are above the second's on the same pairs, and whether by
    chance."""
    drawn = _drawn([first, second], pairs, draws)
    exchanged = _exchanged(first, second, pairs, draws)
    differences = []
    for number, (ours, theirs) in enumerate(zip(first, second, strict=True)):
        value = ours.value(pairs) - theirs.value(pairs)
        low, high = _range(drawn[0][number] - drawn[1][number])
        parted = exchanged[number][~np.isnan(exchanged[number])]
        extreme = int((np.abs(parted) >= abs(value) - 1e-12).sum())
        p = (extreme + 1) / (len(parted) + 1) if len(parted) and not np.isnan(value) else float("nan")
        differences.append(Difference(ours.metric, value, low, high, p))
    return differences


def _drawn(systems: Sequence[Sequence[Score]], pairs: ArrayLike, draws: Draws) -> list[list[Floats]]:
    """[systems][scores] -> [samples] figures of as many pairs drawn with replacement, the same for all."""
    chosen = np.asarray(pairs)
    parts = [[score.parts[chosen] for score in scores] for scores in systems]
    count = len(parts[0][0])
    random = np.random.default_rng(draws.seed)
    weights = [
        random.multinomial(count, np.full(count, 1 / count), size=rows).astype(np.float64)
        for rows in _blocks(draws.samples if count else 0)
    ]
    return [
        [
            np.concatenate([score.formula(block @ part) for block in weights] or [np.empty(0)])
            for score, part in zip(scores, of_system, strict=True)
        ]
        for scores, of_system in zip(systems, parts, strict=True)
    ]


def _exchanged(
    first: Sequence[Score], second: Sequence[Score], pairs: ArrayLike, draws: Draws
) -> list[Floats]:
    """[scores] -> [samples] differences after each pair's answers were exchanged or not, at random."""
    chosen = np.asarray(pairs)
    count = len(first[0].parts[chosen])
    random = np.random.default_rng(draws.seed)
    swaps = [
        random.integers(0, 2, size=(rows, count)).astype(np.float64)
        for rows in _blocks(draws.samples if count else 0)
    ]
    found = []
    for ours, theirs in zip(first, second, strict=True):
        above, below = ours.parts[chosen].sum(axis=0), theirs.parts[chosen].sum(axis=0)
        gap = theirs.parts[chosen] - ours.parts[chosen]
        blocks = [(above + block @ gap, below - block @ gap) for block in swaps]
        found.append(
            np.concatenate([ours.formula(up) - ours.formula(down) for up, down in blocks] or [np.empty(0)])
        )
    return found


def _blocks(samples: int) -> list[int]:
    """`samples` in parts that are worked on at once."""
    return [min(_ROWS, samples - start) for start in range(0, samples, _ROWS)]


def _range(figures: Floats) -> tuple[float, float]:
    known = figures[~np.isnan(figures)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
