"""Matches -> a homography that could come from a real edit, and how much of each picture the other shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.drift import Drift, measure_drift
from provenance.verify.matching import Matches

THRESHOLD_PX = 3.0
"""Reprojection threshold at 1,024 px long side; scaled with the reference."""

Points = NDArray[np.floating[Any]]

Size = tuple[int, int]
"""(width, height) in full-size pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A homography and what supports it."""

    reference_from_query: NDArray[np.float64]
    inliers: NDArray[np.bool_]
    """[n] over the matches it was fitted to."""
    query_overlap: float
    reference_overlap: float

    def drift(self, matches: Matches, reference_size: Size) -> Drift:
        """How the matches it was fitted to are off together, in the reference."""
        off = matches.reference - project(self.reference_from_query, matches.query)
        return measure_drift(matches.reference, off, max(reference_size))


def fit_homography(matches: Matches, query_size: Size, reference_size: Size) -> Geometry | None:
    """Fit by USAC (MAGSAC++, Barath et al. 2020); None where no sane homography is supported."""
    if len(matches) < 4:
        return None
    threshold = THRESHOLD_PX * max(1.0, max(reference_size) / 1024)
    best: Geometry | None = None
    for model in (_full_homography, _similarity):
        found = model(matches, threshold)
        if found is None or not is_sane(found, query_size):
            continue
        inliers = _inliers(found, matches, threshold)
        if best is None or inliers.sum() > best.inliers.sum():
            query_overlap, reference_overlap = overlaps(found, query_size, reference_size)
            best = Geometry(found, inliers, query_overlap, reference_overlap)
    return best


def _full_homography(matches: Matches, threshold: float) -> NDArray[np.float64] | None:
    found, _ = cv2.findHomography(
        matches.query, matches.reference, cv2.USAC_MAGSAC, threshold, maxIters=2000, confidence=0.999
    )
    return None if found is None else np.asarray(found, np.float64)


def _similarity(matches: Matches, threshold: float) -> NDArray[np.float64] | None:
    """Four degrees of freedom: holds with few matches, where eight would bend to chance."""
    found, _ = cv2.estimateAffinePartial2D(
        matches.query,
        matches.reference,
        method=cv2.RANSAC,
        ransacReprojThreshold=threshold,
        maxIters=2000,
        confidence=0.999,
    )
    return None if found is None else np.vstack([found, [0.0, 0.0, 1.0]]).astype(np.float64)


def is_sane(homography: NDArray[np.float64], query_size: Size) -> bool:
    """True where the homography keeps orientation, bends little and scales by 1/30 to 30 both ways.

    Judged on the outline of the query: every edit a person makes is close to affine there, while a fit to
    chance matches folds or squeezes the picture.
    """
    if not np.all(np.isfinite(homography)) or abs(np.linalg.det(homography)) < 1e-12:
        return False
    width, height = query_size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    depth = corners @ homography[2, :2] + homography[2, 2]
    if depth.min() * depth.max() <= 0 or np.abs(depth).max() / np.abs(depth).min() > 3.0:
        return False
    mapped = project(homography, corners)
    sides = np.roll(mapped, -1, axis=0) - mapped
    turns = sides[:, 0] * np.roll(sides, -1, axis=0)[:, 1] - sides[:, 1] * np.roll(sides, -1, axis=0)[:, 0]
    if turns.min() <= 0:
        return False
    along = np.linalg.norm(sides, axis=1) / np.array([width, height, width, height])
    return bool(along.min() > 1 / 30 and along.max() < 30 and along.max() / along.min() < 3.0)


def project(homography: Points, points: Points) -> NDArray[np.float64]:
    """Points [n, 2] through a homography."""
    ones = np.ones((len(points), 1))
    mapped = np.hstack([points.astype(np.float64), ones]) @ homography.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def overlaps(
    reference_from_query: NDArray[np.float64], query_size: Size, reference_size: Size
) -> tuple[float, float]:
    """Shares of the query's and of the reference's area that both show, 0..1."""
    query = _outline(query_size)
    reference = _outline(reference_size)
    landed = project(reference_from_query, query)
    shared_in_reference, _ = cv2.intersectConvexConvex(
        landed.astype(np.float32), reference.astype(np.float32), handleNested=True
    )
    back = project(np.linalg.inv(reference_from_query), reference)
    shared_in_query, _ = cv2.intersectConvexConvex(
        back.astype(np.float32), query.astype(np.float32), handleNested=True
    )
    return (
        float(np.clip(shared_in_query / (query_size[0] * query_size[1]), 0, 1)),
        float(np.clip(shared_in_reference / (reference_size[0] * reference_size[1]), 0, 1)),
    )


def shown_box(
    reference_from_query: NDArray[np.float64], query_size: Size, reference_size: Size
) -> tuple[int, int, int, int]:
    """The box [x0, y0, x1, y1] of the query that shows the reference, whole pixels, at least one."""
    back = project(np.linalg.inv(reference_from_query), _outline(reference_size)) + 0.5
    x0, y0 = np.clip(np.floor(back.min(axis=0)), 0, np.array(query_size) - 1).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(back.max(axis=0)), 1, query_size).astype(int).tolist()
    return x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)


def _outline(size: Size) -> NDArray[np.float64]:
    """The picture's border: pixel centres are integers, so it runs from -0.5."""
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - 0.5


def _inliers(homography: NDArray[np.float64], matches: Matches, threshold: float) -> NDArray[np.bool_]:
    """Matches that land within the threshold, one per place: keypoints on the same spot count once."""
    error = np.linalg.norm(project(homography, matches.query) - matches.reference, axis=1)
    order = np.argsort(error, kind="stable")
    cells = np.floor(matches.query[order] / 4.0).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    once = np.zeros(len(matches), bool)
    once[order[first]] = True
    return np.asarray(once & (error <= threshold))
