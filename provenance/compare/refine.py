"""A homography of keypoint precision, refined on the dense picture, and how well the pictures then agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.motion import (
    Matrix,
    Motion,
    Points,
    choose_motion,
    corners_of,
    jacobian,
    nearest_dihedral,
    project,
    resize_matrix,
    whole_frame,
)
from provenance.compare.warp import (
    Frame,
    Picture,
    overlap_centre,
    pixels_a_pixel,
    size_of,
    warp,
    without_spare_pixels,
)
from provenance.records import Pixels

_TRACK_CELLS = 20
"""Tracked points along the long side, one a cell: spread evenly, so that no busy corner bends the fit."""
_WINDOW_PX = 17
_ROUND_TRIP_PX = 0.4
_HARDLY_PX = 0.75
_AGREEMENT_SIDE = 480
"""Long side of the small copies that judge a motion, pixels."""
BETTER = 0.004
"""Gain in dense correlation that a refinement must not fall short of (measured on benign pairs)."""


def refine(query: Picture, reference: Picture, reference_from_query: Matrix) -> tuple[Motion, float]:
    """Track points between the query and the warped reference; keep the given homography where that fails.

    Returns the motion and how well the pictures agree under it, 0..1. Pyramidal Lucas-Kanade on locally
    normalised grey levels, which no tone edit disturbs; points that do not come back (edits, flat areas)
    drop out.
    """
    sight = _Sight(query, reference, reference_from_query)
    given = Motion("homography", np.asarray(reference_from_query, np.float64), np.zeros(0, np.bool_), 1.0)
    best = sight.look(given)
    for _ in range(2):
        found = _track_and_fit(sight, best.motion, inverted=sight.agreement(best) < -0.15)
        if found is None:
            break
        motion, moved = found
        refined = sight.look(motion)
        # Tracks that hardly move speak for the motion by themselves: flat places may disagree a little.
        if not sight.is_as_good(refined, best, BETTER if moved >= _HARDLY_PX else 5 * BETTER):
            break
        best = refined
        if moved < _HARDLY_PX:
            break
    best = _snap_to_frame(best, sight)
    return best.motion, abs(sight.agreement(best))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """The small reference as a motion puts it under the small query."""

    motion: Motion
    normal: Pixels
    """[h, w] locally normalised."""
    overlap: NDArray[np.bool_]


class _Sight:
    """The locally normalised query and the grey reference, each at two sizes, made once."""

    def __init__(self, query: Picture, reference: Picture, reference_from_query: Matrix) -> None:
        working = size_of(query.pixels)
        self.frame = Frame(query.size, working)
        self.query = normalise_locally(query.pixels)
        spare = without_spare_pixels(reference, reference_from_query, self.frame)
        self.reference = spare.gray() if spare.pixels.ndim == 3 else spare
        scale = min(1.0, _AGREEMENT_SIDE / max(working))
        small = (max(1, round(working[0] * scale)), max(1, round(working[1] * scale)))
        self._small_frame = Frame(query.size, small)
        self._small_query = np.asarray(cv2.resize(self.query, small, interpolation=cv2.INTER_AREA), np.uint8)
        covered = pixels_a_pixel(self.reference, reference_from_query, self._small_frame)
        self._small_reference = self.reference.reduced(1.4 / covered)

    def look(self, motion: Motion) -> _Look:
        """The small reference under a motion."""
        # All models through the same resampling, or that would decide.
        plain = replace(motion, model="homography")
        warped, overlap = warp(self._small_reference, plain, self._small_frame)
        return _Look(motion, normalise_locally(warped), overlap)

    def agreement(self, look: _Look, within: NDArray[np.bool_] | None = None) -> float:
        """Correlation of the small copies where they overlap, -1..1; negative where one is inverted."""
        return correlate(self._small_query, look.normal, look.overlap if within is None else within)

    def is_as_good(self, look: _Look, former: _Look, slack: float) -> bool:
        """Whether they agree as well, less `slack`, where both motions show the reference."""
        shared = look.overlap & former.overlap
        return abs(self.agreement(look, shared)) >= abs(self.agreement(former, shared)) - slack


def _track_and_fit(sight: _Sight, best: Motion, *, inverted: bool) -> tuple[Motion, float] | None:
    """The motion that tracks from `best` speak for, and their median length in working pixels."""
    frame, reference_size = sight.frame, sight.reference.size
    matrix = best.reference_from_query
    warped, overlap = warp(sight.reference, best, frame)
    query = 255 - sight.query if inverted else sight.query
    start, end = _track(query, normalise_locally(warped), overlap)
    to_full = resize_matrix(frame.working, frame.full)
    full, there = project(to_full, start), project(matrix @ to_full, end)
    centre = overlap_centre(matrix @ to_full, frame.working, reference_size)
    pixel = float(np.sqrt(abs(np.linalg.det(jacobian(matrix @ to_full, centre)))))
    motion = choose_motion(full, there, matrix, frame.full, reference_size, pixel=pixel)
    if motion is None:
        return None
    return motion, float(np.median(np.linalg.norm(end - start, axis=1)[motion.inliers]))


def _snap_to_frame(best: _Look, sight: _Sight) -> _Look:
    """Take the whole frame where the picture has too little texture to tell it from a motion near it."""
    motion = best.motion
    if motion.model == "frame":
        return best
    query_size = sight.frame.full
    corners = corners_of(query_size)
    dihedral = nearest_dihedral(jacobian(motion.reference_from_query, corners.mean(axis=0)))
    frame = whole_frame(query_size, sight.reference.size, dihedral)
    back = np.linalg.inv(frame)
    shift = np.linalg.norm(project(back @ motion.reference_from_query, corners) - corners, axis=1).max()
    if shift > (0.004 if len(motion.inliers) >= 8 else 0.015) * sum(query_size):
        return best
    snapped = sight.look(Motion("frame", frame, motion.inliers, motion.error_px))
    return snapped if sight.is_as_good(snapped, best, 0.5 * BETTER) else best


def normalise_locally(pixels: Pixels, *, window: int = 25) -> Pixels:
    """Grey levels with the local mean removed and the local contrast made equal, uint8 around 128.

    `pixels` are [h, w] or [h, w, 3].
    """
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if pixels.ndim == 3 else pixels
    mean = cv2.boxFilter(gray, cv2.CV_32F, (window, window))
    variance = cv2.sqrBoxFilter(gray, cv2.CV_32F, (window, window))
    cv2.accumulateProduct(mean, -mean, variance)
    spread = cv2.sqrt(cv2.max(variance, 0)) + 5
    level = cv2.divide(cv2.subtract(gray, mean, dtype=cv2.CV_32F), spread, scale=40)
    return np.asarray(cv2.add(level, 128, dtype=cv2.CV_8U), np.uint8)


def correlate(a: Pixels, b: Pixels, mask: NDArray[np.bool_]) -> float:
    """Correlation of two locally normalised pictures inside `mask`, -1..1; 0 where there is too little."""
    if np.count_nonzero(mask) < 64:
        return 0.0
    x, y = ((side.astype(np.float32) - 128) * mask for side in (a, b))
    return float(np.vdot(x, y) / max(float(np.linalg.norm(x)) * float(np.linalg.norm(y)), 1e-6))


def _track(query: Pixels, reference: Pixels, overlap: NDArray[np.bool_]) -> tuple[Points, Points]:
    """Points [n, 2] of the query and where they lie in the warped reference, working pixels."""
    start = _corners(query, overlap)
    if len(start) == 0:
        return np.zeros((0, 2)), np.zeros((0, 2))
    options: dict[str, Any] = {
        "winSize": (_WINDOW_PX, _WINDOW_PX),
        "maxLevel": 3,
        "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.01),
    }
    empty = np.zeros_like(start)
    there, found, _ = cv2.calcOpticalFlowPyrLK(query, reference, start, empty, **options)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(reference, query, there, empty.copy(), **options)
    round_trip = np.linalg.norm(back - start, axis=-1).ravel()
    kept = (found.ravel() > 0) & (returned.ravel() > 0) & (round_trip < _ROUND_TRIP_PX)
    return start.reshape(-1, 2)[kept].astype(np.float64), there.reshape(-1, 2)[kept].astype(np.float64)


def _corners(gray: Pixels, overlap: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The best corner of each cell of a grid, [n, 1, 2]."""
    strength = cv2.cornerMinEigenVal(gray, 5)
    strength[~overlap] = 0
    cell = max(6, round(max(gray.shape) / _TRACK_CELLS / 1.6))
    rows, columns = gray.shape[0] // cell, gray.shape[1] // cell
    cells = strength[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    flat = cells.transpose(0, 2, 1, 3).reshape(rows * columns, cell * cell)
    where = flat.argmax(axis=1)
    good = flat[np.arange(len(flat)), where] > 1e-4
    row, column = np.divmod(np.arange(rows * columns), max(columns, 1))
    points = np.column_stack([column * cell + where % cell, row * cell + where // cell])[good]
    return np.asarray(points, np.float32).reshape(-1, 1, 2)
