"""Changed regions -> SVG paths over the query and, through the homography, over the original."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Box, Edit, Evidence
from provenance.report.evidence import choose_margin, trace_regions
from provenance.report.lineup import shown_area

Polygon = NDArray[np.float32]
_ALL = 0.99
"""Share of the query that counts as all of it."""
_NUMBER_STEP = 0.06
"""Room for a number, as a share of the longer side."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One edit's place as an SVG path, with the point where its number goes."""

    number: int
    path: str
    x: float
    y: float
    inverted: bool = False
    """True: the path encloses what was cut away."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The outlines over one picture, in a viewBox of its full-size pixels."""

    width: int
    height: int
    outlines: tuple[Outline, ...]
    outside: str = ""
    """Path around what is not in the original; "" where all of it is."""


def outline_query(edits: Sequence[Edit], evidence: Evidence) -> Overlay:
    """Outline the edits that have a place in the query."""
    width, height = evidence.query.width, evidence.query.height
    outlines = [
        _make_outline(number, polygons, width, height)
        for number, polygons in _number_polygons(edits, evidence)
    ]
    return Overlay(width, height, tuple(outlines), _outside(evidence))


def outline_reference(edits: Sequence[Edit], evidence: Evidence) -> Overlay:
    """Outline the same places on the original, and what a crop cut away from it."""
    width, height = evidence.reference.width, evidence.reference.height
    homography = evidence.comparison.reference_from_query
    outlines = [
        _make_outline(number, [_project(polygon, homography) for polygon in polygons], width, height)
        for number, polygons in _number_polygons(edits, evidence)
        if edits[number - 1].operation not in ("pad", "composite")
    ]
    for number, edit in enumerate(edits, start=1):
        if edit.operation == "crop":
            kept = _box_polygon((0, 0, evidence.query.width, evidence.query.height))
            frame = _box_polygon((0, 0, width, height))
            polygons = [frame, _project(kept, homography)]
            outlines.append(_make_outline(number, polygons, width, height, inverted=True))
    return Overlay(width, height, tuple(outlines))


def outline_boxes(boxes: Mapping[int, Box], width: int, height: int) -> Overlay:
    """Outline numbered boxes; numbers of boxes that begin at the same corner are put side by side."""
    outlines: list[Outline] = []
    step = _NUMBER_STEP * max(width, height)
    for number, box in boxes.items():
        outline = _make_outline(number, [_box_polygon(box)], width, height)
        while any(abs(outline.x - one.x) < step and abs(outline.y - one.y) < step for one in outlines):
            outline = replace(outline, x=outline.x + step)
        outlines.append(outline)
    return Overlay(width, height, tuple(outlines))


def _outside(evidence: Evidence) -> str:
    width, height = evidence.query.width, evidence.query.height
    shown = shown_area(evidence)
    if len(shown) and cv2.contourArea(shown) > _ALL * width * height:
        return ""
    return _write_path([_box_polygon((0, 0, width, height)), shown])


def _number_polygons(edits: Sequence[Edit], evidence: Evidence) -> Iterable[tuple[int, list[Polygon]]]:
    """Yield the number of each edit in the list and its outlines in full-size query pixels."""
    comparison = evidence.comparison
    scale = comparison.working_scale
    margin = choose_margin(comparison.labels)
    regions = trace_regions(comparison.labels, margin=margin)
    for number, edit in enumerate(edits, start=1):
        if edit.box is not None and (edit.operation.startswith("text_") or edit.label not in regions):
            # A line of text reads better in a box than in an outline of its letters.
            yield number, [_box_polygon(edit.box, margin=margin / scale if edit.label else 0)]
        elif edit.label in regions:
            yield number, [(polygon + 0.5) / scale - 0.5 for polygon in regions[edit.label]]


def _box_polygon(box: Box, *, margin: float = 0) -> Polygon:
    x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def _project(polygon: Polygon, homography: NDArray[np.float64]) -> Polygon:
    projected = cv2.perspectiveTransform(polygon[None].astype(np.float64), homography)
    return np.asarray(np.nan_to_num(projected[0]), np.float32)


def _make_outline(
    number: int, polygons: Sequence[Polygon], width: int, height: int, *, inverted: bool = False
) -> Outline:
    """Write polygons as one path, clipped to the picture, numbered at the upper left of the largest."""
    limits = np.array([width, height], np.float32)
    clipped = [np.clip(polygon, 0, limits) for polygon in polygons]
    corner = clipped[-1 if inverted else 0].min(axis=0)
    return Outline(number, _write_path(clipped), float(corner[0]), float(corner[1]), inverted)


def _write_path(polygons: Sequence[Polygon]) -> str:
    return " ".join(
        "M" + "L".join(f"{round(float(x), 1):g} {round(float(y), 1):g}" for x, y in polygon) + "Z"
        for polygon in polygons
        if len(polygon)
    )
