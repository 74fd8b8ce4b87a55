"""Where the content of a region also lies in the picture: copies and moves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Box, Pixels

Mask = NDArray[np.bool_]
_SEARCH_SIDE = 256
_SURE_IF_VACATED = 0.6
_SURE = 0.82
"""Correlation at full working size that a copy reaches through JPEG 60 and half a pixel of offset."""


def find_source(
    query: Pixels, predicted: Pixels, inside: Mask, box: Box, *, vacated: Sequence[Box] = ()
) -> Box | None:
    """Find the place in `predicted` that the query's region was copied from, working pixels.

    Masked normalised correlation at a small size, then at full working size. None where nothing matches, or
    where the region has too little structure to tell. `vacated` are places where something is gone: looked at
    first, and with less proof needed.
    """
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    h, w = inside.shape
    if min(width, height) < 12 or width > 0.6 * w or height > 0.6 * h:
        return None
    gray_query, gray_predicted = (
        cv2.GaussianBlur(cv2.cvtColor(side, cv2.COLOR_RGB2GRAY), (0, 0), 0.8) for side in (query, predicted)
    )
    template, mask = gray_query[y0:y1, x0:x1], inside[y0:y1, x0:x1]
    # The region has a rim of background: only what differs for sure belongs to the object.
    differs = np.abs(query[y0:y1, x0:x1].astype(np.int16) - predicted[y0:y1, x0:x1]).max(axis=2) > 24
    mask = cv2.morphologyEx((mask & differs).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    if np.count_nonzero(mask) < 80:
        return None
    for left, top, right, bottom in vacated:
        if not 0.6 < (right - left) / width < 1.6 or not 0.6 < (bottom - top) / height < 1.6:
            continue
        corner = ((left + right - width) // 2, (top + bottom - height) // 2)
        reach = 3 + max(abs(right - left - width), abs(bottom - top - height)) // 2
        found = _refine(gray_predicted, template, mask, corner, reach=min(reach, 10), sure=_SURE_IF_VACATED)
        if found is not None:
            return found[0], found[1], found[0] + width, found[1] + height
    if template[mask].std() < 8:
        return None
    scale = min(1.0, max(_SEARCH_SIDE / max(h, w), 10 / min(width, height)))
    for x, y in _peaks(gray_predicted, template, mask, scale):
        if abs(x - x0) < 0.5 * width and abs(y - y0) < 0.5 * height:
            continue
        found = _refine(gray_predicted, template, mask, (x, y), reach=math.ceil(1.5 / scale) + 1)
        if found is not None:
            return found[0], found[1], found[0] + width, found[1] + height
    return None


def _peaks(
    picture: NDArray[np.uint8], template: NDArray[np.uint8], mask: Mask, scale: float
) -> list[tuple[int, int]]:
    """The best three places at reduced size, in working pixels."""
    small, part = (
        cv2.resize(side, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
        for side in (picture, template)
    )
    part_mask = (
        cv2.resize(mask.astype(np.float32), part.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.6
    ).astype(np.float32)
    if part_mask.sum() < 12 or part.shape[0] > small.shape[0] or part.shape[1] > small.shape[1]:
        return []
    scores = cv2.matchTemplate(small, part, cv2.TM_CCOEFF_NORMED, mask=part_mask)
    scores[~np.isfinite(scores) | (scores > 1.001)] = -1
    peaks = []
    for _ in range(3):
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        if best < 0.6:
            break
        peaks.append((round(x / scale), round(y / scale)))
        scores[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = -1
    return peaks


def _refine(
    picture: NDArray[np.uint8],
    template: NDArray[np.uint8],
    mask: Mask,
    at: tuple[int, int],
    *,
    reach: int,
    sure: float = _SURE,
) -> tuple[int, int] | None:
    """The exact place near `at` if level and structure agree there."""
    height, width = template.shape
    left, top = max(0, at[0] - reach), max(0, at[1] - reach)
    window = picture[top : at[1] + height + reach, left : at[0] + width + reach]
    if window.shape[0] < height or window.shape[1] < width:
        return None
    # The mask makes matching slow; a grid of a few shifts is cheaper done directly.
    best, best_error = None, math.inf
    inside = template[mask].astype(np.int16)
    for y in range(window.shape[0] - height + 1):
        for x in range(window.shape[1] - width + 1):
            error = float(np.abs(window[y : y + height, x : x + width][mask] - inside).mean())
            if error < best_error:
                best, best_error = (x, y), error
    if best is None:
        return None
    x, y = best
    other = window[y : y + height, x : x + width][mask].astype(np.float64)
    correlation = float(np.corrcoef(other, inside)[0, 1]) if other.std() > 1 else 0.0
    if correlation < sure or best_error > max(8.0, 0.4 * float(inside.std())):
        return None
    return left + x, top + y
