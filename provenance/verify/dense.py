"""Correlation of small pictures: for pairs with too few keypoints, and against chance homographies."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Pixels
from provenance.verify.geometry import Size

SIDE = 48
"""Side of the squares that whole pictures are squeezed to for `resemble`."""

QUERY_SIDE = 640
"""Long side of `query_gray`, pixels."""
COPY_DETAIL = 0.93
"""Correlation in detail from which two whole pictures are copies."""

Gray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Resemblance:
    """How alike two whole pictures are when both are squeezed to one small square."""

    correlation: float
    """Normalised correlation of the grey values, -1..1."""
    detail_correlation: float
    """The same without the coarse shading, which unrelated pictures often share."""
    structure: float
    """Standard deviation of the weaker side's grey values, 0..127; near 0 nothing can be said."""
    mirrored: bool
    quarter_turns: int
    """Counter-clockwise quarter turns of the (mirrored) query that fit best."""

    @property
    def same(self) -> bool:
        """Whether two trusted pictures are copies of one, the same way up: nearly all detail in common."""
        return self.detail_correlation >= COPY_DETAIL and not self.mirrored and self.quarter_turns == 0


def small_gray(pixels: Pixels, side: int = 320) -> Gray:
    """Grey float32 picture with a long side of at most `side` pixels, area-averaged."""
    height, width = pixels.shape[:2]
    factor = min(1.0, side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_RGB2GRAY), np.float32)


def query_gray(pixels: Pixels) -> Gray:
    """A query's grey picture, larger than a thumbnail: its original may fill a small part of it."""
    return small_gray(pixels, QUERY_SIDE)


def resemble(query: Gray, reference: Gray) -> Resemblance:
    """Compare whole pictures in all eight mirrored and turned forms; the best by detail wins."""
    target, square = (
        cv2.resize(side, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for side in (reference, query)
    )
    details = _forms(_detail(square)) @ _normal(_detail(target))
    best = int(details.argmax())
    return Resemblance(
        correlation=float(_forms(square)[best] @ _normal(target)),
        detail_correlation=float(details[best]),
        structure=float(min(target.std(), square.std())),
        mirrored=best >= 4,
        quarter_turns=best % 4,
    )


def _forms(square: Gray) -> Gray:
    """[8, SIDE * SIDE] the square turned by 0 to 3 quarters, then mirrored and turned; normalised rows."""
    turned = [np.rot90(form, turns) for form in (square, square[:, ::-1]) for turns in range(4)]
    return np.stack([_normal(one) for one in turned])


def _normal(square: Gray) -> Gray:
    """Flat, with mean 0 and length 1, so that a product of two is their correlation; 0 where flat."""
    centred = (square - square.mean()).ravel()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-3), np.float32)


def whole_picture_homography(
    resemblance: Resemblance, query_size: Size, reference_size: Size
) -> NDArray[np.float64]:
    """`reference_from_query` when the query is the whole reference, mirrored, turned and resized."""
    width, height = query_size
    matrix = np.eye(3)
    if resemblance.mirrored:
        matrix = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    for _ in range(resemblance.quarter_turns):
        matrix = np.array([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1]], np.float64) @ matrix
        width, height = height, width
    sx, sy = reference_size[0] / width, reference_size[1] / height
    resize = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    return np.asarray(resize @ matrix, np.float64)


def _detail(square: Gray) -> Gray:
    """The picture without its coarse shading, contrast evened out."""
    fine = square - cv2.GaussianBlur(np.ascontiguousarray(square), (0, 0), 5.0)
    return np.asarray(np.sign(fine) * np.sqrt(np.abs(fine)), np.float32)
