"""Any mode of Pillow, with its ICC profile, to sRGB: 16-bit, float, CMYK, Lab, palette, alpha over white."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from provenance.records import Pixels

_WHITE = (255, 255, 255)
_STRIP_ROWS = 256
# Modes that an ICC profile of the given colour space speaks of.
_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}


def srgb_pixels(picture: Image.Image, info: Mapping[Any, Any]) -> tuple[Pixels, tuple[str, ...]]:
    """Convert a loaded picture to sRGB, uint8 [h, w, 3], alpha over white; also return notes for the user.

    `info` holds the file's `icc_profile` and `transparency`, which transposing may have dropped.
    """
    notes: list[str] = []
    transparent = _transparent_color(picture, info)
    if picture.mode == "P":
        notes.append("the file has a palette of 256 colours at most, so colours may differ by that alone")
    picture = _to_8_bits(picture, notes)
    picture, alpha = _split_alpha(picture, transparent)
    profile = info.get("icc_profile")
    if profile and picture.mode in _PROFILE_MODES.values():
        picture = _apply_profile(picture, profile, notes)
    if picture.mode == "LAB":
        picture = _lab_to_srgb(picture)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    if alpha is not None and alpha.getextrema()[0] != 255:
        white = Image.new("RGB", picture.size, _WHITE)
        white.paste(picture, mask=alpha)
        picture = white
        notes.append("transparent parts shown on white")
    return _as_array(picture), tuple(notes)


def _as_array(picture: Image.Image) -> Pixels:
    """Copy an RGB picture into a read-only array, by strips: at once, Pillow would hold two more copies."""
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, picture.height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, picture.width, bottom)))
    pixels.setflags(write=False)
    return pixels


def _to_8_bits(picture: Image.Image, notes: list[str]) -> Image.Image:
    """Scale 16-bit, 32-bit and float grey to 8 bits (Pillow scales 16-bit colour by itself)."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode not in ("I", "F"):
        return picture
    levels = np.asarray(picture).astype(np.float64)
    finite = levels[np.isfinite(levels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if picture.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    elif picture.mode == "I" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    else:
        notes.append(f"levels {low:g} to {high:g} stretched to black to white")
    return Image.fromarray(_stretch(levels, low, high))


def _stretch(levels: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    levels = np.nan_to_num(levels, nan=low, posinf=high, neginf=low)
    with np.errstate(over="ignore", invalid="ignore"):
        unit = (levels - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.rint(np.clip(np.nan_to_num(unit), 0, 1) * 255).astype(np.uint8)


def _transparent_color(picture: Image.Image, info: Mapping[Any, Any]) -> Any:
    """Return the colour or palette entries that are to be transparent, in 8 bits, as Pillow takes them."""
    color = info.get("transparency")
    if picture.mode.startswith("I;16") and isinstance(color, int):
        return color >> 8
    # PNG gives 16-bit values with 16-bit colour, which Pillow has reduced to 8 bits by then.
    if isinstance(color, tuple) and any(level > 255 for level in color):
        return tuple(level >> 8 for level in color)
    return color


def _split_alpha(picture: Image.Image, transparent: Any) -> tuple[Image.Image, Image.Image | None]:
    """Separate colour (L, RGB, CMYK, LAB ...) and alpha (L, or None); palettes become RGB."""
    if transparent is not None and picture.mode in ("1", "L", "P", "RGB"):
        picture.info["transparency"] = transparent
        picture = picture.convert("RGBA")
    elif picture.mode in ("PA", "RGBa", "La"):
        picture = picture.convert({"La": "LA"}.get(picture.mode, "RGBA"))
    if picture.mode in ("LA", "RGBA"):
        return picture.convert(picture.mode[:-1]), picture.getchannel("A")
    if picture.mode == "1":
        return picture.convert("L"), None
    if picture.mode not in ("L", "RGB", "CMYK", "LAB"):
        return picture.convert("RGB"), None
    return picture, None


def _apply_profile(picture: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    """Convert to sRGB through an embedded ICC profile and its rendering intent; a broken one earns a note."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        mode = _PROFILE_MODES.get(space)
        if mode != picture.mode:
            notes.append(f"ICC profile ignored: it is for {space}, the picture is {picture.mode}")
            return picture
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent(ImageCms.getDefaultIntent(source)),
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "RGB" and _is_nearly_identity(transform):
            return picture
        return ImageCms.applyTransform(picture, transform) or picture
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError) as error:
        notes.append(f"ICC profile ignored: damaged ({' '.join(str(error).split())})")
        return picture


@functools.cache
def _probe() -> Image.Image:
    """Return a 64 x 64 picture of 16 levels a channel: 4,096 colours spread over the RGB cube."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    return Image.fromarray(cube.reshape(64, 64, 3))


def _is_nearly_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """True for the many dialects of the sRGB profile: then pixels stay as they are, and quick to decode."""
    converted = ImageCms.applyTransform(_probe(), transform)
    if converted is None:
        return False
    difference = np.asarray(converted).astype(np.int16) - np.asarray(_probe())
    return int(np.abs(difference).max()) <= 2


def _lab_to_srgb(picture: Image.Image) -> Image.Image:
    """Convert CIE L*a*b* (TIFF) to sRGB."""
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
    return ImageCms.applyTransform(picture, transform) or picture.convert("L")
