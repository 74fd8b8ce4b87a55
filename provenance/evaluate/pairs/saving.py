"""How a picture is saved before it is looked at: JPEG, WebP or PNG, once or several times."""

from __future__ import annotations

import io
from typing import TypeAlias

import numpy as np
from PIL import Image

from provenance.records import Pixels

Saving: TypeAlias = tuple[tuple[str, int], ...]
"""(format, quality) of each time, the last one is the file's."""

SUFFIXES = {"JPEG": ".jpg", "WEBP": ".webp", "PNG": ".png"}


def any_format(rng: np.random.Generator, least: int = 30) -> Saving:
    """A format as on the web: mostly JPEG of quality `least` to 95, at times over again, WebP, PNG."""
    name = str(rng.choice(["JPEG", "JPEG twice", "WEBP", "PNG"], p=[0.5, 0.1, 0.25, 0.15]))
    quality = int(rng.integers(least, 96))
    if name == "JPEG twice":
        return (("JPEG", int(rng.integers(max(50, least), 96))), ("JPEG", quality))
    return ((name, quality),)


def save(pixels: Pixels, saving: Saving, rng: np.random.Generator) -> tuple[bytes, str]:
    """The file and its suffix."""
    picture = Image.fromarray(pixels)
    for name, quality in saving:
        stream = io.BytesIO()
        if name == "JPEG":
            picture.save(stream, name, quality=quality, subsampling=0 if rng.random() < 0.25 else 2)
        elif name == "WEBP":
            picture.save(stream, name, quality=quality, method=2)
        else:
            picture.save(stream, name, compress_level=3)
        data = stream.getvalue()
        with Image.open(io.BytesIO(data)) as again:
            picture = again.convert("RGB")
    return data, SUFFIXES[saving[-1][0]]
