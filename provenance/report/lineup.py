"""The original laid into the frame of the query, as sharp as the page can show it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Evidence, Pixels

OUTSIDE = (96, 108, 128)
"""Cold grey where the query does not show the original: nothing can be said there."""
_SPARE = 1.4
"""A larger original is reduced to this many pixels a pixel of the result, so that none is skipped."""
_SAME_FRAME = 0.01
"""Corners that move by less than this share of the diagonal leave the framing as it was."""

Matrix = NDArray[np.float64]


def line_up(evidence: Evidence, *, side: int) -> Pixels:
    """Return the original in the query's frame, uint8 [h, w, 3], with a long side of at most `side`.

    It is as large as the sharper of the two pictures; grey where the query shows something else.
    """
    query, reference = evidence.query, evidence.reference
    homography = evidence.comparison.reference_from_query
    finer = _local_scale(homography, _centre(evidence))
    scale = min(side / max(query.width, query.height), max(finer, 1.0))
    size = (max(round(query.width * scale), 1), max(round(query.height * scale), 1))
    decoded = (reference.pixels.shape[1], reference.pixels.shape[0])
    source = reference.pixels
    matrix = homography @ _resize((query.width, query.height), size)
    surplus = finer / scale * decoded[0] / reference.width
    if surplus > _SPARE:
        decoded = tuple(max(round(length * _SPARE / surplus), 1) for length in decoded)
        source = np.asarray(cv2.resize(source, decoded, interpolation=cv2.INTER_AREA), np.uint8)
    matrix = np.linalg.inv(_resize((reference.width, reference.height), decoded)) @ matrix
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(source, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros(size[::-1], np.uint8)
    if len(shown := shown_area(evidence)):
        cv2.fillConvexPoly(inside, np.rint(shown * scale * 16).astype(np.int32), 1, shift=4)
    warped[inside == 0] = OUTSIDE
    return np.asarray(warped, np.uint8)


def shown_area(evidence: Evidence) -> NDArray[np.float32]:
    """Where the query shows the original: a polygon [n, 2] inside the frame, full-size query pixels."""
    query, reference = evidence.query, evidence.reference
    frame = _corners(query.width, query.height)
    corners = _corners(reference.width, reference.height)[None].astype(np.float64)
    _, inverse = cv2.invert(evidence.comparison.reference_from_query)
    area = np.nan_to_num(cv2.perspectiveTransform(corners, inverse)[0]).astype(np.float32)
    hull = cv2.convexHull(area)
    if cv2.contourArea(hull) < 1:
        return np.zeros((0, 2), np.float32)
    _, shown = cv2.intersectConvexConvex(cv2.convexHull(frame), hull)
    return np.zeros((0, 2), np.float32) if shown is None else shown.reshape(-1, 2)


def is_reframed(evidence: Evidence) -> bool:
    """Whether cropping, turning, mirroring ... put the original's corners elsewhere than the query's."""
    query, reference = evidence.query, evidence.reference
    corners = _corners(query.width, query.height)[None].astype(np.float64)
    seen = cv2.perspectiveTransform(corners, evidence.comparison.reference_from_query)[0]
    moved = np.linalg.norm(seen - _corners(reference.width, reference.height), axis=1).max()
    return not moved < _SAME_FRAME * np.hypot(reference.width, reference.height)


def _corners(width: int, height: int) -> NDArray[np.float32]:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)


def _centre(evidence: Evidence) -> NDArray[np.float64]:
    """The middle of what the query shows of the original, or of the query where that is nothing."""
    shown = shown_area(evidence)
    if len(shown):
        return np.asarray(shown.mean(axis=0), np.float64)
    return np.array([evidence.query.width / 2, evidence.query.height / 2])


def _local_scale(homography: Matrix, point: NDArray[np.float64]) -> float:
    """Pixels that a pixel at this point becomes."""
    steps = (point + np.array([(0, 0), (1, 0), (0, 1)]))[None]
    start, right, down = cv2.perspectiveTransform(steps, homography)[0]
    (a, c), (b, d) = right - start, down - start
    return float(np.sqrt(abs(a * d - b * c))) or 1.0


def _resize(full: tuple[int, int], size: tuple[int, int]) -> Matrix:
    """Pixels of a resized picture -> pixels of the full one, (x, y), integer = pixel centre."""
    x, y = full[0] / size[0], full[1] / size[1]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
