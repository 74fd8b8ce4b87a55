"""RootSIFT keypoints: found at one working size, spread over the picture, kept in full-size coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Form, LocalFeatures, Pixels

VERSION = "rootsift/2"
LONG_SIDE = 480
"""Pictures are brought to this long side, in pixels: SIFT doubles it for its first octave."""
FINE_SIDE, FINE_ENLARGEMENT = 800, 1.3
"""The same for a second look at a query, and how many times its own size that may be."""
SHORT_SIDE = 160
"""Panoramas are not shrunk further than this, as long as their area stays that of a square of LONG_SIDE."""
MAX_ENLARGEMENT = 4.0
CONTRAST_THRESHOLD = 0.01
"""A quarter of OpenCV's default, so that soft and dark pictures have keypoints too."""
DESCRIPTOR_SCALE = 512.0
SURPLUS = 1.5
"""Keypoints described for each that is kept, so that there is a choice."""
CROWDED = 0.85
"""Share of them in a quarter of the picture from which the others would come too short."""
CELLS = 8
"""The picture is divided in CELLS x CELLS for spreading the keypoints."""


def local_features(
    pixels: Pixels, *, limit: int, scale: float = 1.0, long_side: int = LONG_SIDE
) -> LocalFeatures:
    """At most `limit` keypoints of a uint8 [h, w, 3] picture, strongest first.

    They are found with the picture at `long_side` pixels. `scale` is decoded pixels per full-size pixel, as
    in `DecodedImage.scale`; the coordinates are of the full-size picture, where an integer is the centre of
    a pixel. Half of the keypoints are the strongest of
    the picture, the others the strongest of each part of it, so that one busy corner does not take all. A
    plain picture has none. SIFT: Lowe 2004; RootSIFT: Arandjelović & Zisserman 2012.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    factor = _working_factor(width, height, long_side)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if min(size) < 8:
        return _none()
    working = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    sift = cv2.SIFT.create(
        nfeatures=round(SURPLUS * limit), contrastThreshold=CONTRAST_THRESHOLD, enable_precise_upscale=True
    )
    keypoints, descriptors = sift.detectAndCompute(working, None)
    if not keypoints:
        return _none()
    found = _columns(keypoints)
    if len(found) >= round(SURPLUS * limit) and _crowded(found[:, :2], size):
        found, descriptors = _all_over(working, size, limit)
    kept = _spread(found, size, limit)
    found, descriptors = found[kept], descriptors[kept]
    # Each axis has its own factor, because the working size is whole pixels.
    factors = np.array(size, np.float32) / np.array([width, height], np.float32) * np.float32(scale)
    points = (found[:, :2] + 0.5) / factors - 0.5
    return LocalFeatures(
        points=np.ascontiguousarray(points, np.float32),
        scales=np.ascontiguousarray(found[:, 2] / factors.mean(), np.float32),
        angles=np.ascontiguousarray(found[:, 3], np.float32),
        descriptors=_root(descriptors),
    )


def mirrored(features: LocalFeatures, width: int) -> LocalFeatures:
    """The features of the left-right mirrored picture, without looking at it again.

    `width` is that of the full-size picture in pixels. A SIFT descriptor is a grid of 4 rows x 4 columns x 8
    directions, with columns along the keypoint's angle. Mirroring keeps the position along the angle, turns
    round the position across it, and negates directions measured from it.
    """
    points = features.points.copy()
    points[:, 0] = width - 1 - points[:, 0]
    grid = features.descriptors.reshape(-1, 4, 4, 8)
    opposite = -np.arange(8) % 8
    return LocalFeatures(
        points=points,
        scales=features.scales,
        angles=np.mod(180.0 - features.angles, 360.0).astype(np.float32),
        descriptors=np.ascontiguousarray(grid[:, ::-1, :, opposite].reshape(-1, 128)),
    )


def negated(features: LocalFeatures) -> LocalFeatures:
    """The features of the negative, without looking at the picture again.

    All gradients turn round, so the keypoint's angle does too, and its grid is read from the other end;
    directions measured from the angle stay.
    """
    grid = features.descriptors.reshape(-1, 4, 4, 8)
    return LocalFeatures(
        points=features.points,
        scales=features.scales,
        angles=np.mod(features.angles + 180.0, 360.0).astype(np.float32),
        descriptors=np.ascontiguousarray(grid[:, ::-1, ::-1].reshape(-1, 128)),
    )


def in_forms(features: LocalFeatures, width: int) -> dict[Form, LocalFeatures]:
    """The features of the picture as it is, mirrored, as a negative, and both; `width` of the full size."""
    flipped = mirrored(features, width)
    return {
        "upright": features,
        "mirrored": flipped,
        "negative": negated(features),
        "mirrored negative": negated(flipped),
    }


def _working_factor(width: int, height: int, long_side: int) -> float:
    """Working pixels per given pixel."""
    factor = long_side / max(width, height)
    if factor * min(width, height) < SHORT_SIDE:
        factor = min(SHORT_SIDE / min(width, height), long_side / (width * height) ** 0.5)
    return min(factor, MAX_ENLARGEMENT)


def _columns(keypoints: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    """float32 [n, 5]: x, y, size, angle, response in working pixels."""
    return np.array([(*k.pt, k.size, k.angle, k.response) for k in keypoints], np.float32)


def _crowded(points: NDArray[np.float32], size: tuple[int, int]) -> bool:
    """Whether nearly all keypoints lie in the busiest quarter of the picture's cells."""
    counts = np.sort(np.bincount(_cells(points, size), minlength=CELLS * CELLS))
    return bool(counts[-CELLS * CELLS // 4 :].sum() > CROWDED * len(points))


def _all_over(
    working: NDArray[np.uint8], size: tuple[int, int], limit: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Columns and SIFT descriptors of keypoints chosen from all there are, at nearly twice the time.

    For a picture with one busy corner, of which OpenCV's own limit would keep nothing else.
    """
    sift = cv2.SIFT.create(contrastThreshold=CONTRAST_THRESHOLD, enable_precise_upscale=True)
    keypoints = sift.detect(working, None)
    found = _columns(keypoints)
    kept = _spread(found, size, limit)
    chosen, descriptors = sift.compute(working, [keypoints[i] for i in kept])
    return _columns(chosen), descriptors


def _cells(points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.intp]:
    """The number of the cell each point lies in, row by row."""
    cells = np.clip(points / np.array(size, np.float32) * CELLS, 0, CELLS - 1).astype(np.intp)
    return np.asarray(cells[:, 1] * CELLS + cells[:, 0])


def _spread(found: NDArray[np.float32], size: tuple[int, int], limit: int) -> NDArray[np.intp]:
    """Which keypoints to keep of the columns `found`, strongest first; ties by place and angle."""
    points = found[:, :2]
    # The angle, too: OpenCV's order of keypoints at one place depends on how many are asked for.
    strongest = np.lexsort((found[:, 3], found[:, 1], found[:, 0], -found[:, 4]))
    if len(points) <= limit:
        return strongest
    cell = _cells(points, size)[strongest]
    grouped = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[grouped], np.arange(CELLS * CELLS))
    rank_in_cell = np.empty(len(points), np.intp)
    rank_in_cell[grouped] = np.arange(len(points)) - starts[cell[grouped]]
    rank_in_cell[: limit // 2] = -1
    kept = np.argsort(rank_in_cell, kind="stable")[:limit]
    return strongest[np.sort(kept)]


def _root(descriptors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """SIFT to RootSIFT, times 512 as uint8."""
    total = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    rooted = np.rint(np.sqrt(descriptors / total) * DESCRIPTOR_SCALE)
    return np.asarray(np.clip(rooted, 0, 255), np.uint8)


def _none() -> LocalFeatures:
    return LocalFeatures(
        points=np.zeros((0, 2), np.float32),
        scales=np.zeros(0, np.float32),
        angles=np.zeros(0, np.float32),
        descriptors=np.zeros((0, 128), np.uint8),
    )
