"""EXIF: orientation is applied exactly once in every format, and capture times are read with tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from provenance.decode import decode
from tests.decode.pictures import encoded, gradient

# How a picture stored with this orientation has to be turned, as numpy operations.
UPRIGHT = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p.transpose(1, 0, 2), 2),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied_once(picture_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}}
    image = decode(encoded(gradient(), picture_format, exif=exif, **options.get(picture_format, {})))
    expected = UPRIGHT[orientation](np.asarray(gradient()).astype(int))
    assert image.pixels.shape == expected.shape
    assert (image.height, image.width) == expected.shape[:2]
    assert np.abs(image.pixels - expected).mean() < 4


def with_time(taken: object, offset: str | None = None) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    if offset is not None:
        exif.get_ifd(0x8769)[0x9011] = offset
    return encoded(gradient(), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        ("2021:07:04 12:30:05", None, "2021-07-04T12:30:05"),
        ("2021:07:04 12:30:05", "+02:00", "2021-07-04T12:30:05+02:00"),
        ("2021:07:04 12:30:05", "Z", "2021-07-04T12:30:05+00:00"),
        ("2021:07:04 12:30:05", "+99:99", "2021-07-04T12:30:05"),
        ("2021:07:04 12:30:05", "summer", "2021-07-04T12:30:05"),
        ("2021-07-04T12:30:05.123", None, "2021-07-04T12:30:05"),
        ("0000:00:00 00:00:00", None, None),
        ("2021:13:45 99:99:99", None, None),
        ("    :  :     :  :  ", None, None),
        ("yesterday", None, None),
        ("", "", None),
    ],
)
def test_capture_time(taken: str, offset: str | None, expected: str | None) -> None:
    assert decode(with_time(taken, offset)).embedded.captured_at == expected


def test_no_exif_or_broken_exif_is_no_capture_time() -> None:
    assert decode(encoded(gradient(), "JPEG")).embedded.captured_at is None
    image = decode(encoded(gradient(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert image.embedded.captured_at is None
    assert image.width == 48
