"""Pictures of few colours: what a palette (GIF, 8-bit PNG) or posterizing explains is no edit of a place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.replay import apply_edit
from provenance.records import Pixels

_MAX_COLORS = 256
_MIN_LEVELS = 24
"""Different levels of each channel in a palette made for a photo; a posterized picture has fewer."""
_MIN_WIDTH = 0.08
"""Second over first extent of the colours; grey and tinted pictures lie on a line, and are no palettes."""
_NEIGHBORS = 8
"""Dithering mixes the nearest few colours."""
_SLACK = 1.25
_SLACK_LEVELS = 10.0
_UNSURE_LEVELS = 6
"""How far encoding moves a level, perhaps over the edge of a step."""


def find_palette(pixels: Pixels) -> NDArray[np.float32] | None:
    """The colours [n, 3] of a picture [h, w, 3] that was reduced to a palette; None for any other."""
    if len(_colors(pixels.reshape(-1, 3)[::97])) > _MAX_COLORS:
        return None
    found = _colors(pixels.reshape(-1, 3))
    if not 16 <= len(found) <= _MAX_COLORS:
        return None
    colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.float32)
    if min(len(np.unique(channel)) for channel in colors.T) < _MIN_LEVELS:
        return None
    extents = np.linalg.svd(colors - colors.mean(axis=0), compute_uv=False)
    return colors if extents[1] > _MIN_WIDTH * extents[0] else None


def _colors(pixels: Pixels) -> NDArray[np.uint32]:
    """The different colours of pixels [n, 3], packed."""
    return np.unique(pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32))


def lift_quantization(query: Pixels, predicted: Pixels, palette: NDArray[np.float32]) -> Pixels:
    """The query with the predicted colour wherever the palette is reason enough for the one it has.

    A difference counts only where the query's colour lies farther from the prediction than the few nearest
    colours of the palette do.
    """
    grid = np.arange(4.0, 256.0, 8.0, dtype=np.float32)
    cells = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), axis=-1).reshape(-1, 3)
    squared = (cells**2).sum(axis=1)[:, None] - 2 * cells @ palette.T + (palette**2).sum(axis=1)[None, :]
    place = min(_NEIGHBORS, len(palette)) - 1
    reach = np.sqrt(np.maximum(np.partition(squared, place, axis=1)[:, place], 0))
    r, g, b = (predicted[..., channel].astype(np.int32) >> 3 for channel in range(3))
    allowed = _SLACK * reach[(r * 32 + g) * 32 + b] + _SLACK_LEVELS
    distance = np.linalg.norm(query.astype(np.float32) - predicted.astype(np.float32), axis=2)
    return np.where((distance <= allowed)[..., None], predicted, query)


def lift_steps(query: Pixels, replayed: Pixels, reference: Pixels, parameters: Mapping[str, Any]) -> Pixels:
    """The query as `replayed` wherever it lies on a step that the reference may have been rounded to.

    `parameters` are those of a posterized tone. Near the edge between two steps either is right.
    """
    kernel = np.ones((5, 5), np.uint8)
    low = apply_edit(_moved(cv2.erode(reference, kernel), -_UNSURE_LEVELS), "tone", parameters)
    high = apply_edit(_moved(cv2.dilate(reference, kernel), _UNSURE_LEVELS), "tone", parameters)
    slack = 2 * _UNSURE_LEVELS
    inside = (query >= _moved(low, -slack)) & (query <= _moved(high, slack))
    return np.where(inside.all(axis=2, keepdims=True), replayed, query)


def _moved(pixels: Pixels, levels: int) -> Pixels:
    """Brighter or darker by some levels."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(pixels.astype(np.int16) + levels, 0)), np.uint8)
