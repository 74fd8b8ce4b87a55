"""Real pictures of the sample, as the decode room hands them over, and the encoder queries go through."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance.records import DecodedImage

Decoder = Callable[[Image.Image], DecodedImage]


def as_decoded(image: Image.Image) -> DecodedImage:
    """A picture in memory as a DecodedImage."""
    return DecodedImage(
        pixels=np.ascontiguousarray(image.convert("RGB")),
        name="picture",
        sha256="",
        pixel_sha256=None,
        format="PNG",
        byte_size=0,
        width=image.width,
        height=image.height,
    )


def as_jpeg(image: Image.Image, **options: Any) -> Image.Image:
    """A picture after a JPEG encoder."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return Image.open(buffer).convert("RGB")


@pytest.fixture(scope="session")
def pictures(photos: list[Path]) -> list[Image.Image]:
    """Four real photos, long side 400."""
    opened = [Image.open(path).convert("RGB") for path in photos[:12:3]]
    for picture in opened:
        picture.thumbnail((400, 400))
    return opened


@pytest.fixture(scope="session")
def decoded() -> Decoder:
    """Turns a PIL picture into a DecodedImage."""
    return as_decoded


@pytest.fixture(scope="session")
def jpeg() -> Callable[..., Image.Image]:
    """Sends a PIL picture through a JPEG encoder."""
    return as_jpeg
