"""Style: blur, sharpening and noise of the whole picture, and nothing from encoders and resizing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from provenance.compare.style import fit_style


def styled(query, reference, **options):
    before, after = np.asarray(reference), np.asarray(query)
    found = fit_style(before, after, np.ones(before.shape[:2], np.bool_), working_scale=1.0, **options)
    return {change.operation: change.parameters for change in found.changes}


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_encoding_is_no_style_edit(pictures, jpeg, quality):
    for picture in pictures:
        assert styled(jpeg(picture, quality=quality), picture) == {}


@pytest.mark.parametrize(
    "method", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
)
def test_the_filter_of_a_resize_is_no_style_edit(pictures, jpeg, method):
    for picture in pictures:
        size = (picture.width // 2, picture.height // 2)
        query = jpeg(picture.resize(size, method), quality=85)
        assert styled(query, picture.resize(size, Image.Resampling.BOX), enlarged=0.5) == {}


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_blur_is_measured_in_pixels(pictures, jpeg, sigma):
    for picture in pictures:
        query = jpeg(picture.filter(ImageFilter.GaussianBlur(sigma)), quality=85)
        edits = styled(query, picture)
        assert set(edits) == {"blur"}
        assert edits["blur"]["sigma_px"] == pytest.approx(sigma, rel=0.2)


def test_sharpening(pictures, jpeg):
    for picture in pictures:
        edits = styled(jpeg(picture.filter(ImageFilter.UnsharpMask(2, 150, 0)), quality=88), picture)
        assert "sharpen" in edits
        assert 60 <= edits["sharpen"]["percent"] <= 200


def test_noise(pictures, jpeg):
    rng = np.random.default_rng(0)
    for picture in pictures:
        grain = rng.normal(0, 18, (picture.height, picture.width, 1))
        noisy = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))
        edits = styled(jpeg(noisy, quality=92), picture)
        assert set(edits) == {"noise"}
        assert edits["noise"]["sigma_levels"] == pytest.approx(18, rel=0.35)


def test_a_blurred_object_is_no_blurred_picture(pictures, jpeg):
    for picture in pictures:
        w, h = picture.size
        box = (w // 4, h // 4, 3 * w // 4, 3 * h // 4)
        query = picture.copy()
        query.paste(picture.crop(box).filter(ImageFilter.GaussianBlur(6)), box)
        assert styled(jpeg(query, quality=85), picture) == {}


def test_a_blurred_background_is_no_blurred_picture(pictures, jpeg):
    for picture in pictures:
        w, h = picture.size
        box = (w // 3, h // 4, 2 * w // 3, h)
        query = picture.filter(ImageFilter.GaussianBlur(4))
        query.paste(picture.crop(box), box)
        assert styled(jpeg(query, quality=85), picture) == {}


def test_noise_in_a_replaced_part_is_no_noise_of_the_picture(pictures, jpeg):
    rng = np.random.default_rng(1)
    for picture in pictures:
        pixels = np.asarray(picture).copy()
        half = pixels[: 2 * pixels.shape[0] // 3]
        half[:] = np.clip(rng.normal(120, 25, half.shape), 0, 255).astype(np.uint8)
        assert "noise" not in styled(jpeg(Image.fromarray(pixels), quality=90), picture)
