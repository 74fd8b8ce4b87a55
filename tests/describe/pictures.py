"""Made-up pictures with structure at all sizes, different for each seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from provenance.records import DecodedImage


def scene(seed: int, *, width: int = 400, height: int = 300) -> NDArray[np.uint8]:
    """Cloudy ground with shapes on it, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    ground = np.zeros((height, width, 3))
    for cells in (3, 8, 24, 64):
        layer = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
        ground += np.asarray(Image.fromarray(layer).resize((width, height), Image.Resampling.BICUBIC)) / 4.0
    image = Image.fromarray(np.clip((ground - 128) * 1.6 + 128, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = rng.integers(0, width), rng.integers(0, height)
        w, h = rng.integers(6, width // 6 + 7), rng.integers(6, height // 6 + 7)
        color = tuple(int(c) for c in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=color)
    return np.asarray(image)


def decoded(pixels: NDArray[np.uint8], *, full_width: int | None = None) -> DecodedImage:
    """What `decode` would give for these pixels, perhaps of a larger picture."""
    height, width = pixels.shape[:2]
    factor = (full_width or width) / width
    return DecodedImage(
        pixels, "made up", "0" * 64, None, "PNG", 0, round(width * factor), round(height * factor)
    )
