"""Correlation of small pictures, on real photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from provenance.verify.dense import resemble, small_gray, whole_picture_homography
from provenance.verify.geometry import project


def pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_form_of_a_whole_picture_is_found_and_its_homography_maps_the_corners(
    photos: list[Path], turns: int, mirrored: bool
) -> None:
    reference = pixels(photos[3])
    height, width = reference.shape[:2]
    query = np.rot90(reference, turns)
    query = np.ascontiguousarray(query[:, ::-1] if mirrored else query)
    alike = resemble(small_gray(query), small_gray(reference))
    assert alike.detail_correlation > 0.95
    size = (query.shape[1], query.shape[0])
    homography = whole_picture_homography(alike, size, (width, height))
    marks = np.array([[0.0, 0.0], [size[0] - 1.0, 0.0], [0.0, size[1] - 1.0]])
    for (x, y), (u, v) in zip(marks, project(homography, marks), strict=True):
        assert np.array_equal(query[int(y), int(x)], reference[round(v), round(u)])


def test_different_pictures_do_not_resemble_each_other(photos: list[Path]) -> None:
    grays = [small_gray(pixels(photo)) for photo in photos]
    for number, gray in enumerate(grays):
        assert resemble(gray, grays[number - 1]).detail_correlation < 0.5


def test_flat_pictures_have_no_structure() -> None:
    flat = np.full((100, 150), 80, np.float32)
    assert resemble(flat, flat).structure < 0.01
