"""Changed pixels -> regions as a person would count them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.residual import GROW, Residual
from provenance.records import Box

Mask = NDArray[np.bool_]
MAX_REGIONS = 24
"""The strongest ones are kept: nobody reads a longer list."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One changed place, working pixels."""

    mask: Mask
    """[h, w] of the whole picture."""
    box: Box
    weight: float
    """Sum of the strength over the pixels."""


def group_regions(residual: Residual) -> list[Region]:
    """Close gaps, drop specks, join what belongs together; strongest first."""
    tight = _tighten(residual)
    side = max(tight.shape)
    reach = max(3, round(0.008 * side))
    closed = _close(tight, reach)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed.astype(np.uint8), connectivity=8)
    weights = np.bincount(labels.ravel(), weights=(residual.strength * tight).ravel(), minlength=count)
    areas = np.bincount(labels[tight], minlength=count)
    sure, surest = (
        np.bincount(labels[tight & (residual.strength > bar)], minlength=count) for bar in (1.3, 2.2)
    )
    sharp = residual.level > GROW
    sharp_areas = np.bincount(labels[sharp & tight], minlength=count)
    texture_area = 0.002 * tight.size
    kept = [
        label
        for label in range(1, count)
        if not _is_frame_strip(_box(stats[label]), closed.shape)
        and _is_visible(
            areas[label],
            weights[label],
            sharp_areas[label],
            texture_area,
            sure=sure[label] > 0,
            surest=surest[label] > 0,
        )
    ]
    groups = _join_boxes([_box(stats[label]) for label in kept], reach)
    regions = []
    for group in groups:
        members = [kept[place] for place in group]
        chosen = np.zeros(count, bool)
        chosen[members] = True
        mask = _fill_small_holes(chosen[labels])
        box = _bounds([_box(stats[label]) for label in members])
        regions.append(Region(mask, box, float(weights[members].sum())))
    regions.sort(key=lambda region: -region.weight)
    return regions[:MAX_REGIONS]


def _is_frame_strip(box: Box, shape: tuple[int, ...]) -> bool:
    """A thin strip along the picture's frame: what resampling and blurring make of the outermost pixels."""
    h, w = shape
    deep = max(2, round(0.012 * max(h, w)))
    return (min(box[2], w - box[0]) <= deep and box[3] - box[1] > deep) or (
        min(box[3], h - box[1]) <= deep and box[2] - box[0] > deep
    )


def _is_visible(
    area: int, weight: float, sharp_area: int, texture_area: float, *, sure: bool, surest: bool
) -> bool:
    """Whether a component is more than a speck that encoding may leave."""
    if sharp_area < 0.05 * area:
        # Only texture or shade differs: heavy compression wipes out single blocks, so it takes more of them.
        return bool(area > texture_area and weight > 0.9 * area)
    return bool((area >= 30 and sure and weight > 60) or (area >= 12 and surest))


def _tighten(residual: Residual) -> Mask:
    """Cut the rim that the windows of shade and texture add around what the level already delimits."""
    changed = residual.changed
    sharp = (residual.level > GROW) & changed
    body = _close(sharp, max(3, round(0.008 * max(changed.shape))))
    core = cv2.erode(changed.astype(np.uint8), np.ones((13, 13), np.uint8))
    count, labels = cv2.connectedComponents(changed.astype(np.uint8), connectivity=8)
    cores = np.bincount(labels[core > 0], minlength=count)
    covered = np.bincount(labels[(core > 0) & body], minlength=count)
    any_sharp = np.bincount(labels[sharp], minlength=count)
    by_level = np.where(cores > 0, covered >= 0.7 * cores, any_sharp > 0)
    return np.asarray(np.where(by_level[labels], body & changed, changed), np.bool_)


def _close(mask: Mask, reach: int) -> Mask:
    """Morphological closing with an ellipse of radius `reach`."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0, np.bool_)


def _fill_small_holes(mask: Mask) -> Mask:
    """Fill holes below a tenth of the region and a hundredth of the picture; others are unchanged content."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    h, w = mask.shape
    x, y, width, height, area = (stats[:, column] for column in range(5))
    inner = (
        (x > 0)
        & (y > 0)
        & (x + width < w)
        & (y + height < h)
        & (area < min(0.1 * np.count_nonzero(mask), 0.01 * mask.size))
    )
    inner[0] = False
    return mask | inner[labels] if inner.any() else mask


def _box(row: NDArray[np.int32]) -> Box:
    x, y, w, h = (int(v) for v in row[:4])
    return x, y, x + w, y + h


def _bounds(boxes: list[Box]) -> Box:
    columns = np.array(boxes)
    low, high = columns[:, :2].min(axis=0), columns[:, 2:].max(axis=0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def join_lines(boxes: list[Box]) -> list[list[int]]:
    """Indices of boxes that may be words of one text: next to each other, or lines below each other."""

    def belong(one: Box, other: Box) -> bool:
        gap_x, gap_y, height = *_gaps(one, other), max(one[3] - one[1], other[3] - other[1])
        return (gap_x < 1.5 * height and gap_y < 0) or (gap_y < 0.8 * height and gap_x < 0)

    return _join(boxes, belong)


def join_regions(regions: list[Region]) -> Region:
    """Several regions as one."""
    mask = np.any([region.mask for region in regions], axis=0)
    return Region(mask, _bounds([region.box for region in regions]), sum(region.weight for region in regions))


def _join_boxes(boxes: list[Box], reach: int) -> list[list[int]]:
    """Indices of boxes that make one thing: nearly touching ones, and letters of one line."""

    def belong(one: Box, other: Box) -> bool:
        gap_x, gap_y = _gaps(one, other)
        if max(gap_x, gap_y) <= reach // 2:
            return True
        heights = one[3] - one[1], other[3] - other[1]
        similar = min(heights) > 0.5 * max(heights)
        return similar and -gap_y > 0.5 * min(heights) and gap_x < 1.0 * min(heights)

    return _join(boxes, belong)


def _join(boxes: list[Box], belong: Callable[[Box, Box], bool]) -> list[list[int]]:
    """Connected groups under `belong`, as indices."""
    parent = list(range(len(boxes)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    for first in range(len(boxes)):
        for second in range(first):
            if root(first) != root(second) and belong(boxes[first], boxes[second]):
                parent[root(first)] = root(second)
    groups: dict[int, list[int]] = {}
    for place in range(len(boxes)):
        groups.setdefault(root(place), []).append(place)
    return list(groups.values())


def _gaps(one: Box, other: Box) -> tuple[int, int]:
    """Distance along x and along y, negative where the boxes overlap."""
    return max(one[0], other[0]) - min(one[2], other[2]), max(one[1], other[1]) - min(one[3], other[3])
