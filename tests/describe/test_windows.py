"""Parts of a query: they cover it, and find what the whole does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.describe import Describer
from provenance.describe.windows import inner_frame, windows
from tests.describe.pictures import decoded


@pytest.mark.parametrize("shape", [(300, 400, 3), (1, 1, 3), (2, 900, 3)])
def test_windows_cover_the_picture(shape: tuple[int, int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    parts = windows(pixels)
    assert len(parts) == 4
    for part in parts:
        assert part.size > 0
        part += 1  # the windows are views
    assert pixels.min() >= 1


def test_an_inset_is_closer_to_its_window_than_to_the_whole(photos: list[Path]) -> None:
    describer = Describer(threads=1)
    pictures = [np.asarray(Image.open(path).convert("RGB").resize((600, 450))) for path in photos[:6]]
    references = describer.describe([decoded(picture) for picture in pictures])
    rows = np.stack([reference.embeddings["copy"] for reference in references])
    for number in range(1, 6):
        page = pictures[0].copy()
        page[20:245, 290:590] = np.asarray(Image.fromarray(pictures[number]).resize((300, 225)))
        whole = describer.describe([decoded(page)])[0].embeddings["copy"] @ rows[number]
        parts = describer.embed_windows(decoded(page))["copy"] @ rows.T
        assert parts[:, number].max() > whole + 0.1
        assert parts[:, 1:].max(axis=0).argmax() == number - 1


def test_plain_borders_are_left_out_and_the_rest_is_the_first_window(photos: list[Path]) -> None:
    picture = np.asarray(Image.open(photos[0]).convert("RGB").resize((300, 200)))
    page = np.full((400, 320, 3), 20, np.uint8)
    page[120:320, 10:310] = picture
    np.testing.assert_array_equal(inner_frame(page), picture)
    np.testing.assert_array_equal(windows(page)[0], picture)
    assert inner_frame(picture).shape == picture.shape
    flat = np.full((50, 60, 3), 255, np.uint8)
    assert inner_frame(flat).shape == flat.shape
