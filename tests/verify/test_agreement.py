"""Where two pictures agree, how much of them, and what kind of thing it is, on real photos."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from provenance.verify.agreement import agreement
from provenance.verify.dense import small_gray

Pixels = NDArray[np.uint8]


def pixels(path: Path, size: tuple[int, int] = (480, 320)) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB").resize(size))


def of(query: Pixels, reference: Pixels, homography: NDArray[np.float64] | None = None, **options: bool):  # type: ignore[no-untyped-def]
    sizes = ((query.shape[1], query.shape[0]), (reference.shape[1], reference.shape[0]))
    matrix = np.eye(3) if homography is None else homography
    return agreement(small_gray(query, 640), small_gray(reference), matrix, *sizes, **options)


def test_a_copy_agrees_everywhere_and_another_picture_nowhere(photos: list[Path]) -> None:
    first, second = pixels(photos[0]), pixels(photos[1])
    same, other = of(first, first), of(first, second)
    assert min(same.overlap, same.query, same.reference) > 0.95
    assert same.where.mean() > 0.6
    assert other.overlap < 0.15


def test_a_crop_shows_all_of_the_query_and_a_part_of_the_reference(photos: list[Path]) -> None:
    reference = pixels(photos[3])
    query = np.ascontiguousarray(reference[80:240, 100:340])
    found = of(query, reference, np.array([[1, 0, 100], [0, 1, 80], [0, 0, 1.0]]))
    assert found.overlap > 0.9
    assert found.query > 0.9
    assert 0.15 < found.reference < 0.7
    assert found.explained == found.query


def test_an_inset_shows_all_of_the_reference_and_a_part_of_the_query(photos: list[Path]) -> None:
    reference, query = pixels(photos[3]), pixels(photos[1])
    query = query.copy()
    query[40:200, 200:440] = cv2.resize(reference, (240, 160), interpolation=cv2.INTER_AREA)
    found = of(query, reference, np.array([[2, 0, -400], [0, 2, -80], [0, 0, 1.0]]))
    assert found.reference > 0.8
    assert found.query < 0.5
    rows, columns = np.nonzero(found.where)
    assert rows.max() * 320 / 24 < 205
    assert columns.min() * 480 / 24 > 170


def test_a_shared_photo_patch_is_little_and_no_graphic(photos: list[Path]) -> None:
    first, second, patch = (pixels(photos[number]).copy() for number in (0, 1, 3))
    for picture in (first, second):
        picture[:120, :180] = patch[:120, :180]
    found = of(first, second)
    assert 0.02 < found.explained < 0.35
    assert found.graphic < 0.75


def test_a_shared_banner_is_known_as_letters_at_the_border(photos: list[Path]) -> None:
    first, second = (pixels(photos[number]).copy() for number in (0, 1))
    for picture in (first, second):
        picture[270:] = (200, 20, 20)
        cv2.putText(picture, "BREAKING NEWS: 24", (8, 308), cv2.FONT_HERSHEY_DUPLEX, 1.4, (255, 255, 255), 3)
    found = of(first, second)
    assert found.graphic > 0.75
    assert found.border > 0.8
    assert found.explained < 0.4


def test_a_negative_agrees_only_as_a_negative(photos: list[Path]) -> None:
    reference = pixels(photos[2])
    assert of(255 - reference, reference).overlap < 0.1
    assert of(255 - reference, reference, negative=True).overlap > 0.9


def test_a_blurred_copy_agrees_at_the_coarser_scale(photos: list[Path]) -> None:
    reference = pixels(photos[0])
    assert of(cv2.GaussianBlur(reference, (0, 0), 4.0), reference).overlap > 0.6


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (13, 13)])
def test_flat_and_tiny_pictures_agree_on_nothing(size: tuple[int, int]) -> None:
    flat = np.full((size[1], size[0]), 80, np.float32)
    assert agreement(flat, flat, np.eye(3), size, size).overlap == 0.0


def test_a_homography_that_lays_nothing_over_the_query_agrees_on_nothing(photos: list[Path]) -> None:
    first = pixels(photos[0])
    away = np.array([[1, 0, 1e5], [0, 1, 1e5], [0, 0, 1.0]])
    assert of(first, first, away).overlap == 0.0
