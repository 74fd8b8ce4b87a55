"""Small pictures of every kind, made in memory."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def gradient(width: int = 48, height: int = 32) -> Image.Image:
    """A smooth RGB picture whose four corners differ, so that turns and mirrorings show."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / max(1, width - 1), 255 * y / max(1, height - 1)
    return Image.fromarray(np.stack([red, green, np.full_like(red, 64)], axis=-1).astype(np.uint8))


def encoded(picture: Image.Image, picture_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, picture_format, **options)
    return buffer.getvalue()


def samples() -> dict[str, bytes]:
    """One valid file of every accepted format (HEIC needs an extra to be written)."""
    frames = [gradient(), gradient().rotate(180)]
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2021:07:04 12:30:00"
    return {
        "JPEG": encoded(gradient(), "JPEG", exif=exif, quality=90),
        "JPEG-progressive": encoded(gradient(), "JPEG", progressive=True),
        "JPEG-CMYK": encoded(gradient().convert("CMYK"), "JPEG"),
        "PNG": encoded(gradient(), "PNG", exif=exif),
        "PNG-palette": encoded(gradient().quantize(16), "PNG", transparency=3),
        "PNG-16": encoded(Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 15), "PNG"),
        "APNG": encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "WEBP": encoded(gradient(), "WEBP", quality=90),
        "WEBP-lossless": encoded(gradient().convert("RGBA"), "WEBP", lossless=True),
        "WEBP-animated": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "GIF": encoded(gradient(), "GIF"),
        "GIF-animated": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "TIFF": encoded(gradient(), "TIFF"),
        "TIFF-lzw": encoded(gradient(), "TIFF", compression="tiff_lzw", exif=exif),
        "TIFF-jpeg": encoded(gradient(), "TIFF", compression="jpeg"),
        "BMP": encoded(gradient(), "BMP"),
        "AVIF": encoded(gradient(), "AVIF", quality=90),
    }
