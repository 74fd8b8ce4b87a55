"""Pixels -> pictures inside a page: WebP as data: URIs, so that the page needs no other file; and PNG."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from provenance.records import Pixels

_QUALITIES = (82, 60, 40)
_MAX_BYTES = 560_000
"""Three such pictures, as text, stay under 3 MB with all else on a page."""


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture as a data: URI, with its size in pixels."""

    uri: str
    width: int
    height: int


def encode_inline(pixels: Pixels, *, side: int) -> InlineImage:
    """Encode uint8 [h, w, 3] as WebP with a long side of at most `side` pixels, never enlarged.

    What stays too large for a page at the lowest quality is made smaller.
    """
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    for quality in _QUALITIES:
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=2)
        if file.tell() <= _MAX_BYTES:
            uri = "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
            return InlineImage(uri, image.width, image.height)
    return encode_inline(pixels, side=max(image.size) * 3 // 4)


def encode_png(pixels: Pixels) -> bytes:
    """Encode uint8 [h, w, 3] as a PNG file, without loss."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=4)
    return file.getvalue()
