"""A picture that remembers which of its pixels show which part of the original."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.records import Pixels

Mask: TypeAlias = NDArray[np.bool_]

# Levels by which a pixel must change to count as painted over rather than toned.
PAINTED_LEVELS = 24


@dataclass(frozen=True, slots=True, eq=False)
class TracedPicture:
    """Pixels [h, w, 3] and the place each has in the original, carried through every edit."""

    pixels: Pixels
    origin: NDArray[np.float32]
    """[h, w, 2] (x, y) in the original, 0..1; NaN where a pixel shows something else."""

    @classmethod
    def whole(cls, pixels: Pixels) -> Self:
        """The original itself."""
        height, width = pixels.shape[:2]
        x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        return cls(pixels, np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32))

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def visible(self) -> Mask:
        """[h, w] where the original can be seen."""
        return np.isfinite(self.origin[..., 0])

    @property
    def kept_area(self) -> float:
        """The share of the original's area that can be seen, 0..1."""
        across = self.origin[:-1, 1:] - self.origin[:-1, :-1]
        down = self.origin[1:, :-1] - self.origin[:-1, :-1]
        # The area a pixel stands for; places are rounded to pixels, so only its signed mean is to be trusted.
        areas = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
        areas = areas[np.isfinite(areas)].astype(np.float64)
        return float(min(1.0, abs(areas.mean()) * self.visible.sum())) if len(areas) else 0.0

    @property
    def short_side_px(self) -> int:
        """The short side of the smallest rectangle around what can be seen, 0 when nothing is."""
        y, x = np.nonzero(self.visible)
        if not len(x):
            return 0
        hull = cv2.convexHull(np.stack([x, y], axis=1).astype(np.int32))
        # A rectangle through pixel centres is one pixel short.
        return round(float(min(cv2.minAreaRect(hull)[1]))) + 1

    def recolor(self, pixels: Pixels) -> TracedPicture:
        """Other levels at the same places."""
        return replace(self, pixels=np.ascontiguousarray(pixels, dtype=np.uint8))

    def cover(self, pixels: Pixels, mask: Mask | None = None) -> TracedPicture:
        """Something painted over it: where `mask` says, or where the levels became quite different."""
        pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
        if mask is None:
            mask = np.abs(pixels.astype(np.int16) - self.pixels).max(axis=2) > PAINTED_LEVELS
        origin = self.origin.copy()
        origin[mask] = np.nan
        return TracedPicture(pixels, origin)

    def window(self, x: int, y: int, width: int, height: int) -> TracedPicture:
        """The part with its upper left corner at (x, y)."""
        part = np.s_[y : y + height, x : x + width]
        return TracedPicture(np.ascontiguousarray(self.pixels[part]), self.origin[part])

    def resize(self, width: int, height: int) -> TracedPicture:
        """Another size, at least 8 px a side, antialiased."""
        width, height = max(8, width), max(8, height)
        rows = ((np.arange(height) + 0.5) * self.height / height).astype(np.intp)
        columns = ((np.arange(width) + 0.5) * self.width / width).astype(np.intp)
        return TracedPicture(resize(self.pixels, width, height), self.origin[rows[:, None], columns])

    def scale(self, factor: float, *, stretch: float = 1.0) -> TracedPicture:
        """Larger by a factor, and wider by `stretch`."""
        return self.resize(round(self.width * factor * stretch), round(self.height * factor))

    def mirror(self) -> TracedPicture:
        """Left-right mirrored."""
        return TracedPicture(np.ascontiguousarray(self.pixels[:, ::-1]), self.origin[:, ::-1])

    def turn(self, quarters: int) -> TracedPicture:
        """Turned counter-clockwise by quarters."""
        return TracedPicture(
            np.ascontiguousarray(np.rot90(self.pixels, quarters)), np.rot90(self.origin, quarters)
        )

    def warp(
        self, matrix: NDArray[np.float64], size: tuple[int, int], *, color: tuple[int, int, int] = (0, 0, 0)
    ) -> TracedPicture:
        """Seen through a homography [3, 3] (or affine [2, 3]) onto a page of `size` (width, height)."""
        full = np.vstack([matrix, [0, 0, 1]]) if matrix.shape == (2, 3) else matrix
        pixels = cv2.warpPerspective(self.pixels, full, size, flags=cv2.INTER_LINEAR, borderValue=color)
        origin = cv2.warpPerspective(
            np.ascontiguousarray(self.origin), full, size, flags=cv2.INTER_NEAREST,
            borderValue=(float("nan"), float("nan")),
        )  # fmt: skip
        return TracedPicture(np.asarray(pixels, np.uint8), np.asarray(origin, np.float32))

    def place_on(self, page: Pixels, x: int, y: int) -> TracedPicture:
        """The picture on a page, its upper left corner at (x, y); what sticks out is lost."""
        origin = np.full((*page.shape[:2], 2), np.nan, np.float32)
        pixels = page.copy()
        left, top = max(0, x), max(0, y)
        right, bottom = min(page.shape[1], x + self.width), min(page.shape[0], y + self.height)
        if right > left and bottom > top:
            part = np.s_[top - y : bottom - y, left - x : right - x]
            pixels[top:bottom, left:right] = self.pixels[part]
            origin[top:bottom, left:right] = self.origin[part]
        return TracedPicture(pixels, origin)

    def fill(self, width: int, height: int) -> TracedPicture:
        """Cut in the middle and resized, so that it fills a tile."""
        factor = max(width / self.width, height / self.height)
        large = self.resize(max(width, round(self.width * factor)), max(height, round(self.height * factor)))
        return large.window((large.width - width) // 2, (large.height - height) // 2, width, height)


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """Pixels at another size, antialiased."""
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def fill(pixels: Pixels, width: int, height: int) -> Pixels:
    """Pixels cut in the middle and resized, so that they fill a tile."""
    return TracedPicture.whole(pixels).fill(width, height).pixels
