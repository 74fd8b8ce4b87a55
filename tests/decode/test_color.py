"""Colour: every mode and profile ends as the sRGB that a viewer would show."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from provenance.decode import decode
from tests.decode.pictures import encoded, gradient


def difference(data: bytes, expected: Image.Image | np.ndarray) -> float:
    return float(np.abs(decode(data).pixels - np.asarray(expected).astype(int)).max())


def rgb_profile(gamma: float) -> bytes:
    """An ICC profile of sRGB's primaries with another gamma: sRGB's profile with its curves replaced."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    for at in range(132, 132 + 12 * count, 12):
        if data[at : at + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            start = int.from_bytes(data[at + 4 : at + 8], "big")
            curve = b"curv\0\0\0\0\0\0\0\1" + round(gamma * 256).to_bytes(2, "big") + b"\0\0"
            data[start : start + len(curve)] = curve
            data[at + 8 : at + 12] = (14).to_bytes(4, "big")
    return bytes(data)


def test_16_bit_gray_png_is_scaled_not_clipped() -> None:
    levels = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    expected = np.repeat((levels / 257)[..., None], 3, axis=-1)
    assert difference(encoded(Image.fromarray(levels), "PNG"), expected) <= 1


def test_16_bit_color_png_is_scaled() -> None:
    import cv2

    levels = np.asarray(gradient()).astype(np.uint16) * 257
    assert difference(cv2.imencode(".png", levels[..., ::-1])[1].tobytes(), gradient()) == 0


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_tiff_of_a_known_range_is_scaled(top: float) -> None:
    levels = np.linspace(0, top, 32 * 32, dtype=np.float32).reshape(32, 32)
    image = decode(encoded(Image.fromarray(levels), "TIFF"))
    assert np.abs(image.pixels[..., 0] - levels / top * 255).max() <= 0.51
    assert image.notes == ()


def test_float_tiff_of_another_range_is_stretched_and_says_so() -> None:
    levels = np.linspace(-3, 1e6, 32 * 32, dtype=np.float32).reshape(32, 32)
    levels[0, 1] = np.nan
    image = decode(encoded(Image.fromarray(levels), "TIFF"))
    assert (image.pixels.min(), image.pixels.max()) == (0, 255)
    assert "stretched" in image.notes[0]


def test_one_bit_and_palette_pictures() -> None:
    bits = gradient().convert("1")
    assert difference(encoded(bits, "PNG"), bits.convert("RGB")) == 0
    palette = gradient().quantize(32)
    assert difference(encoded(palette, "PNG"), palette.convert("RGB")) == 0
    (note,) = decode(encoded(palette, "PNG")).notes
    assert "palette" in note


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_shown_over_white(mode: str) -> None:
    picture = gradient().convert(mode)
    picture.putalpha(Image.new("L", picture.size, 128))
    solid = np.asarray(gradient().convert(mode[:-1]).convert("RGB")).astype(float)
    image = decode(encoded(picture, "PNG"))
    assert np.abs(image.pixels - (solid * 128 + 255 * 127) / 255).max() <= 1
    assert image.notes == ("transparent parts shown on white",)


def test_transparent_palette_entry_and_color_key_become_white() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 200, 10, 10])
    assert (decode(encoded(palette, "PNG", transparency=1)).pixels == 255).all()
    assert (decode(encoded(palette, "GIF", transparency=1)).pixels == 255).all()
    key = Image.new("RGB", (4, 4), (9, 8, 7))
    assert (decode(encoded(key, "PNG", transparency=(9, 8, 7))).pixels == 255).all()
    gray16 = Image.fromarray(np.full((4, 4), 40_000, np.uint16))
    assert (decode(encoded(gray16, "PNG", transparency=40_000)).pixels == 255).all()


def test_opaque_alpha_leaves_no_note() -> None:
    assert decode(encoded(gradient().convert("RGBA"), "PNG")).notes == ()


def test_cmyk_jpeg_is_not_inverted() -> None:
    red = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    mean = decode(encoded(red, "JPEG", quality=95)).pixels.mean(axis=(0, 1))
    assert mean[0] > 240
    assert mean[1] < 15
    assert mean[2] < 15


def test_lab_tiff() -> None:
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    lab = ImageCms.applyTransform(gradient(), to_lab)
    assert lab is not None
    error = np.abs(decode(encoded(lab, "TIFF")).pixels - np.asarray(gradient()).astype(int))
    assert error.mean() < 2, "8-bit Lab is coarse in dark saturated colours"


def test_profile_is_applied() -> None:
    linear = (np.linspace(0, 1, 256) * 255).round().astype(np.uint8)
    picture = Image.fromarray(np.repeat(np.tile(linear, (8, 1))[..., None], 3, axis=-1))
    value = np.asarray(picture) / 255
    srgb = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055) * 255
    image = decode(encoded(picture, "PNG", icc_profile=rgb_profile(1.0)))
    assert np.abs(image.pixels - srgb).max() <= 2
    assert image.notes == ()


def test_srgb_profile_leaves_pixels_alone() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = encoded(gradient(), "PNG"), encoded(gradient(), "PNG", icc_profile=profile)
    assert decode(plain).pixel_sha256 == decode(tagged).pixel_sha256


def test_profile_is_applied_to_turned_and_reduced_pictures() -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    data = encoded(
        Image.new("RGB", (640, 480), (50, 50, 50)), "JPEG", exif=exif, icc_profile=rgb_profile(1.0)
    )
    image = decode(data, min_side=160)
    assert image.pixels.shape == (160, 120, 3)
    assert abs(int(image.pixels.mean()) - 122) <= 2, "linear 50 is sRGB 122"


@pytest.mark.parametrize("profile", [b"junk", bytes(200), rgb_profile(2.2)[:300]])
def test_broken_profile_is_a_note_not_a_failure(profile: bytes) -> None:
    image = decode(encoded(gradient(), "PNG", icc_profile=profile))
    assert "ICC profile ignored" in image.notes[0]
    assert (image.pixels == np.asarray(gradient())).all()


def test_profile_of_another_color_space_is_a_note() -> None:
    image = decode(encoded(gradient().convert("L"), "JPEG", icc_profile=rgb_profile(1.0)))
    assert image.notes == ("ICC profile ignored: it is for RGB, the picture is L",)


def test_decoding_is_the_same_in_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    data = encoded(gradient(400, 300), "JPEG", icc_profile=rgb_profile(1.8))
    with ThreadPoolExecutor(8) as threads:
        hashes = set(threads.map(lambda _: decode(data).pixel_sha256, range(32)))
    assert len(hashes) == 1


def test_pixels_are_read_only_and_whole() -> None:
    tall = gradient(7, 1000)
    image = decode(encoded(tall, "PNG"))
    assert (image.pixels == np.asarray(tall)).all()
    assert not image.pixels.flags.writeable


def test_pixels_are_what_pillow_shows_for_plain_files() -> None:
    data = encoded(gradient(), "JPEG", quality=80)
    assert (decode(data).pixels == np.asarray(Image.open(io.BytesIO(data)))).all()
