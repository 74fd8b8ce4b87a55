"""How far people agree: Krippendorff's alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

Scale: TypeAlias = Literal["ordinal", "interval"]
"""Marks as ranks, or as distances."""


def krippendorff_alpha(units: Sequence[Sequence[float]], scale: Scale = "ordinal") -> float:
    """Agreement of any number of people on units that each was marked by some of; 1 full, 0 as by chance.

    `units` holds the marks of each unit; those with fewer than two say nothing. nan where nothing varies or
    is marked twice. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    marked = [unit for unit in units if len(unit) > 1]
    values = np.unique([mark for unit in marked for mark in unit])
    if len(values) < 2:
        return float("nan")
    # How often two people gave a unit the marks (row, column), a unit of m people counting as m.
    together = np.zeros((len(values), len(values)))
    for unit in marked:
        counts = (np.asarray(unit)[:, None] == values).sum(axis=0)
        together += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = together.sum(axis=1)
    if scale == "ordinal":
        # The number of marks between two, half of each of the two included.
        places = np.cumsum(totals) - totals / 2
        apart = (places[:, None] - places) ** 2
    else:
        apart = (values[:, None] - values) ** 2.0
    observed = (together * apart).sum()
    expected = (np.outer(totals, totals) * apart).sum() / (totals.sum() - 1)
    return float(1 - observed / expected)
