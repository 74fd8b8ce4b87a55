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


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares of 12 px blocks that correlate, 0..1."""

    textured: float
    """Of the overlap's blocks that have any texture."""
    area: float
    """Of all the overlap's blocks: a logo in common agrees fully, but on little of the picture."""


def small_gray(pixels: Pixels, side: int = 320) -> Gray:
    """Grey float32 picture with a long side of at most `side` pixels, area-averaged."""
    height, width = pixels.shape[:2]
    factor = min(1.0, side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_RGB2GRAY), np.float32)


def resemble(query: Gray, reference: Gray) -> Resemblance:
    """Compare whole pictures in all eight mirrored and turned forms; the best by detail wins."""
    target = cv2.resize(reference, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    square = cv2.resize(query, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    structure = float(min(target.std(), square.std()))
    best = Resemblance(-1.0, -1.0, structure, False, 0)
    for mirrored in (False, True):
        form = square[:, ::-1] if mirrored else square
        for turns in range(4):
            turned = np.rot90(form, turns)
            detail = _correlate(_detail(turned), _detail(target))
            if detail > best.detail_correlation:
                best = Resemblance(_correlate(turned, target), detail, structure, mirrored, turns)
    return best


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


def agreement(
    query: Gray,
    reference: Gray,
    reference_from_query: NDArray[np.float64],
    query_size: Size,
    reference_size: Size,
) -> Agreement:
    """How much of the overlap correlates after warping the reference onto the query.

    `query` and `reference` are small grey pictures; the homography is between the full sizes. Blocks have
    12 px; a shift of one pixel is forgiven. Both shares are 0 where nothing overlaps or nothing is textured.
    """
    warp = _to_small(reference.shape, reference_size) @ reference_from_query
    warp = warp @ np.linalg.inv(_to_small(query.shape, query_size))
    shape = (query.shape[1], query.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # A reference much finer than the query would alias; blur it in step with the scale.
    shrink = np.sqrt(abs(np.linalg.det(warp[:2, :2])))
    source = cv2.GaussianBlur(reference, (0, 0), 0.5 * shrink) if shrink > 1.2 else reference
    warped = cv2.warpPerspective(source, warp, shape, flags=flags)
    inside = cv2.warpPerspective(np.ones_like(reference), warp, shape, flags=flags) > 0.99
    scores = [
        _block_correlation(query, np.roll(warped, (dy, dx), (0, 1)), inside)
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    ]
    best = np.max(np.stack(scores), axis=0)
    judged, agreeing = (best > -1.5).sum(), (best > 0.7).sum()
    covered = inside.mean() * best.size
    # Three doubtful blocks beside the judged ones: agreement of a handful proves nothing.
    return Agreement(float(agreeing / (judged + 3)), float(min(1.0, agreeing / (covered + 3))))


def _to_small(shape: tuple[int, ...], size: Size) -> NDArray[np.float64]:
    """Full-size pixels -> pixels of the small picture, centres on integers."""
    sx, sy = shape[1] / size[0], shape[0] / size[1]
    return np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])


def _block_correlation(left: Gray, right: Gray, inside: NDArray[np.bool_], block: int = 12) -> Gray:
    """Normalised correlation by block; -2 where a block is outside, or flat on both sides."""
    rows, columns = left.shape[0] // block, left.shape[1] // block
    if not rows or not columns:
        return np.full((1, 1), -2.0, np.float32)

    def blocks(array: Gray) -> Gray:
        cut = array[: rows * block, : columns * block].reshape(rows, block, columns, block)
        return np.asarray(cut.swapaxes(1, 2).reshape(rows, columns, -1))

    a, b = blocks(left), blocks(right)
    covered = blocks(inside.astype(np.float32)).mean(axis=-1) > 0.9
    a = a - a.mean(axis=-1, keepdims=True)
    b = b - b.mean(axis=-1, keepdims=True)
    spread_a, spread_b = a.std(axis=-1), b.std(axis=-1)
    result = (a * b).mean(axis=-1) / np.maximum(spread_a * spread_b, 1e-3)
    judged = covered & (np.maximum(spread_a, spread_b) > 4.0)
    return np.where(judged, result, np.float32(-2.0)).astype(np.float32)


def _detail(square: Gray) -> Gray:
    """The picture without its coarse shading, contrast evened out."""
    fine = square - cv2.GaussianBlur(np.ascontiguousarray(square), (0, 0), 5.0)
    return np.asarray(np.sign(fine) * np.sqrt(np.abs(fine)), np.float32)


def _correlate(left: Gray, right: Gray) -> float:
    a, b = left - left.mean(), right - right.mean()
    return float((a * b).mean() / max(float(a.std() * b.std()), 1e-6))
