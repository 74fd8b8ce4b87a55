"""Whether changed regions together are the background, a subject being left as it was."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.classify import Finding, mean_colors
from provenance.compare.colors import lab_of
from provenance.compare.evidence import Crop, Evidence
from provenance.compare.grouping import Region
from provenance.records import Operation

Mask = NDArray[np.bool_]
MIN_SHARE = 0.25
"""Of the overlap's area; a background covers more."""
MIN_RIM = 0.6
"""Share of the picture's rim that must have changed, as far as a change would show there."""

_KIND: dict[Operation, str] = {
    "object_blurred": "hidden",
    "object_recolored": "recolored",
    "object_added": "content",
    "object_removed": "content",
    "object_replaced": "content",
}


def join_background(
    regions: list[Region], operations: list[Operation], showing: Mask, overlap: Mask
) -> tuple[Mask, list[int]] | None:
    """The background's mask and the indices of the regions that make it, or None.

    `showing` marks where the change at hand would be visible (a blurred sky looks like a sky). The regions of
    one kind must cover most of the picture's rim and leave a subject inside unchanged.
    """
    for kind in ("hidden", "recolored", "content"):
        members = [place for place, operation in enumerate(operations) if _KIND.get(operation) == kind]
        if not members:
            continue
        mask = np.any([regions[place].mask for place in members], axis=0)
        visible = overlap & showing if kind == "hidden" else overlap
        if np.count_nonzero(mask & visible) < MIN_SHARE * max(
            int(np.count_nonzero(visible)), 0.2 * overlap.size
        ):
            continue
        if _rim_share(mask, visible, overlap) >= MIN_RIM and _has_subject(mask, visible):
            return mask, members
    return None


def _rim_share(mask: Mask, visible: Mask, overlap: Mask) -> float:
    """Changed share of the visible rim, a band along the overlap's edge without the bottom side.

    Subjects often reach the lower edge, so the best three of the four sides count.
    """
    ys, xs = np.nonzero(overlap)
    y0, y1, x0, x1 = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    band = max(4, round(0.04 * max(overlap.shape)))
    shares = []
    for side in (np.s_[y0 : y0 + band, x0:x1], np.s_[y1 - band : y1, x0:x1], np.s_[y0:y1, x0 : x0 + band],
                 np.s_[y0:y1, x1 - band : x1]):  # fmt: skip
        seen = np.count_nonzero(visible[side])
        if seen > 0.05 * visible[side].size:
            shares.append(np.count_nonzero(mask[side] & visible[side]) / seen)
    shares.sort()
    return float(np.mean(shares[1:] if len(shares) > 3 else shares)) if shares else 0.0


def _has_subject(mask: Mask, visible: Mask) -> bool:
    """Whether an unchanged place of some size lies inside."""
    h, w = mask.shape
    untouched = cv2.erode((visible & ~mask).astype(np.uint8), np.ones((7, 7), np.uint8))
    _, _, stats, centers = cv2.connectedComponentsWithStats(untouched, connectivity=8)
    for row, (x, y) in zip(stats[1:], centers[1:], strict=True):
        if int(row[4]) > 0.015 * mask.size and 0.15 * w < x < 0.85 * w and 0.15 * h < y:
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
