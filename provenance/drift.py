"""Whether what a motion leaves unexplained moves together: then it is another photo, and not an edited copy.

Under the best homography the points of an edited copy lie where they should, up to noise that differs from
point to point. From another viewpoint, or a moment later, neighbours are off together, by their distance or
their own motion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 480
"""Lengths are in pixels of a picture with this long side."""
NEAR = 24.0
"""Points further off are wrong matches."""
NEIGHBOURS = 5
APART = 2.0
"""Neighbours nearer than this are the same corner found again."""
TOGETHER, VISIBLE = 0.5, 0.7
"""Product of a point's residual with that of its neighbours, and their length, from which they drift."""
LEAST_POINTS, LEAST_SHARE, LEAST_PX = 40, 0.25, 0.35
"""Measured: edited copies of 38 kinds drift by 0.2 px at most, and a tenth of their points at most; stereo
pairs, bursts and frames of a moving camera by 0.35 to 4 px, and a third of their points or more."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The part of the residuals that neighbours have in common."""

    points: int = 0
    """Points that the motion brings near their place."""
    px: float = 0.0
    """Median length of the common part."""
    share: float = 0.0
    """Share of the points that drift."""

    @property
    def another_photo(self) -> bool:
        """Whether no edit of one photo explains it."""
        return self.points >= LEAST_POINTS and self.share >= LEAST_SHARE and self.px >= LEAST_PX


def measure_drift(points: NDArray[np.floating], residuals: NDArray[np.floating], side: float) -> Drift:
    """Drift of points [n, 2] with residuals [n, 2], in pixels of a picture with that long side."""
    scale = SIDE / side
    points, residuals = points * scale, residuals * scale
    near = np.linalg.norm(residuals, axis=1) < NEAR
    points, residuals = points[near], residuals[near]
    if len(points) < LEAST_POINTS:
        return Drift(len(points))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    apart[apart < APART] = np.inf
    nearest = np.argpartition(apart, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    common = np.median(residuals[nearest], axis=1)
    product = (residuals * common).sum(axis=1)
    drifting = (product > TOGETHER) & (np.linalg.norm(common, axis=1) > VISIBLE)
    return Drift(len(points), float(np.sqrt(max(0.0, np.median(product)))), float(drifting.mean()))
