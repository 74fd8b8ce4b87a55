"""Tone: the edit that was made is named, with its amount and direction; encoding is no edit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from provenance.compare.replay import replay
from provenance.compare.tone import fit_tone


@pytest.fixture
def toned(jpeg):
    """Fits the tone of a JPEG copy; edits by operation."""

    def fit(query, reference):
        before, after = np.asarray(reference), np.asarray(jpeg(query, quality=80))
        found = fit_tone(before, after, np.ones(before.shape[:2], np.bool_))
        json.dumps([dict(change.parameters) for change in found.changes])
        return {change.operation: change.parameters for change in found.changes}, found

    return fit


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_encoding_is_no_tone_edit(pictures, toned, jpeg, quality):
    for picture in pictures:
        assert toned(jpeg(picture, quality=quality), picture)[0] == {}


@pytest.mark.parametrize(
    ("enhancer", "operation"),
    [
        (ImageEnhance.Brightness, "brightness"),
        (ImageEnhance.Contrast, "contrast"),
        (ImageEnhance.Color, "saturation"),
    ],
)
@pytest.mark.parametrize("factor", [0.6, 0.8, 1.25, 1.5])
def test_one_enhancement_is_one_edit_of_its_amount(pictures, toned, enhancer, operation, factor):
    for picture in pictures:
        edits, _ = toned(enhancer(picture).enhance(factor), picture)
        assert set(edits) == {operation}
        assert edits[operation]["percent"] == pytest.approx(100 * (factor - 1), abs=6)
        assert edits[operation]["sign"] == (1 if factor > 1 else -1)


def test_two_enhancements_are_two_edits(pictures, toned):
    for picture in pictures:
        query = ImageEnhance.Color(ImageEnhance.Brightness(picture).enhance(0.75)).enhance(1.6)
        edits, _ = toned(query, picture)
        assert edits["brightness"]["percent"] == pytest.approx(-25, abs=5)
        assert edits["saturation"]["percent"] == pytest.approx(60, abs=12)


def test_an_offset_is_a_brightness_with_its_levels(pictures, toned):
    for picture in pictures:
        edits, _ = toned(picture.point(lambda v: max(0, v - 30)), picture)
        assert set(edits) == {"brightness"}
        assert edits["brightness"]["sign"] == -1
        assert edits["brightness"]["offset_levels"] == pytest.approx(-30, abs=2)


@pytest.mark.parametrize(("amount", "tint", "sign"), [(0.2, "warmer", 1), (-0.2, "cooler", -1)])
def test_color_balance_has_a_direction(pictures, toned, amount, tint, sign):
    for picture in pictures:
        scaled = np.asarray(picture) * np.array([1 + amount, 1, 1 - amount])
        edits, _ = toned(Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8)), picture)
        balance = edits["color_balance"]
        assert (balance["tint"], balance["sign"]) == (tint, sign)
        assert balance["red_percent"] - balance["blue_percent"] == pytest.approx(200 * amount, abs=8)


def test_grayscale_alone_and_darkened(pictures, toned):
    for picture in pictures:
        gray = ImageOps.grayscale(picture).convert("RGB")
        edits, _ = toned(gray, picture)
        assert set(edits) == {"grayscale"}
        assert edits["grayscale"]["kind"] == "gray"
        edits, _ = toned(ImageEnhance.Brightness(gray).enhance(0.7), picture)
        assert set(edits) == {"grayscale", "brightness"}
        assert edits["brightness"]["percent"] == pytest.approx(-30, abs=4)


def test_a_gray_original_did_not_lose_its_color(pictures, toned):
    gray = ImageOps.grayscale(pictures[0]).convert("RGB")
    assert toned(gray, gray)[0] == {}


def test_sepia(pictures, toned):
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    for picture in pictures:
        brown = np.clip(np.asarray(picture) @ matrix.T, 0, 255).astype(np.uint8)
        edits, _ = toned(Image.fromarray(brown), picture)
        assert set(edits) == {"grayscale"}
        assert edits["grayscale"]["kind"] == "sepia"


def test_inverted_and_posterized(pictures, toned):
    for picture in pictures:
        edits, _ = toned(ImageOps.invert(picture), picture)
        assert edits["tone"]["kind"] == "inverted"
        edits, _ = toned(ImageOps.posterize(picture, 2), picture)
        assert edits["tone"]["kind"] == "posterized"
        assert edits["tone"]["levels"] == 4


def test_vignette_darkens_the_corners(pictures, toned):
    for picture in pictures:
        y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
        square = (x * x * picture.width**2 + y * y * picture.height**2) / (
            picture.width**2 + picture.height**2
        )
        dark = (np.asarray(picture) * (1 - 0.6 * square)[..., None]).astype(np.uint8)
        edits, _ = toned(Image.fromarray(dark), picture)
        assert edits["tone"]["kind"] == "vignette"
        assert edits["tone"]["sign"] == -1


def test_a_curve_comes_with_points_that_replay_it(pictures, toned):
    table = [min(255, max(0, round(v - 34 * np.sin(2 * np.pi * v / 255)))) for v in range(256)]
    for picture in pictures:
        query = picture.point(table * 3)
        _, found = toned(query, picture)
        assert found.changes
        replayed = replay(np.asarray(picture), found.changes)
        assert np.abs(replayed.astype(int) - np.asarray(query)).mean() < 4


def test_a_large_pasted_object_does_not_bias_the_fit(pictures, toned):
    for picture in pictures:
        query = ImageEnhance.Brightness(picture).enhance(1.2)
        w, h = query.size
        ImageDraw.Draw(query).rectangle((0, 0, w // 2, h // 2), fill=(200, 30, 30))
        edits, _ = toned(query, picture)
        assert edits["brightness"]["percent"] == pytest.approx(20, abs=4)


def test_an_empty_mask_has_no_edit(pictures):
    pixels = np.asarray(pictures[0])
    assert fit_tone(pixels, 255 - pixels, np.zeros(pixels.shape[:2], np.bool_)).changes == ()
