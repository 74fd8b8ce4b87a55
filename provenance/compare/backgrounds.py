"""Whether changed regions together are the background, a subject being left as it was."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.classify import Finding, mean_colors
from provenance.compare.colors import lab_of
from provenance.compare.evidence import Crop, Evidence
from provenance.compare.grouping import Region
from provenance.compare.residual import Residual
from provenance.records import Operation, Pixels

Mask = NDArray[np.bool_]
MIN_SHARE = 0.3
"""Of the overlap's area; a background covers more."""
MIN_RIM = 0.65
"""Share of the picture's rim that must belong to it."""
_CONSISTENT = 0.35
"""Strength (1 = threshold of a change) that speaks for a change rather than against one."""

_KIND: dict[Operation, str] = {
    "object_blurred": "hidden",
    "object_recolored": "recolored",
    "object_added": "content",
    "object_removed": "content",
    "object_replaced": "content",
}
_ABSORBED = ("object_blurred", "object_recolored", "object_removed")


def join_background(
    regions: list[Region], operations: list[Operation], residual: Residual, predicted: Pixels, overlap: Mask
) -> tuple[Mask, list[int]] | None:
    """The background's mask and the indices of the regions that make it, or None.

    The regions of one kind must cover most of the picture's rim and leave a subject inside unchanged. A
    blurred sky looks like a sky and a desaturated wall like a wall: where the change at hand would not show,
    a pixel goes with the nearest one where it would.
    """
    for kind in ("hidden", "recolored", "content"):
        members = [place for place, operation in enumerate(operations) if _KIND.get(operation) == kind]
        if not members:
            continue
        mask = np.any([regions[place].mask for place in members], axis=0)
        if np.count_nonzero(mask) < 0.08 * np.count_nonzero(overlap):
            continue
        if kind != "content":
            mask = _spread(mask, residual, overlap & _shows(kind, residual, predicted)) & overlap
        if np.count_nonzero(mask) < MIN_SHARE * np.count_nonzero(overlap):
            continue
        if _rim_share(mask, overlap) < MIN_RIM or not _has_subject(overlap & ~mask):
            continue
        for place, operation in enumerate(operations):
            inside = np.count_nonzero(regions[place].mask & mask) > 0.7 * np.count_nonzero(
                regions[place].mask
            )
            if place not in members and operation in _ABSORBED and inside:
                members.append(place)
        return mask, members
    return None


def _shows(kind: str, residual: Residual, predicted: Pixels) -> Mask:
    """Where a change of this kind would be seen."""
    if kind == "hidden":
        return residual.textured
    lab = cv2.cvtColor(predicted, cv2.COLOR_RGB2LAB).astype(np.int16)
    return np.asarray(np.abs(lab[..., 1:] - 128).max(axis=2) > 8, np.bool_)


def _spread(mask: Mask, residual: Residual, shows: Mask) -> Mask:
    """`mask` and every pixel that is nearer to a changed than to a surely unchanged one."""
    changed = mask | (shows & (residual.strength > _CONSISTENT))
    kernel = np.ones((3, 3), np.uint8)
    unchanged = cv2.morphologyEx((shows & ~changed).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    if not unchanged.any():
        return np.ones(mask.shape, np.bool_)
    to_changed = cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, 3)
    to_unchanged = cv2.distanceTransform(1 - unchanged, cv2.DIST_L2, 3)
    return np.asarray(to_changed < to_unchanged, np.bool_)


def _rim_share(mask: Mask, overlap: Mask) -> float:
    """Share of the overlap's rim in `mask`; subjects often reach one side, so the best three sides count."""
    x, y, w, h = cv2.boundingRect(overlap.astype(np.uint8))
    band = max(4, round(0.04 * max(overlap.shape)))
    sides = (
        np.s_[y : y + band, x : x + w],
        np.s_[y + h - band : y + h, x : x + w],
        np.s_[y : y + h, x : x + band],
        np.s_[y : y + h, x + w - band : x + w],
    )
    shares = sorted(float(mask[side].mean()) for side in sides)
    return float(np.mean(shares[1:]))


def _has_subject(unchanged: Mask) -> bool:
    """Whether an unchanged place of some size lies inside."""
    h, w = unchanged.shape
    core = cv2.erode(unchanged.astype(np.uint8), np.ones((7, 7), np.uint8))
    _, _, stats, centers = cv2.connectedComponentsWithStats(core, connectivity=8)
    for row, (x, y) in zip(stats[1:], centers[1:], strict=True):
        if int(row[4]) > 0.015 * unchanged.size and 0.15 * w < x < 0.85 * w and 0.15 * h < y:
            return True
    return False


def name_background(finding: Finding, evidence: Evidence, crop: Crop) -> Finding:
    """Say whether the background was replaced or how it was changed, from what its region looks like."""
    if finding.operation == "object_blurred" and finding.parameters["kind"] != "filled":
        return Finding("background_changed", finding.confidence, {"kind": "blurred"})
    if finding.operation != "object_recolored":
        return Finding("background_replaced", 0.9 if evidence.structure < 0.2 else 0.6, {})
    before, after = (lab_of(color) for color in mean_colors(crop))
    if evidence.chroma_share < 0.35:
        kind = "darkened" if after[0] < before[0] else "brightened"
    else:
        chroma_before, chroma_after = (
            _mean_chroma(side, crop.inside) for side in (crop.predicted, crop.query)
        )
        kind = "desaturated" if chroma_after < 0.5 * chroma_before else "recolored"
    return Finding("background_changed", finding.confidence, {"kind": kind})


def _mean_chroma(lab: NDArray[np.float32], inside: Mask) -> float:
    return float(np.hypot(lab[..., 1][inside] - 128, lab[..., 2][inside] - 128).mean())
