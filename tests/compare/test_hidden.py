"""Blurring and pixelation must not be taken for one another: both are said to users in so many words."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.compare import compare
from provenance.records import DecodedImage

Decoder = Callable[[Image.Image], DecodedImage]
PLACE = np.s_[110:200, 130:260]


def hidden(picture: Image.Image, kind: str) -> Image.Image:
    """The picture with a hard-edged rectangle blurred or pixelated."""
    pixels = np.array(picture)
    part = pixels[PLACE]
    if kind == "blurred":
        layer = cv2.GaussianBlur(pixels, (0, 0), 6)[PLACE]
    else:
        small = cv2.resize(part, (part.shape[1] // 10, part.shape[0] // 10), interpolation=cv2.INTER_AREA)
        layer = cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    pixels[PLACE] = layer
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["blurred", "pixelated"])
@pytest.mark.parametrize("number", range(4))
def test_a_hidden_rectangle_is_named_by_how_it_was_hidden(
    pictures: list[Image.Image], decoded: Decoder, jpeg: Callable[..., Image.Image], number: int, kind: str
) -> None:
    picture = pictures[number]
    edited = hidden(picture, kind)
    before, after = (np.asarray(side, np.float32)[PLACE] for side in (picture, edited))
    if np.abs(before - after).mean() < 6:
        pytest.skip("this photo is too smooth there: hiding it changes nothing visible")
    found = compare(decoded(jpeg(edited, quality=88)), decoded(picture), np.eye(3), read_text=False).changes
    assert {change.parameters.get("kind") for change in found if change.operation == "object_blurred"} == {
        kind
    }
    if kind == "pixelated":
        block = next(c.parameters["block_px"] for c in found if c.operation == "object_blurred")
        assert block == pytest.approx(10, abs=1)
