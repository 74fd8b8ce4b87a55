"""The residual: silent on encoding and half a pixel of offset, not on edits."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from provenance.compare.residual import measure_residual
from provenance.records import Pixels

Jpeg = Callable[..., Image.Image]


def everywhere(pixels: Pixels) -> np.ndarray:
    return np.ones(pixels.shape[:2], bool)


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_encoding_leaves_no_change(pictures: list[Image.Image], jpeg: Jpeg, quality: int) -> None:
    for picture in pictures:
        original = np.asarray(picture)
        encoded = np.asarray(jpeg(picture, quality=quality))
        residual = measure_residual(encoded, original, everywhere(original))
        assert residual.changed.mean() < 0.002


def test_half_a_pixel_of_offset_leaves_no_change(pictures: list[Image.Image]) -> None:
    for picture in pictures:
        original = np.asarray(picture)
        shift = np.array([[1, 0, 0.5], [0, 1, -0.4]])
        moved = cv2.warpAffine(original, shift, picture.size, borderMode=cv2.BORDER_REPLICATE)
        residual = measure_residual(moved, original, everywhere(original))
        assert residual.changed.mean() < 0.002


def test_identical_pictures_have_no_residual(pictures: list[Image.Image]) -> None:
    original = np.asarray(pictures[0])
    residual = measure_residual(original, original, everywhere(original))
    assert residual.strength.max() == 0
    assert not residual.changed.any()


def test_outside_the_overlap_nothing_counts(pictures: list[Image.Image]) -> None:
    original = np.asarray(pictures[0])
    overlap = everywhere(original)
    overlap[:, :80] = False
    predicted = np.where(overlap[..., None], original, 0).astype(np.uint8)
    residual = measure_residual(original, predicted, overlap)
    assert not residual.changed.any()
    assert residual.strength[~overlap].max() == 0


@pytest.mark.parametrize("size", [10, 40])
def test_a_painted_patch_is_found_where_it_lies(pictures: list[Image.Image], jpeg: Jpeg, size: int) -> None:
    for picture in pictures:
        original = np.asarray(picture)
        edited = original.copy()
        edited[100 : 100 + size, 120 : 120 + size] = 255 - edited[100 : 100 + size, 120 : 120 + size] // 2
        changed = measure_residual(
            np.asarray(jpeg(Image.fromarray(edited), quality=80)), original, everywhere(original)
        ).changed
        patch = np.s_[100 : 100 + size, 120 : 120 + size]
        assert changed[patch].mean() > 0.8
        changed[80 : 120 + size, 100 : 140 + size] = False
        assert not changed.any()


def test_a_blurred_place_shows_as_lost_texture() -> None:
    rng = np.random.default_rng(0)
    original = rng.integers(60, 200, (200, 260, 3), np.uint8)
    edited = original.copy()
    edited[60:140, 80:180] = cv2.GaussianBlur(original, (0, 0), 3)[60:140, 80:180]
    residual = measure_residual(edited, original, everywhere(original))
    assert residual.texture[70:130, 90:170].max() < -1
    assert residual.changed[70:130, 90:170].all()
    assert residual.textured.all()


def test_a_faint_wide_shadow_is_found(jpeg: Jpeg) -> None:
    rows = np.linspace(120, 180, 300)[:, None].repeat(400, 1)
    original = np.repeat(rows[..., None], 3, axis=2).astype(np.uint8)
    edited = original.copy()
    edited[100:220, 100:300] -= 14
    residual = measure_residual(
        np.asarray(jpeg(Image.fromarray(edited), quality=75)), original, everywhere(original)
    )
    assert residual.changed[110:210, 110:290].mean() > 0.95
    assert residual.changed[:80].sum() == 0


def test_noise_grows_with_compression(pictures: list[Image.Image], jpeg: Jpeg) -> None:
    original = np.asarray(pictures[0])
    noises = [
        measure_residual(
            np.asarray(jpeg(pictures[0], quality=q)), original, everywhere(original)
        ).noise_levels
        for q in (30, 60, 95)
    ]
    assert noises[0] > noises[1] > noises[2]
