"""What happened to the frame, read off the homography.

The order is that of a recipe: flip, rotate, stretch, perspective, crop, pad or composite. Each is reported
only beyond what rounding to whole pixels and the alignment's own error can explain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.align import AlignedPair
from provenance.compare.motion import (
    Matrix,
    Points,
    Reals,
    corners_of,
    jacobian,
    nearest_dihedral,
    polygon_area,
    project,
)
from provenance.records import Box, Change, Operation, Pixels

_MIN_DEGREES = 0.25
_MIN_STRETCH = 0.01
_MIN_SHIFT_PERCENT = 0.4
_MIN_CUT = 0.008
"""Share of a side."""
_FLAT_LEVELS = 14
"""Levels (of 255) around a border's colour that compression may spread it over."""
_RING_PX = (3, 7)
_RING_FLAT = 0.82
"""Share of what touches the picture that is flat in a border; what an inset lies on goes on behind it."""
_CORNERS_ONLY = 0.3
"""Corners that are not flat are a turned picture's up to this share of the frame, else another picture's."""

_SIDES = ("left", "top", "right", "bottom")
_NORMALS = np.array([[-1, 0], [0, -1], [1, 0], [0, 1]], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Framing:
    """The framing edits, and the colour of a border."""

    changes: tuple[Change, ...]
    fill: NDArray[np.uint8] | None
    """[3] the one colour of what lies around the reference; None where there is nothing, or more than one."""
    query_overlap: float
    """Share of the query that shows the reference, 0..1."""
    reference_overlap: float
    """Share of the reference that the query shows, 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A homography taken apart: query = crop(perspective(stretch(rotate(flip(reference)))))."""

    axis: str | None
    degrees: float
    stretch: float
    corner_shift_percent: float
    dihedral: Matrix
    """[2, 2] nearest flip and quarter turn, reference from query."""
    cuts: NDArray[np.float64]
    """[4] left, top, right, bottom of the query: share of the side cut off, negative where it was widened."""


def describe_framing(pair: AlignedPair) -> Framing:
    """Name and measure what was done to the frame."""
    pose = take_apart(pair)
    inside = _visible_polygon(pair)
    seen = polygon_area(inside)
    query_overlap = round(min(1.0, seen / (pair.query_size[0] * pair.query_size[1])), 6)
    kept = project(pair.reference_from_query, inside) if len(inside) else inside
    whole = pair.reference_size[0] * pair.reference_size[1]
    reference_overlap = round(min(1.0, polygon_area(kept) / whole), 6)
    changes = _movements(pair, pose)
    tolerance = _cut_tolerance(pair, pose)
    if pose.cuts.max() > tolerance.max() or bool((pose.cuts > tolerance).any()):
        changes.append(_crop(pair, pose, kept, reference_overlap))
    outside = _outside(pair, inside, query_overlap)
    if outside.change is not None:
        changes.append(outside.change)
    elif outside.fill is not None:
        changes = [_filled(change, _hex(outside.fill)) for change in changes]
    return Framing(tuple(changes), outside.fill, query_overlap, reference_overlap)


def take_apart(pair: AlignedPair) -> Pose:
    """Decompose the homography at the centre of what both pictures show."""
    query_from_reference = np.linalg.inv(pair.reference_from_query)
    inside = _visible_polygon(pair)
    if len(inside) == 0:
        inside = corners_of(pair.query_size)
    centre = project(pair.reference_from_query, inside.mean(axis=0)[None])[0]
    linear = jacobian(query_from_reference, centre)
    axis, mirror = None, np.eye(2)
    if np.linalg.det(linear) < 0:
        axis, mirror = "horizontal", np.diag([-1.0, 1.0])
        if abs(_degrees(linear @ mirror)) > 90.5:
            axis, mirror = "vertical", np.diag([1.0, -1.0])
    upright = linear @ mirror
    degrees = _degrees(upright)
    width, height = np.linalg.norm(upright, axis=0)
    plain = _rotation(degrees) @ np.diag([width, height]) @ mirror
    corners = project(pair.reference_from_query, inside)
    offset = project(query_from_reference, centre[None])[0] - plain @ centre
    shifts = project(query_from_reference, corners) - (corners @ plain.T + offset)
    shift = float(np.linalg.norm(shifts - shifts.mean(axis=0), axis=1).max())
    turned = nearest_dihedral(np.linalg.inv(linear))
    return Pose(
        axis=axis,
        degrees=degrees,
        stretch=float(width / height),
        corner_shift_percent=100 * shift / float(np.hypot(*pair.query_size)),
        dihedral=turned,
        cuts=_cuts(pair, query_from_reference, width, height, turned),
    )


def _degrees(linear: Reals) -> float:
    """Counter-clockwise as seen; both axes have their say, so shear does not count as rotation."""
    first, second = linear[:, 0], linear[:, 1]
    x = first / np.linalg.norm(first) + np.array([second[1], -second[0]]) / np.linalg.norm(second)
    degrees = -float(np.degrees(np.arctan2(x[1], x[0])))
    return 180.0 if degrees <= -179.995 else degrees


def _rotation(degrees: float) -> Matrix:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


def _cuts(
    pair: AlignedPair, query_from_reference: Reals, width: float, height: float, dihedral: Reals
) -> NDArray[np.float64]:
    """Query frame against the turned reference's own frame about its centre, shares of its sides."""
    reference = np.array(pair.reference_size, np.float64)
    middle = project(query_from_reference, (reference[None] - 1) / 2)[0]
    canvas = reference * np.array([width, height])
    if dihedral[0, 0] == 0:
        canvas = canvas[::-1]
    low, high = middle - canvas / 2, middle + canvas / 2
    size = np.array(pair.query_size, np.float64)
    return np.concatenate([(-0.5 - low) / canvas, (high - (size - 0.5)) / canvas])


def _cut_tolerance(pair: AlignedPair, pose: Pose) -> NDArray[np.float64]:
    """[4] shares of a side that alignment and rounding may feign."""
    size = np.array([*pair.query_size, *pair.query_size], np.float64)
    precise = pair.model in ("frame", "crop", "stretch")
    pixels = (1.6 if precise else 2.5 + 3 * pair.error_px) / pair.working_scale
    tilt = 0.0 if precise else 0.006 + 0.01 * pose.corner_shift_percent
    return np.maximum(_MIN_CUT, pixels / size) + tilt


def _visible_polygon(pair: AlignedPair) -> Points:
    """What the query shows of the reference, [n, 2] in query pixels; empty where nothing."""
    reference = project(np.linalg.inv(pair.reference_from_query), corners_of(pair.reference_size))
    area, polygon = cv2.intersectConvexConvex(
        cv2.convexHull(reference.astype(np.float32)), corners_of(pair.query_size).astype(np.float32)
    )
    if area <= 0 or polygon is None:
        return np.zeros((0, 2))
    return np.asarray(polygon, np.float64).reshape(-1, 2)


def _movements(pair: AlignedPair, pose: Pose) -> list[Change]:
    """Flip, rotate, stretch, perspective: in the order in which a recipe applies them."""
    changes = []
    if pose.axis:
        changes.append(Change("flip", 0.98, {"axis": pose.axis}))
    # A tilted plane turns and squeezes the picture at its centre by itself.
    tilt = pose.corner_shift_percent if pair.model == "homography" else 0.0
    if abs(pose.degrees) >= max(_MIN_DEGREES, 0.9 * tilt):
        changes.append(_change("rotate", abs(pose.degrees), _MIN_DEGREES, degrees=round(pose.degrees, 2)))
    rounding = sum(1 / side for side in (*pair.query_size, *pair.reference_size))
    if pair.model in ("similarity", "affine", "homography"):
        rounding += 0.01 + 0.03 * tilt
    if abs(np.log(pose.stretch)) >= _MIN_STRETCH + rounding:
        strength = abs(float(np.log(pose.stretch)))
        changes.append(_change("stretch", strength, _MIN_STRETCH, factor=round(pose.stretch, 3)))
    shift = pose.corner_shift_percent
    least = _MIN_SHIFT_PERCENT + 100 * 2 * pair.error_px / float(np.hypot(*pair.query.shape[:2]))
    if pair.model in ("affine", "homography") and shift >= least:
        changes.append(_change("perspective", shift, least, corner_shift_percent=round(shift, 2)))
    return changes


def _crop(pair: AlignedPair, pose: Pose, kept: Points, reference_overlap: float) -> Change:
    """The sides are those of the reference, where the reader looks for what is missing."""
    parameters: dict[str, Any] = {"kept_percent": round(100 * reference_overlap, 1)}
    cut = dict.fromkeys(_SIDES, 0.0)
    for share, normal in zip(pose.cuts, _NORMALS, strict=True):
        side = int(np.argmax(_NORMALS @ (pose.dihedral @ normal)))
        cut[_SIDES[side]] = max(0.0, round(100 * float(share), 1))
    parameters |= {f"{side}_percent": share for side, share in cut.items()}
    box = _bounding_box(kept, pair.reference_size)
    return _change("crop", float(pose.cuts.max()), _MIN_CUT, reference_box=box, **parameters)


@dataclass(frozen=True, slots=True, eq=False)
class _Outside:
    """What lies around the reference: an edit of its own or the corners of a turned picture."""

    change: Change | None = None
    fill: NDArray[np.uint8] | None = None


def _outside(pair: AlignedPair, inside: Points, query_overlap: float) -> _Outside:
    """The part of the query that is not the reference: a flat border, a turn's corners, or other content."""
    turned = pair.model in ("similarity", "affine", "homography")
    edge = (max(2.0, 0.008 * max(pair.query.shape[:2])) if turned else 1.9) / pair.working_scale
    box = _bounding_box(inside, pair.query_size)
    margins = np.array([box[0], box[1], pair.query_size[0] - box[2], pair.query_size[1] - box[3]])
    if margins.max() < edge and not (turned and query_overlap < 0.995):
        return _Outside()
    fill = _flat_fill(pair, margins, edge)
    corners_only = turned and margins.max() < max(edge, 0.02 * max(pair.query_size))
    if corners_only and (fill is not None or query_overlap > 1 - _CORNERS_ONLY):
        return _Outside(fill=fill)
    if fill is None:
        area = round(100 * query_overlap, 1)
        return _Outside(_change("composite", 1 - query_overlap, 0.02, box=box, area_percent=area))
    sides: dict[str, Any] = {f"{side}_px": int(margin) for side, margin in zip(_SIDES, margins, strict=True)}
    pad = _change("pad", float(margins.max()) / edge, 1.0, box=box, **sides, color=_hex(fill))
    return _Outside(pad, fill)


def _flat_fill(pair: AlignedPair, margins: NDArray[np.int_], edge: float) -> NDArray[np.uint8] | None:
    """The one colour of the outside, or None; writing on the border may cover a part of it."""
    near = cv2.erode((~pair.overlap).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    outside = pair.query[near]
    if len(outside) < 16:
        outside = pair.query[~pair.overlap]
    if len(outside) == 0:
        return None
    color = np.median(outside, axis=0)
    if _share_of(outside, color) < 0.6:
        return None
    ring = _grown(pair.overlap, _RING_PX[1]) & ~_grown(pair.overlap, _RING_PX[0])
    if ring.sum() >= 16 and _share_of(pair.query[ring], color) < _RING_FLAT:
        return None
    height, width = pair.overlap.shape
    depth = np.round(margins * pair.working_scale).astype(int)
    everywhere = slice(None)
    strips = (
        (everywhere, slice(0, depth[0])),
        (slice(0, depth[1]), everywhere),
        (everywhere, slice(width - depth[2], width)),
        (slice(height - depth[3], height), everywhere),
    )
    for strip, margin in zip(strips, margins, strict=True):
        pixels = pair.query[strip][near[strip]]
        if margin >= edge and len(pixels) and _share_of(pixels, color) < 0.5:
            return None
    return np.asarray(color, np.uint8)


def _share_of(pixels: NDArray[np.uint8], color: NDArray[np.float64]) -> float:
    return float((np.abs(pixels - color).max(axis=1) <= _FLAT_LEVELS).mean())


def seam_of(shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[h, w] the line where the reference ends and a border begins, whose pixels are a mixture of both."""
    kernel = np.ones((5, 5), np.uint8)
    return np.asarray(cv2.morphologyEx(shown.astype(np.uint8), cv2.MORPH_GRADIENT, kernel), np.bool_)


def _grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), np.bool_)


def with_border(pair: AlignedPair, replayed: Pixels, fill: NDArray[np.uint8]) -> tuple[AlignedPair, Pixels]:
    """The pair and its replay with the border painted in, so that only what is drawn on it differs."""
    outside = ~pair.overlap
    painted = [side.copy() for side in (pair.reference, replayed)]
    for side in painted:
        side[outside] = fill
    return replace(pair, reference=painted[0], overlap=~seam_of(pair.overlap)), painted[1]


def _filled(change: Change, fill: str) -> Change:
    if change.operation not in ("rotate", "perspective"):
        return change
    return replace(change, parameters={**change.parameters, "fill": fill})


def _hex(color: NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(level):02x}" for level in color)


def _bounding_box(polygon: Points, size: tuple[int, int]) -> Box:
    """Whole pixels around a polygon, clipped to the frame."""
    if len(polygon) == 0:
        return (0, 0, 0, 0)
    low = np.clip(np.round(polygon.min(axis=0) + 0.5), 0, size).astype(int)
    high = np.clip(np.round(polygon.max(axis=0) + 0.5), 0, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _change(
    operation: Operation,
    strength: float,
    threshold: float,
    *,
    box: Box | None = None,
    reference_box: Box | None = None,
    **parameters: Any,
) -> Change:
    """A change whose confidence grows from one half at its threshold towards one."""
    excess = max(0.0, strength / threshold - 1.0)
    confidence = round(1 - 0.5 * float(np.exp(-excess)), 3)
    return Change(operation, min(confidence, 0.99), parameters, box=box, reference_box=reference_box)
