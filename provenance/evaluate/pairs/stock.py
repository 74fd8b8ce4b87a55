"""What edits are made with: cut-outs with their names, fonts, and other photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFont

from provenance.decode import decode, reduce
from provenance.errors import NotFoundError
from provenance.evaluate.edits.layers import cut_out
from provenance.evaluate.pairs.draft import Alpha, bounds
from provenance.records import Pixels

# Where Debian's tuxpaint-stamps-default puts its cut-outs.
STAMPS = Path("/usr/share/tuxpaint/stamps")
# Fonts that are common on Linux, Windows and macOS, plain and fancy; those that are not there are left out.
FONTS = (
    "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf",
    "DejaVuSansMono-Bold.ttf", "FreeSans.ttf", "FreeSerif.ttf", "FreeSerifBoldItalic.ttf", "FreeMonoBold.ttf",
    "NimbusSans-Bold.otf", "NimbusSansNarrow-Bold.otf", "C059-Roman.otf", "P052-Italic.otf",
    "URWGothic-Demi.otf", "LiberationSans-Bold.ttf", "LiberationSerif-Regular.ttf", "arial.ttf", "Arial.ttf",
    "times.ttf", "Georgia.ttf",
)  # fmt: skip
# Fonts with letters beyond Latin.
WIDE_FONTS = {
    "cyrillic": ("DejaVuSans-Bold.ttf", "FreeSans.ttf", "arial.ttf", "Arial.ttf"),
    "greek": ("DejaVuSans-Bold.ttf", "FreeSans.ttf", "arial.ttf", "Arial.ttf"),
    "chinese": ("DroidSansFallbackFull.ttf", "NotoSansCJK-Regular.ttc", "msyh.ttc", "PingFang.ttc"),
}
# Photos that others are pasted and replaced with are seldom shown larger.
OTHER_PX = 1280
# A cut-out enlarged further looks like a cut-out for that alone.
MAX_ENLARGEMENT = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class CutOut:
    """An object with nothing around it, tightly cropped."""

    pixels: Pixels
    alpha: Alpha
    noun: str | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return int(self.alpha.shape[1]), int(self.alpha.shape[0])


@dataclass(frozen=True)
class Stock:
    """Photos and cut-outs to edit with; small enough to be sent to another process."""

    photos: tuple[Path, ...]
    stamps: tuple[Path, ...] = ()

    @classmethod
    def gather(cls, photos: Sequence[Path], stamps: Path | None) -> Stock:
        """All photos and the stamps of a folder; without one, those of Debian's package if it is installed.

        Raises NotFoundError when a folder that was asked for holds no stamps.
        """
        folder = stamps or STAMPS
        # Coins and signs are flat drawings; mirrored doubles add nothing.
        found = [
            path
            for path in sorted(folder.rglob("*.png"))
            if "symbols" not in path.parts and not path.stem.endswith(("_mirror", "_flip"))
        ]
        if stamps is not None and not found:
            raise NotFoundError(f"{str(stamps)!r} holds no PNG cut-outs")
        return cls(tuple(photos), tuple(found))

    def without(self, photo: Path) -> Stock:
        """The stock less the photo that is edited: what it shows already would be no other thing."""
        others = tuple(path for path in self.photos if path != photo)
        return replace(self, photos=others or self.photos)

    def cut_out(self, rng: np.random.Generator, side: int) -> CutOut:
        """An object whose long side is about `side` pixels: a stamp, or another photo's subject."""
        while True:
            if self.stamps and rng.random() < 0.75:
                found = _stamp(self.stamps[int(rng.integers(len(self.stamps)))], side)
            else:
                found = _subject(self.photos[int(rng.integers(len(self.photos)))], side)
            if found is not None:
                return found

    def other(self, rng: np.random.Generator) -> Pixels:
        """Another photo."""
        return load_other(self.photos[int(rng.integers(len(self.photos)))])


@lru_cache(maxsize=32)
def load_other(path: Path) -> Pixels:
    """A photo at the size of the web."""
    return reduce(decode(path), OTHER_PX).pixels


@cache
def fonts(script: str = "latin") -> tuple[str, ...]:
    """The names of fonts that this machine has for a script; "" is the one that comes with Pillow."""
    found = tuple(name for name in (FONTS if script == "latin" else WIDE_FONTS[script]) if _is_there(name))
    return found or (("",) if script == "latin" else ())


def load_font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font at a size in pixels."""
    return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)


def _is_there(name: str) -> bool:
    try:
        ImageFont.truetype(name, 20)
    except OSError:
        return False
    return True


def _stamp(path: Path, side: int) -> CutOut | None:
    """A stamp with the name that lies beside it; None where it would have to be enlarged too much."""
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    box = picture.getchannel("A").getbbox()
    if box is None:
        return None
    picture = picture.crop(box)
    scale = side / max(picture.size)
    size = (max(6, round(picture.width * scale)), max(6, round(picture.height * scale)))
    if scale > MAX_ENLARGEMENT:
        return None
    pixels = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    alpha = np.asarray(pixels[..., 3], np.float32) / np.float32(255)
    if (alpha > 0.5).mean() < 0.2:
        return None
    return CutOut(np.ascontiguousarray(pixels[..., :3]), alpha, _name(path))


def _name(path: Path) -> str | None:
    """The first line of the text file beside a stamp: its English name."""
    try:
        lines = path.with_suffix(".txt").read_text("utf-8").splitlines()
    except OSError:
        return None
    return lines[0].strip().rstrip(".") or None if lines else None


@lru_cache(maxsize=64)
def _subject(path: Path, side: int) -> CutOut | None:
    photo = load_other(path)
    mask = cut_out(photo)
    x0, y0, x1, y1 = bounds(mask)
    scale = side / max(x1 - x0, y1 - y0, 1)
    if scale > MAX_ENLARGEMENT:
        return None
    size = (max(6, round((x1 - x0) * scale)), max(6, round((y1 - y0) * scale)))
    pixels = np.asarray(Image.fromarray(photo[y0:y1, x0:x1]).resize(size, Image.Resampling.LANCZOS))
    shape = Image.fromarray(mask[y0:y1, x0:x1].astype(np.uint8) * 255)
    alpha = np.asarray(shape.resize(size, Image.Resampling.BICUBIC), np.float32) / np.float32(255)
    return CutOut(pixels, alpha, None)
