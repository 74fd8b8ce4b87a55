"""Replay: the listed edit with its listed numbers is what an editor does."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageEnhance, ImageFilter, ImageOps

from provenance.compare.replay import apply_edit, psnr_db, replay
from provenance.records import Change


def off_by(replayed, picture):
    return np.abs(replayed.astype(int) - np.asarray(picture)).max()


@pytest.mark.parametrize("factor", [0.5, 1.3])
def test_edits_equal_pillows(pictures, factor):
    picture = pictures[0]
    pixels = np.asarray(picture)
    percent = 100 * (factor - 1)
    bright = apply_edit(pixels, "brightness", {"percent": percent})
    assert off_by(bright, ImageEnhance.Brightness(picture).enhance(factor)) <= 1
    vivid = apply_edit(pixels, "saturation", {"factor": factor})
    assert off_by(vivid, ImageEnhance.Color(picture).enhance(factor)) <= 2
    mean = int(np.asarray(picture.convert("L")).mean() + 0.5)
    hard = apply_edit(pixels, "contrast", {"factor": factor, "pivot_level": mean})
    assert off_by(hard, ImageEnhance.Contrast(picture).enhance(factor)) <= 1
    gray = apply_edit(pixels, "grayscale", {"kind": "gray"})
    assert off_by(gray, ImageOps.grayscale(picture).convert("RGB")) <= 1
    inverted = apply_edit(pixels, "tone", {"kind": "inverted"})
    assert off_by(inverted, ImageOps.invert(picture)) == 0
    steps = apply_edit(pixels, "tone", {"kind": "posterized", "levels": 4, "spread": False})
    assert off_by(steps, ImageOps.posterize(picture, 2)) == 0


def test_blur_scales_with_the_working_size(pictures):
    pixels = np.asarray(pictures[0])
    change = Change("blur", 0.9, {"sigma_px": 4.0})
    half = replay(pixels, [change], working_scale=0.5)
    assert np.array_equal(half, apply_edit(pixels, "blur", {"sigma_px": 2.0}))
    assert off_by(half, pictures[0].filter(ImageFilter.GaussianBlur(2.0))) < 40


def test_local_edits_and_noise_are_passed_over(pictures):
    pixels = np.asarray(pictures[0])
    listed = [
        Change("object_added", 0.9, {}, label=1),
        Change("noise", 0.9, {"sigma_levels": 9.0}),
        Change("flip", 0.9, {"axis": "horizontal"}),
    ]
    assert np.array_equal(replay(pixels, listed), pixels)


def test_psnr():
    black = np.zeros((4, 4, 3), np.uint8)
    everywhere = np.ones((4, 4), np.bool_)
    assert psnr_db(black, black, everywhere) is None
    assert psnr_db(black, black + 255, everywhere) == 0
    assert psnr_db(black, black + 1, everywhere) == pytest.approx(48.13, abs=0.01)
    spotted = black.copy()
    spotted[0, 0] = 255
    away = everywhere.copy()
    away[0, 0] = False
    assert psnr_db(spotted, black, away) is None
