"""Bytes | path | URL -> upright sRGB pixels and their sha256.

    source     a file, read within limits: regular files only
    fetch      a URL, read within limits: public addresses only
    formats    what the bytes are, and the Pillow class that opens them
    metadata   EXIF orientation and capture time
    embedded   title, creator, licence ... from EXIF, IPTC and XMP
    xmp        the properties of an XMP packet
    credentials     C2PA manifests, read and validated (extra "c2pa")
    manifest_store  the bytes of those manifests
    color      any Pillow mode, with its ICC profile -> uint8 [h, w, 3] sRGB
    resize     smaller forms: for descriptors, and the thumbnail

Nothing here changes Pillow's global settings, so that a program which embeds this package keeps its own.
"""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from provenance.decode.color import srgb_pixels
from provenance.decode.credentials import CredentialReader
from provenance.decode.embedded import read_embedded
from provenance.decode.formats import DAMAGE, decode_error, jpeg_scans, open_picture
from provenance.decode.limits import Limits
from provenance.decode.manifest_store import active_manifest, find_store
from provenance.decode.metadata import turn_upright
from provenance.decode.resize import reduce, thumbnail
from provenance.decode.source import read_source
from provenance.errors import DecodeError, ImageTooLargeError
from provenance.records import DecodedImage, Pixels

__all__ = [
    "CredentialReader",
    "Limits",
    "active_manifest",
    "decode",
    "find_store",
    "read_source",
    "reduce",
    "sha256_of_pixels",
    "thumbnail",
]

# Each is a pass over all pixels. A progressive JPEG has about 10; libjpeg-turbo's own fuzzers stop at 500.
_MAX_SCANS = 500
_TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)


def decode(
    source: bytes | Path | str,
    *,
    name: str | None = None,
    limits: Limits | None = None,
    min_side: int | None = None,
) -> DecodedImage:
    """Decode a picture from bytes, a path or an http(s) URL into upright sRGB.

    `name` is what messages call it (default: the path or URL). With `min_side`, a JPEG is decoded at 1/2, 1/4
    or 1/8 of its size as long as its long side keeps at least `min_side` pixels; `pixel_sha256` is None then.

    Raises DecodeError (damaged), UnsupportedFormatError, ImageTooLargeError, NotFoundError, UnreadableError
    or FetchError; each names the source, the reason and the cure.
    """
    limits = limits or Limits()
    data, source_name = read_source(source, limits, name=name)
    name = name or source_name
    if not data:
        raise DecodeError(name, "the file is empty (0 bytes); get it again from where it came")
    picture_format, opener = open_picture(data, name)
    if picture_format == "JPEG" and jpeg_scans(data, at_most=_MAX_SCANS + 1) > _MAX_SCANS:
        raise DecodeError(
            name, f"has over {_MAX_SCANS} scans, made to take very long; save it anew, or leave it"
        )
    try:
        picture = opener(io.BytesIO(data))
        _check_size(picture, name, limits)
        full_width, full_height = picture.size
        reduced = min_side is not None and _reduce(picture, min_side)
        picture.load()
        _check_size(picture, name, limits)
        upright, swapped = turn_upright(picture)
        pixels, notes = srgb_pixels(upright, picture.info)
        notes = (*_frame_notes(picture), *notes)
        embedded = read_embedded(picture)
    except _TOO_LARGE as error:
        raise ImageTooLargeError(
            name, f"too large for the memory ({type(error).__name__}); scale it down"
        ) from error
    except DAMAGE as error:
        raise decode_error(name, picture_format, error) from error
    height, width = pixels.shape[:2]
    if reduced:
        width, height = (full_height, full_width) if swapped else (full_width, full_height)
    return DecodedImage(
        pixels=pixels,
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        pixel_sha256=None if reduced else sha256_of_pixels(pixels),
        format=picture_format,
        byte_size=len(data),
        width=width,
        height=height,
        embedded=embedded,
        notes=notes,
    )


def sha256_of_pixels(pixels: Pixels) -> str:
    """Return the sha256 of height and width (uint32, big-endian) and the RGB bytes, row by row."""
    digest = hashlib.sha256(struct.pack(">II", *pixels.shape[:2]))
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _check_size(picture: Image.Image, name: str, limits: Limits) -> None:
    """Refuse a picture over the pixel limit; called before its pixels are decoded, and again after."""
    width, height = picture.size
    if width < 1 or height < 1:
        raise DecodeError(name, f"damaged: its header says {width} x {height} pixels; get the file again")
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(
            name,
            f"{width} x {height} pixels are over the limit of {limits.max_pixels:,}; "
            "scale it down, or raise decode.max_pixels",
        )


def _reduce(picture: ImageFile.ImageFile, min_side: int) -> bool:
    """Ask a JPEG's decoder for the smallest scale that keeps `min_side`; True if that is below full size."""
    if picture.format != "JPEG":
        return False
    full = picture.size
    share = min(1.0, max(1, min_side) / max(full))
    # Rounded up: Pillow picks the largest scale at which neither side falls below what is asked for.
    picture.draft(None, (-int(-full[0] * share // 1), -int(-full[1] * share // 1)))
    return picture.size != full


def _frame_notes(picture: ImageFile.ImageFile) -> tuple[str, ...]:
    """Say so when the file holds more than the picture that was decoded."""
    try:
        if not getattr(picture, "is_animated", False):
            return ()
    except DAMAGE:
        return ("first frame of a damaged animation",)
    # GIF and TIFF have no count: Pillow would walk the whole file, minutes in one made to be long.
    if picture.format == "TIFF":
        return ("first page of several",)
    if picture.format == "GIF":
        return ("first frame of an animation",)
    return (f"first frame of {getattr(picture, 'n_frames', 'several')}",)
