"""Repeat a report's edits on the original at full size; its numbers may come from anywhere: check them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.motion import (
    Matrix,
    Motion,
    Size,
    corners_of,
    jacobian,
    nearest_dihedral,
    project,
    resize_matrix,
    whole_frame,
)
from provenance.compare.replay import apply_edit
from provenance.compare.warp import Frame, Picture, warp
from provenance.errors import InputError
from provenance.records import DecodedImage, Edit, Operation, Pixels

REPEATED: tuple[Operation, ...] = (
    "brightness", "contrast", "saturation", "color_balance", "grayscale", "tone", "blur", "sharpen"
)  # fmt: skip
FRAMING: tuple[Operation, ...] = ("flip", "rotate", "stretch", "perspective", "crop", "pad", "composite")
_UNKNOWN = (128, 128, 128)
"""What lies around the original in the query, where the report cannot know it."""
_SAME_PX = 0.01
# What each number may be: far beyond any edit, near enough to be worked with.
_RANGES: Mapping[str, tuple[float, float]] = {
    "percent": (-100, 10_000), "offset_levels": (-255, 255), "gamma": (0.01, 100), "factor": (0, 100),
    "pivot_level": (-10_000, 10_000), "hue_degrees": (-360, 360), "levels": (2, 256),
    "sigma_px": (0.05, 2000), "red_percent": (-1000, 1000), "green_percent": (-1000, 1000),
    "blue_percent": (-1000, 1000),
}  # fmt: skip
_TABLES: Mapping[str, tuple[int, int, int, float]] = {
    # rows from .. to, columns, largest number
    "curve_rgb": (2, 256, 4, 255),
    "matrix": (3, 3, 4, 100_000),
    "falloff_percent": (2, 2, 1, 10_000),
}


def repeat(
    original: DecodedImage,
    edits: Sequence[Edit],
    reference_from_query: Matrix,
    query_size: Size,
) -> tuple[Pixels, NDArray[np.bool_]]:
    """The original after framing and whole-picture edits, in the query's frame [h, w, 3], and where it lies.

    Edits are repeated by their step; noise and what is local are passed over. Raises InputError where a
    report's numbers make no sense.
    """
    source = Picture.of(original)
    check_homography(reference_from_query, query_size)
    motion = _motion(reference_from_query, query_size, source.size)
    pixels, overlap = warp(source, motion, Frame(query_size, query_size))
    for edit in sorted(edits, key=_place):
        if edit.operation in REPEATED:
            check_parameters(edit)
            pixels = apply_edit(pixels, edit.operation, edit.parameters)
    # The overlap is less the border's own pixel, which is shown all the same.
    shown = np.asarray(cv2.dilate(overlap.view(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)
    if not shown.all():
        pixels = pixels.copy()
        pixels[~shown] = _border(edits)
    return pixels, shown


def _place(edit: Edit) -> tuple[int, int]:
    """The step; reports from before steps were listed have 0, and give the order of most editors."""
    return edit.step, REPEATED.index(edit.operation) if edit.operation in REPEATED else 0


def _motion(reference_from_query: Matrix, query_size: Size, reference_size: Size) -> Motion:
    """The map as a plain resize where that is what it is, so that it is repeated by one."""
    corners = corners_of(query_size)
    dihedral = nearest_dihedral(jacobian(reference_from_query, corners.mean(axis=0)))
    frame = whole_frame(query_size, reference_size, dihedral)
    off = np.abs(project(frame, corners) - project(reference_from_query, corners)).max()
    inliers = np.zeros(0, np.bool_)
    if off < _SAME_PX:
        return Motion("frame", frame, inliers, 0.0)
    return Motion("homography", np.asarray(reference_from_query, np.float64), inliers, 0.0)


def check_homography(matrix: Matrix, query_size: Size) -> None:
    """Raise InputError where a homography does not map the whole query, plainly, to somewhere."""
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise InputError("the report's reference_from_query is no 3 x 3 matrix of numbers")
    depths = np.hstack([corners_of(query_size), np.ones((4, 1))]) @ matrix[2]
    if abs(np.linalg.det(matrix)) < 1e-12 or depths.min() * depths.max() <= 0:
        raise InputError("the report's reference_from_query maps no picture onto another one")


def check_parameters(edit: Edit) -> None:
    """Raise InputError where a number of an edit is none, or out of all reason."""
    for name, value in edit.parameters.items():
        if name in _RANGES:
            low, high = _RANGES[name]
            if not _is_number(value) or not low <= value <= high:
                raise _unusable(edit, f"{name} is {value!r}, not a number from {low:g} to {high:g}")
        elif name in _TABLES:
            _check_table(edit, name, value)
    if edit.operation == "tone" and not isinstance(edit.parameters.get("kind"), str):
        raise _unusable(edit, "it has no kind")
    for name in _needed(edit):
        if name not in edit.parameters:
            raise _unusable(edit, f"it has no {name}")


def _check_table(edit: Edit, name: str, value: Any) -> None:
    least, most, columns, largest = _TABLES[name]
    rows = [row if isinstance(row, list | tuple) else [row] for row in value] if _is_list(value) else []
    fits = least <= len(rows) <= most and all(
        len(row) == columns and all(_is_number(one) and abs(one) <= largest for one in row) for row in rows
    )
    if not fits or (name == "curve_rgb" and any(a[0] >= b[0] for a, b in pairwise(rows))):
        raise _unusable(edit, f"{name} is not a table of numbers as the report schema has it")


def _needed(edit: Edit) -> tuple[str, ...]:
    """The parameters without which an edit cannot be repeated."""
    given, kind = edit.parameters, edit.parameters.get("kind")
    if edit.operation == "brightness":
        return () if {"gamma", "offset_levels"} & set(given) else ("percent",)
    if edit.operation == "color_balance":
        if {"curve_rgb", "matrix", "hue_degrees"} & set(given):
            return ()
        return "red_percent", "green_percent", "blue_percent"
    if edit.operation == "tone":
        fixed = {"inverted": (), "posterized": ("levels", "spread"), "vignette": ("falloff_percent",)}
        return fixed.get(str(kind), ("curve_rgb",))
    if edit.operation == "grayscale":
        return () if kind == "gray" else ("curve_rgb",)
    plain: dict[str, tuple[str, ...]] = {
        "contrast": ("factor", "pivot_level"), "saturation": ("factor",), "blur": ("sigma_px",),
        "sharpen": ("percent", "sigma_px"),
    }  # fmt: skip
    return plain.get(edit.operation, ())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _unusable(edit: Edit, reason: str) -> InputError:
    return InputError(f"the report's edit {edit.operation!r} cannot be repeated: {reason}")


def _border(edits: Sequence[Edit]) -> tuple[int, ...]:
    """The colour of a border, of the corners of a turned picture, or grey where it is not known."""
    for edit in edits:
        color = edit.parameters.get("color", edit.parameters.get("fill"))
        if edit.operation in FRAMING and isinstance(color, str) and re.fullmatch("#[0-9a-f]{6}", color):
            return tuple(int(color[k : k + 2], 16) for k in (1, 3, 5))
    return _UNKNOWN


def scaled_to(reference_from_query: Matrix, recorded: Size, given: Size) -> Matrix:
    """The homography for an original of another size than the one in the report."""
    return np.asarray(resize_matrix(recorded, given) @ reference_from_query, np.float64)


def outline(pixels: Pixels, mask: NDArray[np.bool_]) -> None:
    """Draw a line around a part of a picture [h, w, 3], in place: what lies inside was not repeated."""
    width = max(2, round(max(mask.shape) / 400))
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(pixels, contours, -1, (255, 255, 255), 3 * width)
    cv2.drawContours(pixels, contours, -1, (214, 0, 110), width)
