"""Every accepted format decodes; everything else is refused with its name, the reason and the cure."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from provenance.decode import Limits, decode, sha256_of_pixels
from provenance.decode.formats import jpeg_scans
from provenance.errors import DecodeError, ImageTooLargeError, UnsupportedFormatError
from tests.decode.pictures import encoded, gradient, samples


@pytest.mark.parametrize("kind", [kind for kind in samples() if kind not in ("PNG-16", "PNG-palette")])
def test_every_format_gives_the_same_picture(kind: str) -> None:
    image = decode(samples()[kind])
    expected = np.asarray(gradient()).astype(int)
    if image.pixels.shape[0] > image.pixels.shape[1]:  # stored with EXIF orientation 6
        expected = np.rot90(expected, -1)
    assert image.format == kind.partition("-")[0].replace("APNG", "PNG")
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected).mean() < 8, "GIF's palette is the coarsest of all"


@pytest.mark.parametrize(
    ("kind", "note"),
    [
        ("APNG", "first frame of 2"),
        ("GIF-animated", "first frame of an animation"),
        ("WEBP-animated", "first frame of 2"),
    ],
)
def test_animation_gives_its_first_frame_and_says_so(kind: str, note: str) -> None:
    assert note in decode(samples()[kind]).notes


def test_tiff_gives_its_first_page() -> None:
    data = encoded(gradient(), "TIFF", save_all=True, append_images=[gradient(10, 10)])
    image = decode(data)
    assert (image.width, image.height) == (48, 32)
    assert image.notes == ("first page of several",)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20_000, 3), (3, 20_000)])
def test_odd_sizes_decode(width: int, height: int) -> None:
    for picture_format in ("PNG", "JPEG"):
        image = decode(encoded(gradient(width, height), picture_format))
        assert image.pixels.shape == (height, width, 3)


def test_heic_without_the_extra_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    data = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(64)
    with pytest.raises(UnsupportedFormatError, match=r"; pip install 'provenance\[heif\]'"):
        decode(data, name="IMG_0001.HEIC")


def test_heic_decodes_with_the_extra() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(gradient(64, 48)).save(buffer, quality=95)
    image = decode(buffer.getvalue())
    assert (image.format, image.width, image.height) == ("HEIF", 64, 48)
    assert np.abs(image.pixels - np.asarray(gradient(64, 48)).astype(int)).mean() < 6


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"This is a note, not a photo.\n", "text"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?><svg xmlns=''>", "SVG"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"BMW is a maker of cars, BM are two letters.", "text"),
        (bytes(range(256)), "no picture"),
    ],
)
def test_other_files_are_refused_with_what_they_are(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=words) as caught:
        decode(data, name="odd\nname.jpg")
    assert "'odd\\nname.jpg'" in str(caught.value), "the name is quoted, and newlines in it are escaped"
    assert "accepted: JPEG" in str(caught.value)


def test_kind_of_tiff_that_is_not_read_is_called_so_and_not_damaged() -> None:
    data = bytearray(encoded(gradient(), "TIFF"))
    at = data.index(struct.pack("<HHI", 262, 3, 1) + b"\2\0")  # PhotometricInterpretation: RGB
    data[at + 8] = 200
    with pytest.raises(UnsupportedFormatError, match=r"a kind of TIFF that is not read .*convert it"):
        decode(bytes(data), name="odd.tif")


def test_multi_picture_jpeg_of_a_phone_gives_its_first_picture() -> None:
    data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient(10, 10)])
    image = decode(data)
    assert (image.format, image.width, image.height) == ("JPEG", 48, 32)


def test_empty_file_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"'a\.png': the file is empty"):
        decode(b"", name="a.png")


@pytest.mark.parametrize("kind", ["JPEG", "JPEG-progressive", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_truncated_file_is_refused(kind: str) -> None:
    data = samples()[kind]
    with pytest.raises(DecodeError, match=r"'cut': truncated or damaged .*get the file again"):
        decode(data[: len(data) * 3 // 5], name="cut")


def test_lying_header_is_refused() -> None:
    data = bytearray(samples()["PNG"])
    data[16:24] = struct.pack(">II", 480, 320)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(DecodeError, match="truncated or damaged PNG"):
        decode(bytes(data), name="lie")


def bomb(width: int, height: int) -> bytes:
    """A PNG header that announces a huge picture, and no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("width", "height"), [(12_000, 12_000), (40_000, 40_000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bomb_is_refused_before_decoding(
    width: int, height: int, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(ImageTooLargeError, match=r"over the limit of 100,000,000.*max_pixels"):
        decode(bomb(width, height), name="bomb.png")
    assert not recwarn.list, "the refusal is enough, no warning besides"


def test_jpeg_bomb_is_refused_even_when_a_small_one_is_asked_for() -> None:
    data = encoded(Image.new("L", (12_000, 12_000)), "JPEG")
    with pytest.raises(ImageTooLargeError, match="12000 x 12000"):
        decode(data, min_side=256)


def test_jpeg_of_endless_scans_is_refused() -> None:
    data = samples()["JPEG-progressive"]
    at = data.rindex(b"\xff\xda")
    with pytest.raises(DecodeError, match="over 500 scans"):
        decode(data[:-2] + data[at:-2] * 600 + data[-2:], name="slow.jpg")


def test_scans_are_counted_in_the_picture_only() -> None:
    progressive = samples()["JPEG-progressive"]
    assert jpeg_scans(samples()["JPEG"], at_most=99) == 1
    scans = jpeg_scans(progressive, at_most=99)
    assert scans == progressive.count(b"\xff\xda") > 1
    exif = Image.Exif()
    exif[0x9286] = b"\xff\xda" * 999
    phone = encoded(gradient(), "JPEG", progressive=True, exif=exif) + b"a film \xff\xda" * 999
    assert jpeg_scans(phone, at_most=99) == scans
    assert decode(phone).width == 48


def test_limits_are_the_callers_and_leave_pillow_alone() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ImageTooLargeError):
        decode(samples()["PNG"], limits=Limits(max_pixels=100))
    with pytest.raises(ImageTooLargeError):
        decode(samples()["PNG"], limits=Limits(max_bytes=100))
    assert before == Image.MAX_IMAGE_PIXELS


def test_reduced_jpeg_keeps_the_full_size_and_has_no_pixel_hash() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(gradient(1600, 1200), "JPEG", exif=exif)
    image = decode(data, min_side=400)
    assert image.pixels.shape == (400, 300, 3)
    assert (image.width, image.height, image.pixel_sha256) == (1200, 1600, None)
    assert image.scale == 0.25
    small = np.asarray(gradient(1600, 1200).resize((400, 300))).astype(int)
    assert np.abs(image.pixels - np.rot90(small, -1)).mean() < 3


@pytest.mark.parametrize("min_side", [401, 799, 800, 1000, 5000])
def test_reduced_jpeg_is_never_below_what_was_asked_for(min_side: int) -> None:
    image = decode(encoded(gradient(1600, 1200), "JPEG"), min_side=min_side)
    assert max(image.pixels.shape) >= min(min_side, 1600)
    assert (image.pixel_sha256 is None) == (image.pixels.shape[1] < 1600)


def test_pixel_hash_does_not_depend_on_format_or_mode() -> None:
    gray = gradient().convert("L")
    hashes = {
        decode(encoded(picture, picture_format, **options)).pixel_sha256
        for picture, picture_format, options in [
            (gray, "PNG", {}),
            (gray.convert("RGB"), "BMP", {}),
            (gray.convert("RGBA"), "WEBP", {"lossless": True}),
            (gray, "TIFF", {"compression": "tiff_lzw"}),
        ]
    }
    assert hashes == {sha256_of_pixels(np.asarray(gray.convert("RGB")))}


def test_pixel_hash_knows_the_shape() -> None:
    flat = np.zeros((4, 9, 3), np.uint8)
    assert sha256_of_pixels(flat) != sha256_of_pixels(flat.reshape(6, 6, 3))
