"""A pair in the making: both pictures, where each query pixel lies in the reference, what was done so far.

Edits of the content come first, while both sides lie on top of each other; then the levels; then the frame.
Every local edit keeps the mask of the pixels it really changed and carries it through what comes later, so
that its box is measured, never computed from what was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.evaluate.pairs.truth import OPERATIONS, Strength, TrueEdit
from provenance.records import Box, Pixels

Mask: TypeAlias = NDArray[np.bool_]
Alpha: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = NDArray[np.float64]

SEEN_LEVELS = 12
"""A pixel has changed when a channel differs by so much (or by a third of what the strongest differ by)."""
ANY_LOCAL = tuple(name for name in OPERATIONS if name.startswith(("object_", "text_")))
SPECK = 0.004
"""Isolated parts smaller than this share of a change do not widen its box."""
# RMS levels times the root of the percent of the picture that changed: 60 levels over 1 % give 60.
LEAST, VISIBLE, GROSS = 5.0, 40.0, 150.0
# However large the part is, fainter changes than these are seen less well.
LEAST_RMS, VISIBLE_RMS, GROSS_RMS = 6.0, 15.0, 35.0


@dataclass(frozen=True, slots=True, eq=False)
class Drafted:
    """An edit with the pixels it changed, None for an edit of the whole picture."""

    edit: TrueEdit
    mask: Mask | None = None
    """[h, w] of the query as it is now."""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """What a kind of edit takes and returns."""

    reference: Pixels
    query: Pixels
    reference_from_query: Matrix = field(default_factory=lambda: np.eye(3))
    done: tuple[Drafted, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the query."""
        return int(self.query.shape[1]), int(self.query.shape[0])

    @property
    def edited(self) -> Mask:
        """[h, w] of the query: what local edits have touched so far."""
        touched = np.zeros(self.query.shape[:2], np.bool_)
        for one in self.done:
            if one.mask is not None:
                touched |= one.mask
        return touched

    def with_local(
        self,
        operation: str,
        query: Pixels,
        *,
        before: Pixels | None = None,
        reference: Pixels | None = None,
        parameters: dict[str, Any] | None = None,
        strength: Strength | None = None,
        **truth: Any,
    ) -> Draft | None:
        """The draft after an edit of some pixels.

        `before` is what the query would be without it, where that is not what the query was: an object that
        is then removed has to be in the reference as well. None where nothing can be seen of the edit, or
        where it lies on an earlier one. `strength` is measured where it is not given.
        """
        before = self.query if before is None else before
        mask, seen = measure_change(before, query)
        if seen is None or np.any(mask & self.edited):
            return None
        difference = np.abs(before.astype(np.int16) - query).mean(axis=2)[mask].mean()
        measured = {"area_percent": 0.0, "difference_levels": round(float(difference), 1)}
        box = bounds(mask)
        edit = TrueEdit(
            operation, box, box, measured | (parameters or {}), strength=strength or seen, **truth
        )
        reference = self.reference if reference is None else reference
        return replace(self, reference=reference, query=query, done=(*self.done, Drafted(edit, mask)))

    def with_whole(self, *edits: TrueEdit, query: Pixels | None = None) -> Draft:
        """The draft after edits of the whole picture that move no pixel."""
        pixels = self.query if query is None else np.ascontiguousarray(query, dtype=np.uint8)
        return replace(self, query=pixels, done=(*self.done, *(Drafted(edit) for edit in edits)))

    def with_optional(self, operation: str, mask: Mask | None = None, *accepted: str) -> Draft:
        """The draft with something that may be said of it or not."""
        box = None if mask is None else bounds(mask)
        edit = TrueEdit(operation, box, accepted=accepted, optional=True)
        return replace(self, done=(*self.done, Drafted(edit, mask)))

    def moved(self, query: Pixels, new_from_old: Matrix, *edits: TrueEdit) -> Draft:
        """The draft with its query's pixels moved by a homography onto a page, masks and all."""
        size = (query.shape[1], query.shape[0])
        done = []
        for one in self.done:
            mask, edit = one.mask, one.edit
            if mask is not None:
                seen = cv2.warpPerspective(mask.astype(np.uint8), new_from_old, size, flags=cv2.INTER_NEAREST)
                before, mask = np.count_nonzero(mask), seen > 0
                if np.count_nonzero(mask) < 0.5 * before * _area_scale(new_from_old, self.size):
                    # What is hardly left in the frame is not there to be found.
                    edit = replace(edit, optional=True, accepted=ANY_LOCAL)
            done.append(Drafted(_moved_box(edit, new_from_old, size), mask))
        matrix = self.reference_from_query @ np.linalg.inv(new_from_old)
        return Draft(self.reference, query, matrix, (*done, *(Drafted(edit) for edit in edits)))

    def resized(self, width: int, height: int, method: Image.Resampling) -> Draft:
        """The draft at another size."""
        pixels = np.asarray(Image.fromarray(self.query).resize((width, height), method))
        return self.moved(pixels, scaling(self.size, (width, height)))

    def finished(self) -> tuple[TrueEdit, ...]:
        """The edits with their boxes as they lie in the query now; what left the frame is dropped."""
        edits = []
        for one in self.done:
            if one.mask is None:
                edits.append(one.edit)
            elif one.mask.any():
                parameters = dict(one.edit.parameters)
                if "area_percent" in parameters:
                    parameters["area_percent"] = round(100 * float(one.mask.mean()), 3)
                edits.append(replace(one.edit, box=bounds(one.mask), parameters=parameters))
        return tuple(edits)


def measure_change(before: Pixels, after: Pixels) -> tuple[Mask, Strength | None]:
    """The pixels that can be seen to differ, without specks, and how strongly; None below all seeing."""
    difference = np.abs(before.astype(np.int16) - after).max(axis=2)
    touched = difference[difference > 2]
    if len(touched) < 16:
        return np.zeros(difference.shape, np.bool_), None
    level = min(SEEN_LEVELS, max(4, int(np.percentile(touched, 95) / 3)))
    mask = without_specks(difference > level)
    count = np.count_nonzero(mask)
    if count < 40:
        return mask, None
    rms = float(np.sqrt(np.mean(difference[mask].astype(np.float64) ** 2)))
    return mask, strength_of(rms, count / mask.size)


def strength_of(rms: float, share: float) -> Strength | None:
    """How well a change of `rms` levels over a share of the picture is seen; None: not at all."""
    seen = rms * float(np.sqrt(100 * share))
    if seen < LEAST or rms < LEAST_RMS:
        return None
    if seen < VISIBLE or rms < VISIBLE_RMS:
        return "barely"
    return "visible" if seen < GROSS or rms < GROSS_RMS else "gross"


def without_specks(mask: Mask) -> Mask:
    """The mask less its isolated small parts; parts near each other count together."""
    reach = max(1, round(0.004 * max(mask.shape)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    grown = cv2.dilate(mask.astype(np.uint8), kernel)
    count, labels = cv2.connectedComponents(grown, connectivity=8)
    if count < 3:
        return mask
    areas = np.bincount(labels[mask], minlength=count)
    keep = areas >= SPECK * areas[1:].max()
    keep[0] = False
    return np.asarray(mask & keep[labels], np.bool_)


def bounds(mask: Mask) -> Box:
    """The box around what is true."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return int(x), int(y), int(x + width), int(y + height)


def blend(photo: Pixels, layer: Pixels, alpha: Alpha) -> Pixels:
    """`layer` over `photo`."""
    mixed = photo + (layer.astype(np.float32) - photo) * alpha[..., None]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def scaling(old: tuple[int, int], new: tuple[int, int]) -> Matrix:
    """The homography of a resize, sizes (width, height); an integer is the centre of a pixel."""
    x, y = new[0] / old[0], new[1] / old[1]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def shifting(x: float, y: float) -> Matrix:
    """The homography of a shift."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def project_box(box: Box, matrix: Matrix, size: tuple[int, int]) -> Box:
    """The bounds of a box seen through a homography, clipped to `size`."""
    x0, y0, x1, y1 = (value - 0.5 for value in box)
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float64)
    points = cv2.perspectiveTransform(corners, matrix)[0] + 0.5
    low, high = np.clip(points.min(axis=0), 0, size), np.clip(points.max(axis=0), 0, size)
    return round(float(low[0])), round(float(low[1])), round(float(high[0])), round(float(high[1]))


def _moved_box(edit: TrueEdit, new_from_old: Matrix, size: tuple[int, int]) -> TrueEdit:
    """Boxes and lengths that are measured in query pixels."""
    parameters = dict(edit.parameters)
    scale = float(np.sqrt(_area_scale(new_from_old, size)))
    for name in ("sigma_px", "block_px"):
        if name in parameters:
            parameters[name] = round(parameters[name] * scale, 2)
    if "source_box" in parameters:
        parameters["source_box"] = list(project_box(tuple(parameters["source_box"]), new_from_old, size))
    text_px = None if edit.text_px is None else round(edit.text_px * scale)
    # Boxes of framing edits have no mask; those of local ones are measured on theirs at the end.
    box = edit.box if edit.box is None else project_box(edit.box, new_from_old, size)
    return replace(edit, box=box, parameters=parameters, text_px=text_px)


def _area_scale(matrix: Matrix, size: tuple[int, int]) -> float:
    """How much larger areas become in the middle of a picture."""
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2, 1.0])
    return abs(float(np.linalg.det(matrix) / (matrix[2] @ middle) ** 3))
