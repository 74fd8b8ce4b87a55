"""Pixels -> what a network takes, by the words a user adds to its name: ",side=320,mean=half,fit=short"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.errors import UsageError
from provenance.records import Pixels

Fit = Literal["square", "short"]

DEFAULT_SIDE = 288
"""SSCD's (Pizzi et al. 2022: 288 for the short side; 320 where pictures are squeezed to a square)."""
SIDES = range(8, 2049)
LONGEST = 4
"""With fit=short, the long side is at most this many short sides: a panorama must not fill the memory."""
_OPTION = re.compile(r",([a-z_]+)=([^,]*)$")


class Levels(NamedTuple):
    """How levels of 0 to 1 are normalised: (level - mean) / std for red, green, blue."""

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


LEVELS = {
    levels.name: levels
    for levels in (
        Levels("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        Levels("half", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        Levels("none", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    )
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said of a model's input; None: nothing."""

    side: int | None = None
    mean: str | None = None
    fit: Fit = "square"


def split_options(text: str) -> tuple[str, str]:
    """ "FILE,side=320,fit=short" -> ("FILE", ",side=320,fit=short"); commas in FILE do no harm."""
    name = text
    while found := _OPTION.search(name):
        name = name[: found.start()]
    return name, text[len(name) :]


def parse_options(text: str) -> tuple[str, Options]:
    """The name before the options, and the options. Raises UsageError that says what may be written."""
    name, words = split_options(text)
    given: dict[str, str] = dict(word.split("=", 1) for word in words.split(",")[1:])
    if unknown := given.keys() - {"side", "mean", "fit"}:
        raise UsageError(f"{text!r}: no option {min(unknown)!r}; known: side=N, mean=NAME, fit=square|short")
    side = given.get("side")
    if side is not None and not (side.isascii() and side.isdigit() and int(side) in SIDES):
        raise UsageError(f"{text!r}: side is {SIDES.start} to {SIDES.stop - 1} pixels, not {side!r}")
    mean = given.get("mean")
    if mean is not None and mean not in LEVELS:
        raise UsageError(f"{text!r}: mean is one of {', '.join(LEVELS)}, not {mean!r}")
    fit = given.get("fit", "square")
    if fit not in ("square", "short"):
        raise UsageError(f"{text!r}: fit is square or short, not {fit!r}")
    return name, Options(int(side) if side else None, mean, cast("Fit", fit))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a picture is brought to a network's input."""

    height: int
    width: int
    fit: Fit = "square"
    levels: Levels | None = None
    """None: the network takes bytes."""

    def __str__(self) -> str:
        """For a version: the same words for the same input."""
        side = self.height if self.height == self.width else f"{self.height}x{self.width}"
        return f"side={side},mean={self.levels.name if self.levels else 'bytes'},fit={self.fit}"

    def resized(self, pixels: Pixels) -> Pixels:
        """uint8 [h, w, 3], antialiased: squeezed to the given size, or its short side brought to it.

        Nothing is cropped away, however long the picture is.
        """
        height, width = pixels.shape[:2]
        size = (self.width, self.height)
        if self.fit == "short":
            factor = self.height / min(height, width)
            most = LONGEST * self.height
            size = (min(round(width * factor), most), min(round(height * factor), most))
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))

    def planes(self, pixels: Pixels) -> NDArray[np.float32]:
        """float32 [3, h, w], normalised."""
        return np.ascontiguousarray(self.normalised(self.resized(pixels)).transpose(2, 0, 1))

    def normalised(self, resized: Pixels) -> NDArray[np.float32]:
        """float32 [h, w, 3] of uint8 [h, w, 3]."""
        levels = self.levels or LEVELS["none"]
        mean, std = np.array(levels.mean, np.float32), np.array(levels.std, np.float32)
        return np.asarray((resized.astype(np.float32) / 255.0 - mean) / std, np.float32)

    def probe(self) -> Pixels:
        """A picture to try a network with: not square where the network will meet such."""
        rng = np.random.default_rng(0)
        width = self.width * 3 // 2 if self.fit == "short" else self.width
        return rng.integers(0, 256, (self.height, width, 3), np.uint8)
