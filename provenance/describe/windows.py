"""Overlapping parts of a query, for an original that fills only a part of it: insets, collages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.records import Pixels

GRID, SHARE = 2, 0.6
"""Windows along each axis, window side over picture side.

Measured on insets of 0.3, 0.4 and 0.55 of the width among 400 photos: recall at 10 of the copy descriptor
rises from 0.13, 0.57, 0.90 for the whole query to 0.37, 0.87, 1.00. Nine more windows of 0.45 gave 0.80, 0.93
and 1.00, but insets so small are found by their keypoints, and these windows took a quarter of a second.
"""
PLAIN = 6.0
"""Levels of standard deviation below which a row or column at the edge belongs to no photo."""


def windows(pixels: Pixels) -> list[Pixels]:
    """Views uint8 [h, w, 3]: what is left without plain borders, where there are some, then the windows."""
    height, width = pixels.shape[:2]
    h, w = max(1, round(height * SHARE)), max(1, round(width * SHARE))
    tops = np.rint(np.linspace(0, height - h, GRID)).astype(int)
    lefts = np.rint(np.linspace(0, width - w, GRID)).astype(int)
    inner = inner_frame(pixels)
    parts = [inner] if inner.size < 0.9 * pixels.size else []
    return parts + [pixels[top : top + h, left : left + w] for top in tops for left in lefts]


def inner_frame(pixels: Pixels) -> Pixels:
    """The picture without the plain rows and columns at its edges: letterboxes, page margins, pads.

    A view; the picture itself where less than a fifth of either side would be left.
    """
    height, width = pixels.shape[:2]
    grey = pixels.mean(axis=2)
    top, bottom = _textured(grey.std(axis=1))
    left, right = _textured(grey[top:bottom].std(axis=0))
    if bottom - top < height / 5 or right - left < width / 5:
        return pixels
    return pixels[top:bottom, left:right]


def _textured(spread: NDArray[np.floating]) -> tuple[int, int]:
    """First and last place (exclusive) with any texture."""
    places = np.flatnonzero(spread > PLAIN)
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, len(spread))
