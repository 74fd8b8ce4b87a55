"""Boxes -> named places, free of any language; explanation and report say them in their own words."""

from __future__ import annotations

from typing import Literal

from provenance.records import Box

Place = Literal[
    "upper_left_corner", "upper_right_corner", "lower_left_corner", "lower_right_corner",
    "upper_left", "top", "upper_right",
    "left", "middle", "right",
    "lower_left", "bottom", "lower_right",
    "upper_half", "lower_half", "left_half", "right_half",
    "top_edge", "across_middle", "across_upper", "across_lower", "bottom_edge",
    "left_edge", "down_middle", "down_left", "down_right", "right_edge",
    "everywhere",
]  # fmt: skip

_GRID: tuple[tuple[Place, Place, Place], ...] = (
    ("upper_left", "top", "upper_right"),
    ("left", "middle", "right"),
    ("lower_left", "bottom", "lower_right"),
)
_CORNERS: tuple[tuple[Place, Place], ...] = (
    ("upper_left_corner", "upper_right_corner"),
    ("lower_left_corner", "lower_right_corner"),
)
_ROWS: tuple[Place, ...] = ("top_edge", "across_upper", "across_middle", "across_lower", "bottom_edge")
_COLUMNS: tuple[Place, ...] = ("left_edge", "down_left", "down_middle", "down_right", "right_edge")
_SPANS = 0.7
"""A box this wide goes "across" the picture."""
_EDGE = 0.06
"""A box that comes this near to a side lies "along" it."""
_CORNER = 0.3
"""A box that lies in this share of both sides, and comes near to both, is in the corner."""


def name_place(box: Box, *, width: int, height: int) -> Place:
    """Name where a box [x0, y0, x1, y1] lies in a picture of width x height pixels."""
    x0, x1 = (min(max(value / max(width, 1), 0.0), 1.0) for value in (box[0], box[2]))
    y0, y1 = (min(max(value / max(height, 1), 0.0), 1.0) for value in (box[1], box[3]))
    wide, tall = x1 - x0, y1 - y0
    if wide >= _SPANS and tall >= _SPANS:
        return "everywhere"
    if wide >= _SPANS:
        return _name_band(y0, y1, _ROWS, halves=("upper_half", "lower_half"))
    if tall >= _SPANS:
        return _name_band(x0, x1, _COLUMNS, halves=("left_half", "right_half"))
    row, column = _near_end(y0, y1), _near_end(x0, x1)
    if row is not None and column is not None:
        return _CORNERS[row][column]
    return _GRID[_third((y0 + y1) / 2)][_third((x0 + x1) / 2)]


def _near_end(start: float, end: float) -> int | None:
    """0 or 1: the end of the axis that an extent lies at; None where it lies at neither."""
    if end <= _CORNER and start <= _EDGE:
        return 0
    return 1 if start >= 1 - _CORNER and end >= 1 - _EDGE else None


def _name_band(start: float, end: float, bands: tuple[Place, ...], *, halves: tuple[Place, Place]) -> Place:
    """Name a band that runs across the picture by its extent on the other axis, 0..1."""
    first_edge, first, middle, last, last_edge = bands
    centre = (start + end) / 2
    if end - start >= 0.4:
        if centre < 0.42:
            return halves[0]
        return halves[1] if centre > 0.58 else middle
    if start <= _EDGE and centre < 0.3:
        return first_edge
    if end >= 1 - _EDGE and centre > 0.7:
        return last_edge
    return (first, middle, last)[_third(centre)]


def _third(position: float) -> int:
    """0, 1 or 2: the third of the axis that a position 0..1 falls in."""
    return min(int(position * 3), 2)
