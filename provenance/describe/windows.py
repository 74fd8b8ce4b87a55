"""Overlapping parts of a query, for an original that fills only a part of it: insets, collages."""

from __future__ import annotations

import numpy as np

from provenance.records import Pixels

GRIDS = ((2, 0.6), (3, 0.45))
"""(windows along each axis, window side over picture side): 13 windows.

Measured on insets of 0.3, 0.4 and 0.55 of the width among 400 photos: recall at 10 of the copy descriptor
rises from 0.13, 0.57, 0.90 for the whole query to 0.37, 0.87, 1.00 with the first grid and 0.80, 0.93, 1.00
with both.
"""


def windows(pixels: Pixels) -> list[Pixels]:
    """Views of the windows, uint8 [h, w, 3] each, row by row, the larger ones first."""
    height, width = pixels.shape[:2]
    parts = []
    for count, share in GRIDS:
        h, w = max(1, round(height * share)), max(1, round(width * share))
        tops = np.rint(np.linspace(0, height - h, count)).astype(int)
        lefts = np.rint(np.linspace(0, width - w, count)).astype(int)
        parts += [pixels[top : top + h, left : left + w] for top in tops for left in lefts]
    return parts
