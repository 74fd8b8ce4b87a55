"""Pictures as models take them: not too large, cut out, or two in one."""

from __future__ import annotations

import numpy as np
from PIL import Image

from provenance.records import Box, Pixels

DIVIDER_PX = 12


def fit(pixels: Pixels, most: int) -> Pixels:
    """Return the picture with at most `most` pixels, never enlarged."""
    height, width = pixels.shape[:2]
    scale = (most / (height * width)) ** 0.5
    if scale >= 1:
        return pixels
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def cut_out(pixels: Pixels, box: Box, *, margin: float = 0.25, least_px: int = 64) -> Pixels:
    """Return the surroundings of a box: a quarter of its size more on each side, at least 64 px wide."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box
    across = max((x1 - x0) * margin, (least_px - (x1 - x0)) / 2)
    down = max((y1 - y0) * margin, (least_px - (y1 - y0)) / 2)
    left, top = max(0, round(x0 - across)), max(0, round(y0 - down))
    right, bottom = min(width, round(x1 + across)), min(height, round(y1 + down))
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def side_by_side(left: Pixels, right: Pixels) -> Pixels:
    """Return two pictures in one, brought to one height, with a white bar between them."""
    height = max(left.shape[0], right.shape[0])
    parts = []
    for pixels in (left, right):
        image = Image.fromarray(np.ascontiguousarray(pixels))
        width = max(1, round(image.width * height / image.height))
        parts.append(np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)))
    bar = np.full((height, DIVIDER_PX, 3), 255, np.uint8)
    return np.concatenate([parts[0], bar, parts[1]], axis=1)
