"""A palette is an encoding: GIF and 8-bit PNG copies have no edit, and their real edits are still found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageOps

from provenance.compare import compare
from provenance.compare.quantized import find_palette
from provenance.records import DecodedImage

Decoder = Callable[[Image.Image], DecodedImage]


def operations(query: Image.Image, reference: Image.Image, decoded: Decoder) -> list[str]:
    found = compare(decoded(query.convert("RGB")), decoded(reference), np.eye(3), read_text=False)
    return [change.operation for change in found.changes]


@pytest.mark.parametrize("dither", [Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG])
@pytest.mark.parametrize("number", range(4))
def test_a_palette_is_no_edit(
    pictures: list[Image.Image], decoded: Decoder, number: int, dither: Image.Dither
) -> None:
    picture = pictures[number]
    palette = picture.quantize(256)
    assert operations(picture.quantize(256, palette=palette, dither=dither), picture, decoded) == []


def test_an_object_pasted_into_a_picture_with_a_palette_is_found(
    pictures: list[Image.Image], decoded: Decoder
) -> None:
    edited = pictures[0].copy()
    edited.paste(ImageOps.invert(pictures[1]).resize((90, 70)), (120, 90))
    found = operations(edited.quantize(256), pictures[0], decoded)
    assert found in (["object_added"], ["object_replaced"])


def test_grey_tinted_posterized_and_full_pictures_have_no_palette(pictures: list[Image.Image]) -> None:
    picture = pictures[0]
    tinted = ImageOps.colorize(picture.convert("L"), "#200800", "#ffeecc")
    for other in (picture, picture.convert("L").convert("RGB"), tinted, ImageOps.posterize(picture, 2)):
        assert find_palette(np.asarray(other)) is None
    assert find_palette(np.asarray(picture.quantize(200).convert("RGB"))) is not None
