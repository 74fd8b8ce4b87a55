"""Where two pictures agree under a homography, block by block, and what kind of thing it is that agrees."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.drift import LEAST_POINTS, Drift, measure_drift
from provenance.verify.dense import Gray
from provenance.verify.geometry import Size, project

BLOCK = 12
"""Side of the blocks that are correlated, in working pixels."""
SIDE = 320
"""Largest long side of the working picture: that of the stored thumbnails."""
LEAST_SIDE, MOST_ENLARGED = 120, 8.0
"""Icons are enlarged to this long side, or so many times: one block alone proves nothing."""
COARSE = 0.4
"""Blurred, tiny or noisy copies are compared at this scale too."""
ALIKE = 0.7
"""Correlation from which a block agrees."""
PHOTO = 0.76
"""Share of a block's variance between its two halves of levels up to which it looks like a photo."""
TEXTURE = 4.0
"""Levels of standard deviation from which a block has any texture."""
BAND = 0.16
"""Share of width and height at each side where frames, banners and logos are put."""
CORNERS = 200
"""Corners that are followed from one picture to the other."""
GRID = 24
"""Cells along each side of the query in which it is kept where the pictures agree."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Shares of textured blocks that agree, 0..1; a handful of blocks proves nothing and gives little."""

    overlap: float = 0.0
    """Of the blocks that both pictures show."""
    query: float = 0.0
    """Of all blocks of the query: 1 for a crop, little for an inset."""
    reference: float = 0.0
    """Of all blocks of the reference: 1 for an inset, little for a crop."""
    blocks: int = 0
    """How many agree."""
    photo_overlap: float = 0.0
    """As `overlap`, of the blocks that look like a photo and not like letters, logos or page chrome."""
    photo_blocks: int = 0
    """How many of those agree."""
    graphic: float = 0.0
    """How much the agreeing blocks look like letters and logos, two levels; photos have 0.6."""
    border: float = 0.0
    """Share of the agreeing blocks that lie in the border of both pictures."""
    where: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((GRID, GRID), bool))
    """[GRID, GRID] over the query: where they agree."""

    @property
    def explained(self) -> float:
        """Of the picture that is better explained by the other one."""
        return max(self.query, self.reference)


def agreement(
    query: Gray, reference: Gray, reference_from_query: NDArray[np.float64], query_size: Size,
    reference_size: Size, *, negative: bool = False,
) -> Agreement:  # fmt: skip
    """Measure how much of two grey pictures agrees; the homography is between the full sizes.

    Works in the query's frame, at the resolution of the coarser of the two where they overlap, and once more
    at a coarser scale; the scale that shows more agreement counts. A shift of one pixel is forgiven. With
    `negative` the query has its levels inverted.
    """
    to_reference = _to_small(reference.shape, reference_size) @ reference_from_query
    to_reference = to_reference @ np.linalg.inv(_to_small(query.shape, query_size))
    grown = _local_scale(to_reference, query.shape)
    if grown <= 0:
        return Agreement()
    best = Agreement()
    extent = max(_overlap_extent(to_reference, query.shape, reference.shape), 1.0)
    full = max(min(1.0, grown, SIDE / extent), min(MOST_ENLARGED, LEAST_SIDE / extent))
    for factor in (full, full * COARSE):
        found = _at_scale(query, reference, to_reference, factor, -1.0 if negative else 1.0)
        if found.explained * found.overlap > best.explained * best.overlap or not best.blocks:
            best = found
    return best


def tracked_drift(
    query: Gray,
    reference: Gray,
    reference_from_query: NDArray[np.float64],
    query_size: Size,
    reference_size: Size,
) -> Drift:
    """How corners of the query drift from their place in the reference; the homography is of the full sizes.

    Pyramidal Lucas-Kanade there and back, less what whole pixels, resizing and perspective leave.
    """
    to_reference = _to_small(reference.shape, reference_size) @ reference_from_query
    to_reference = to_reference @ np.linalg.inv(_to_small(query.shape, query_size))
    factor = min(1.0, SIDE / max(query.shape))
    width, height = (max(8, round(side * factor)) for side in query.shape[::-1])
    warp = to_reference @ np.linalg.inv(_to_small((height, width), (query.shape[1], query.shape[0])))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpPerspective(
        reference, warp, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    here = cv2.resize(query, (width, height), interpolation=cv2.INTER_AREA)
    here, there = (cv2.normalize(side, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U) for side in (here, there))
    start = cv2.goodFeaturesToTrack(here, CORNERS, 0.01, SIDE / 40)
    if start is None:
        return Drift()
    end, found, _ = cv2.calcOpticalFlowPyrLK(here, there, start, None, winSize=(15, 15), maxLevel=2)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(there, here, end, None, winSize=(15, 15), maxLevel=2)
    kept = (found & returned).ravel().astype(bool) & (np.linalg.norm(back - start, axis=-1).ravel() < 0.5)
    start, end = start[kept, 0], end[kept, 0]
    if len(start) < LEAST_POINTS:
        return Drift(len(start))
    motion, _ = cv2.findHomography(start, end, cv2.USAC_MAGSAC, 0.75)
    if motion is None:
        return Drift(len(start))
    return measure_drift(start, end - project(motion, start), max(width, height))


def _at_scale(
    query: Gray, reference: Gray, to_reference: NDArray[np.float64], factor: float, sign: float
) -> Agreement:
    height, width = (max(BLOCK, round(side * factor)) for side in query.shape)
    how = cv2.INTER_AREA if factor <= 1 else cv2.INTER_LINEAR
    small = cv2.resize(query, (width, height), interpolation=how)
    warp = to_reference @ np.linalg.inv(_to_small((height, width), (query.shape[1], query.shape[0])))
    # A reference finer than the working picture would alias; blur it in step with the scale.
    shrink = _local_scale(warp, (height, width))
    source = cv2.GaussianBlur(reference, (0, 0), 0.45 * shrink) if shrink > 1.2 else reference
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(source, warp, (width, height), flags=flags)
    inside = cv2.warpPerspective(np.ones_like(reference), warp, (width, height), flags=flags) > 0.99
    scores, texture_a, texture_b = _correlations(small, warped, sign)
    covered = _means(inside.astype(np.float32)) > 0.9
    judged = covered & (np.maximum(texture_a, texture_b) > TEXTURE)
    agrees = judged & (scores > ALIKE) & (np.minimum(texture_a, texture_b) > TEXTURE / 4)
    count = int(agrees.sum())
    if not count:
        return Agreement()
    two_levels = _two_levels(_blocks(small))
    photo = np.minimum(two_levels, _two_levels(_blocks(warped))) < PHOTO
    area_in_reference = shrink**2 * BLOCK**2
    texture_of_reference = (_moments(reference)[1] > TEXTURE).sum() * BLOCK**2
    return Agreement(
        overlap=float(count / (judged.sum() + 3)),
        query=float(count / ((texture_a > TEXTURE).sum() + 3)),
        reference=float(min(1.0, count * area_in_reference / (texture_of_reference + 3 * BLOCK**2))),
        blocks=count,
        photo_overlap=float((agrees & photo).sum() / ((judged & photo).sum() + 3)),
        photo_blocks=int((agrees & photo).sum()),
        graphic=float(two_levels[agrees].mean()),
        border=_border(agrees, warp, reference.shape),
        where=np.asarray(
            cv2.resize(agrees.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA) > 0.25
        ),
    )


def _two_levels(blocks: Gray) -> Gray:
    """Share of each block's variance that lies between the pixels above and below its mean, 0..1.

    0.64 for normally distributed levels, 1 for two levels.
    """
    centred = blocks - blocks.mean(axis=-1, keepdims=True)
    above = centred > 0
    share = above.mean(axis=-1)
    upper = (centred * above).sum(axis=-1) / np.maximum(above.sum(axis=-1), 1)
    between = share * upper**2 + (1 - share) * (share * upper / np.maximum(1 - share, 1e-6)) ** 2
    return np.asarray(between / np.maximum(centred.var(axis=-1), 1e-6), np.float32)


def _border(agrees: NDArray[np.bool_], warp: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Share of the agreeing blocks whose middle lies in the border band of query and reference."""
    rows, columns = np.nonzero(agrees)
    x, y = (columns + 0.5) * BLOCK, (rows + 0.5) * BLOCK
    mapped = warp @ np.stack([x, y, np.ones_like(x)])
    in_query = _in_band(x / (agrees.shape[1] * BLOCK), y / (agrees.shape[0] * BLOCK))
    in_reference = _in_band(mapped[0] / mapped[2] / shape[1], mapped[1] / mapped[2] / shape[0])
    return float((in_query & in_reference).mean())


def _in_band(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < BAND)


def _correlations(query: Gray, reference: Gray, sign: float) -> tuple[Gray, Gray, Gray]:
    """Of each block: the best correlation over shifts of a pixel, and the spread of levels of either side."""
    query, reference = (_whole_blocks(side) - 128.0 for side in (query, reference))
    height, width = query.shape
    mean, spread = _moments(query)
    padded = cv2.copyMakeBorder(reference, 1, 1, 1, 1, cv2.BORDER_WRAP)
    scores, own = np.full(mean.shape, -2.0, np.float32), mean
    for dy in range(3):
        for dx in range(3):
            shifted = padded[dy : dy + height, dx : dx + width]
            other_mean, other_spread = _moments(shifted)
            product = _means(cv2.multiply(query, shifted)) - mean * other_mean
            flat = np.maximum(spread, 1e-2) * np.maximum(other_spread, 1e-2)
            scores = np.maximum(scores, sign * product / flat)
            if dx == dy == 1:
                own = other_spread
    return scores, spread, own


def _moments(picture: Gray) -> tuple[Gray, Gray]:
    """Mean and standard deviation of each block."""
    mean = _means(picture)
    variance = _means(cv2.multiply(picture, picture)) - mean * mean
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _means(picture: Gray) -> Gray:
    """[rows, columns] the mean of each block."""
    picture = _whole_blocks(picture)
    size = (picture.shape[1] // BLOCK, picture.shape[0] // BLOCK)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _whole_blocks(picture: Gray) -> Gray:
    """The picture less what is left at the right and below beside whole blocks; enlarged to one at least."""
    rows, columns = max(1, picture.shape[0] // BLOCK), max(1, picture.shape[1] // BLOCK)
    if picture.shape[0] < BLOCK or picture.shape[1] < BLOCK:
        size = (columns * BLOCK, rows * BLOCK)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return picture[: rows * BLOCK, : columns * BLOCK]


def _blocks(picture: Gray) -> Gray:
    """[rows, columns, BLOCK * BLOCK] the levels of each block."""
    whole = _whole_blocks(picture)
    rows, columns = whole.shape[0] // BLOCK, whole.shape[1] // BLOCK
    cut = whole.reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(cut.swapaxes(1, 2).reshape(rows, columns, -1))


def _to_small(shape: tuple[int, ...], size: Size) -> NDArray[np.float64]:
    """Full-size pixels -> pixels of the small picture, centres on integers."""
    sx, sy = shape[1] / size[0], shape[0] / size[1]
    return np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])


def _local_scale(warp: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Target pixels per source pixel in the middle of the source, 0 where it is not defined."""
    x, y = shape[1] / 2, shape[0] / 2
    corners = np.array([[x - 1, x + 1, x - 1], [y - 1, y - 1, y + 1], [1, 1, 1]])
    mapped = warp @ corners
    if not np.all(np.abs(mapped[2]) > 1e-9):
        return 0.0
    p = mapped[:2] / mapped[2]
    area = (p[:, 1] - p[:, 0])[0] * (p[:, 2] - p[:, 0])[1] - (p[:, 1] - p[:, 0])[1] * (p[:, 2] - p[:, 0])[0]
    return float(np.sqrt(abs(area)) / 2)


def _overlap_extent(
    warp: NDArray[np.float64], query_shape: tuple[int, ...], reference_shape: tuple[int, ...]
) -> float:
    """Long side, in query pixels, of the box around what the query shows of the reference."""
    height, width = reference_shape[:2]
    outline = np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    back = np.linalg.inv(warp) @ outline
    if back[2].min() * back[2].max() <= 0:
        return float(max(query_shape))
    x = np.clip(back[0] / back[2], 0, query_shape[1])
    y = np.clip(back[1] / back[2], 0, query_shape[0])
    return float(max(np.ptp(x), np.ptp(y)))
