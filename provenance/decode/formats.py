"""What the bytes are, by their first bytes: file names and content types are not trusted."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias, cast

from PIL import ImageFile

from provenance.errors import DecodeError, UnsupportedFormatError

# What Pillow and its codecs raise on damaged or hostile bytes (found by fuzzing: tests/decode/test_fuzz.py).
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
    Warning,  # where the program around us has made errors of them
)

# How Pillow words that a sound file is of a kind that it does not read.
_UNUSUAL = re.compile(
    r"unsupported|not supported|cannot handle|unknown (pixel mode|data organi[sz]ation)", re.I
)

# Any JPEG marker but stuffed bytes, restarts and fill (ITU-T T.81, B.1.1).
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

Opener: TypeAlias = Callable[[io.BytesIO], ImageFile.ImageFile]

# Opened by class and not by Image.open: its own size check warns through a process-wide switch, where ours
# (`_check_size`) keeps to the caller's limits, and no plug-in outside this list is ever tried.
_OPENERS = {
    "JPEG": "PIL.JpegImagePlugin:JpegImageFile",
    "PNG": "PIL.PngImagePlugin:PngImageFile",
    "WEBP": "PIL.WebPImagePlugin:WebPImageFile",
    "GIF": "PIL.GifImagePlugin:GifImageFile",
    "TIFF": "PIL.TiffImagePlugin:TiffImageFile",
    "BMP": "PIL.BmpImagePlugin:BmpImageFile",
    "AVIF": "PIL.AvifImagePlugin:AvifImageFile",
    "HEIF": "pillow_heif:HeifImageFile",
}
ACCEPTED = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC"

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
# What people give by mistake, by its first bytes: the message can then say what it is.
_FOREIGN = (
    (b"%PDF", "a PDF document; save its picture as PNG or JPEG"),
    (b"PK\x03\x04", "a ZIP archive or office document; take the picture out of it"),
    (b"<svg", "an SVG drawing; export it as PNG"),
    (b"<!doctype html", "a web page; save the picture itself, not the page around it"),
    (b"<html", "a web page; save the picture itself, not the page around it"),
    (b"8BPS", "a Photoshop document; export it as PNG or JPEG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture; convert it to PNG"),
    (b"\xff\x0a", "a JPEG XL picture; convert it to PNG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture; convert it to PNG"),
    (b"\x1aE\xdf\xa3", "a video; save a frame of it as PNG"),
)


def open_picture(data: bytes, name: str) -> tuple[str, Opener]:
    """Return the format of a picture's bytes and the Pillow class that reads it.

    Raises UnsupportedFormatError when it is no accepted format, or is HEIC without the extra.
    """
    picture_format = sniff(data)
    if picture_format is None:
        raise UnsupportedFormatError(name, f"{_describe_foreign(data)} (accepted: {ACCEPTED})")
    module, _, class_name = _OPENERS[picture_format].partition(":")
    try:
        return picture_format, cast(Opener, getattr(import_module(module), class_name))
    except ImportError as error:
        # Not a MissingExtraError: one such file must not end a run over a folder of others.
        raise UnsupportedFormatError(
            name, "a HEIC picture needs an optional part; pip install 'provenance[heif]'"
        ) from error


def decode_error(name: str, picture_format: str, error: BaseException) -> DecodeError:
    """Say what is wrong with a file that announced `picture_format` and could not be decoded."""
    reason = " ".join(str(error).split()) or type(error).__name__
    if _UNUSUAL.search(reason):
        return UnsupportedFormatError(
            name, f"a kind of {picture_format} that is not read ({reason}); convert it to PNG"
        )
    return DecodeError(name, f"truncated or damaged {picture_format} ({reason}); get the file again")


def sniff(data: bytes) -> str | None:
    """Return the accepted format that the first bytes announce, or None."""
    for signature, picture_format in _SIGNATURES:
        if data.startswith(signature):
            return picture_format
    # "BM" begins many a text; a header length below 256 follows in a real one.
    if data.startswith(b"BM") and data[15:18] == b"\0\0\0":
        return "BMP"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brands = _brands(data)
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    return None


def jpeg_scans(data: bytes, *, at_most: int) -> int:
    """Count the scans of a JPEG, up to `at_most`; its thumbnail and what follows its end do not count."""
    scans, at = 0, 2
    while scans < at_most and (marker := _MARKER.search(data, at)):
        if marker[0] == b"\xff\xd9":
            break
        scans += marker[0] == b"\xff\xda"
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans


def _brands(data: bytes) -> set[bytes]:
    """Major and compatible brands of an ISO base media file (ISO/IEC 14496-12, box ftyp)."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def _describe_foreign(data: bytes) -> str:
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, words in _FOREIGN:
        if head.lower().startswith(signature.lower()):
            return f"is {words}"
    if head.startswith(b"<?xml") and b"<svg" in data[:4096]:
        return "is an SVG drawing; export it as PNG"
    if data[4:8] == b"ftyp":
        return "is a video; save a frame of it as PNG"
    if not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "is text, not a picture; check what was saved under this name"
    return "is no picture of a known kind; convert it to PNG or JPEG"
