"""What people think of the systems: mean marks with intervals, differences, and how far people agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from provenance.errors import InputError
from provenance.evaluate.captions.human.agreement import Scale, krippendorff_alpha
from provenance.evaluate.captions.human.ratings import Ratings
from provenance.evaluate.captions.human.study import QUESTIONS
from provenance.evaluate.captions.scores import Draws, Score, compare, intervals, ratio_score
from provenance.evaluate.captions.tables import Cell, Line, Table

COLUMNS = tuple(question.capitalize() for question in QUESTIONS)


def tabulate_ratings(ratings: Ratings, draws: Draws) -> Table:
    """Mean marks of each system, the first's differences from the others, and Krippendorff's alpha.

    Intervals and chances draw pairs, for the marks of one pair hang together. Raises InputError without a
    rating.
    """
    items, given = ratings.items(), ratings.all()
    if not given:
        raise InputError("nobody has rated anything yet; open the page of --serve")
    pairs = list(dict.fromkeys(item.pair for item in items.values()))
    systems = list(dict.fromkeys(name for item in items.values() for name in item.systems))
    sums = np.zeros((len(systems), len(pairs), len(QUESTIONS)))
    counts = np.zeros((len(systems), len(pairs)))
    for one in given:
        item = items[one.item]
        for name in item.systems:
            place = systems.index(name), pairs.index(item.pair)
            sums[place] += one.marks
            counts[place] += 1
    scores = [
        [
            ratio_score(column, sums[number, :, question], counts[number])
            for question, column in enumerate(COLUMNS)
        ]
        for number in range(len(systems))
    ]
    figures = [_line(name, scores[number], counts[number] > 0, draws) for number, name in enumerate(systems)]
    differences = []
    for number, other in enumerate(systems[1:], 1):
        both = (counts[0] > 0) & (counts[number] > 0)
        found = compare(scores[0], scores[number], both, draws)
        cells = {one.metric: Cell((one.value,), one.low, one.high, one.p) for one in found}
        differences.append(Line("ratings", f"{systems[0]} - {other}", int(both.sum()), cells))
    return Table(COLUMNS, (*figures, *_agreement(ratings)), tuple(differences), interval_decimals=2)


def _line(name: str, scores: Sequence[Score], rated: NDArray[np.bool_], draws: Draws) -> Line:
    cells = {
        score.metric: Cell((score.value(rated),), low, high)
        for score, (low, high) in zip(scores, intervals(scores, rated, draws), strict=True)
    }
    return Line("ratings", name, int(rated.sum()), cells)


def _agreement(ratings: Ratings) -> list[Line]:
    """Krippendorff's alpha of each question, marks as ranks and as distances."""
    units: dict[int, list[tuple[int, ...]]] = {}
    for one in ratings.all():
        units.setdefault(one.item, []).append(one.marks)
    twice = sum(len(marks) > 1 for marks in units.values())
    scales: tuple[Scale, ...] = ("ordinal", "interval")
    lines = []
    for scale in scales:
        alphas = [
            krippendorff_alpha([[marks[number] for marks in unit] for unit in units.values()], scale)
            for number in range(len(QUESTIONS))
        ]
        cells = {column: Cell((alpha,)) for column, alpha in zip(COLUMNS, alphas, strict=True)}
        lines.append(Line("agreement", f"Krippendorff's alpha, {scale}", twice, cells))
    return lines
