"""Local edits with a known mask and name, made on photos for measuring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.records import Pixels

Mask = NDArray[np.bool_]
Alpha = NDArray[np.float32]
WORDS = (
    "SALE",
    "OPEN",
    "News",
    "TODAY",
    "Berlin",
    "2019",
    "Paris",
    "EXIT",
    "Hotel",
    "Market",
    "No.7",
    "FREE",
    "Vote",
    "Police",
    "Stop",
    "Coffee",
    "1.50",
    "Bank",
    "River",
    "Summer",
)
FONTS = (
    "LiberationSans-Bold",
    "LiberationSans-Regular",
    "DejaVuSerif-Bold",
    "FreeSerif",
    "DejaVuSans-Bold",
    "FreeMonoBold",
)


@dataclass(frozen=True, eq=False)
class LocalEdit:
    """A pair before publication: reference, edited copy, where they differ, names that are right for it."""

    reference: Pixels
    edited: Pixels
    mask: Mask
    operations: tuple[str, ...]
    text: tuple[str | None, str | None] | None = None


class Maker:
    """Draws objects, words and places."""

    def __init__(self, *, stamps: Path, fonts: Path, photos: list[Path]) -> None:
        self.stamps = [
            p for p in sorted(stamps.rglob("*.png")) if "symbols" not in p.parts and "_mirror" not in p.stem
        ]
        self.fonts = {p.stem: p for p in sorted(fonts.rglob("*.ttf")) if p.stem in FONTS}
        self.photos = photos

    @lru_cache(maxsize=4)  # noqa: B019
    def read(self, path: Path) -> Pixels:
        """A photo as [h, w, 3], long side at most 1024."""
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
        return np.asarray(picture)

    def stamp(self, rng: np.random.Generator, side: int) -> tuple[Pixels, Alpha]:
        """A cut-out whose long side is `side`, tightly cropped."""
        while True:
            picture = Image.open(self.stamps[int(rng.integers(len(self.stamps)))]).convert("RGBA")
            box = picture.getchannel("A").getbbox()
            if box is None:
                continue
            picture = picture.crop(box)
            scale = side / max(picture.size)
            if scale > 2.0:
                continue
            size = (max(4, round(picture.width * scale)), max(4, round(picture.height * scale)))
            pixels = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
            alpha = pixels[..., 3].astype(np.float32) / 255
            if (alpha > 0.5).mean() > 0.25:
                return np.ascontiguousarray(pixels[..., :3]), alpha


def place(shape: tuple[int, ...], size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Top left corner (x, y) of a box of `size` (w, h) well inside."""
    h, w = shape[:2]
    return (
        int(rng.integers(w // 20, max(w // 20 + 1, w - size[0] - w // 20))),
        int(rng.integers(h // 20, max(h // 20 + 1, h - size[1] - h // 20))),
    )


def paste(photo: Pixels, pixels: Pixels, alpha: Alpha, at: tuple[int, int]) -> tuple[Pixels, Mask]:
    """Alpha-blend `pixels` into a copy of `photo`."""
    full = np.zeros(photo.shape[:2], np.float32)
    layer = photo.copy()
    x, y = at
    h, w = alpha.shape
    full[y : y + h, x : x + w] = alpha
    layer[y : y + h, x : x + w] = pixels
    return blend(photo, layer, full), full > 0.5


def blend(photo: Pixels, layer: Pixels, alpha: Alpha) -> Pixels:
    """`layer` over `photo`."""
    mixed = photo + (layer.astype(np.float32) - photo) * alpha[..., None]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def visible(reference: Pixels, edited: Pixels, mask: Mask, levels: float = 14.0) -> bool:
    """Whether a person would see it: RMS difference inside, and enough of the mask touched."""
    if np.count_nonzero(mask) < 60:
        return False
    difference = np.abs(reference.astype(np.int16) - edited).max(axis=2)[mask]
    return bool(
        np.sqrt(np.mean(difference.astype(np.float64) ** 2)) > levels and np.mean(difference > 8) > 0.3
    )


def ellipse(
    shape: tuple[int, ...], rng: np.random.Generator, *, soft: bool, low: float = 0.12, high: float = 0.3
) -> Alpha:
    """A tilted ellipse (sometimes a box) as alpha."""
    h, w = shape[:2]
    alpha = np.zeros((h, w), np.float32)
    ry, rx = (int(rng.uniform(low, high) * min(h, w) * k) for k in (0.5, rng.uniform(0.5, 0.9)))
    x, y = place(shape, (2 * rx, 2 * ry), rng)
    if rng.random() < 0.3:
        alpha[y : y + 2 * ry, x : x + 2 * rx] = 1
    else:
        cv2.ellipse(alpha, (x + rx, y + ry), (rx, ry), float(rng.uniform(-15, 15)), 0, 360, 1.0, -1)
    return (
        cv2.GaussianBlur(alpha, (0, 0), max(1.0, 0.1 * min(rx, ry)))
        if soft
        else cv2.GaussianBlur(alpha, (0, 0), 0.7)
    )


def with_object(
    maker: Maker, photo: Pixels, rng: np.random.Generator, *, soft: bool = False
) -> tuple[Pixels, Mask, Alpha]:
    """The photo with a cut-out in it that can be seen; its mask and alpha."""
    side = int(min(photo.shape[:2]) * rng.uniform(0.12, 0.45))
    for _ in range(6):
        pixels, alpha = maker.stamp(rng, side)
        if soft:
            alpha = cv2.GaussianBlur(cv2.erode(alpha, np.ones((3, 3))), (0, 0), max(1.0, side / 60))
        edited, mask = paste(photo, pixels, alpha, place(photo.shape, alpha.shape[::-1], rng))
        if visible(photo, edited, mask, 25):
            break
    full = np.abs(edited.astype(np.int16) - photo).max(axis=2) > 2
    return edited, mask, full.astype(np.float32)


def add_hard(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    edited, mask, _ = with_object(maker, photo, rng)
    return LocalEdit(photo, edited, mask, ("object_added",))


def add_soft(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    edited, mask, _ = with_object(maker, photo, rng, soft=True)
    return LocalEdit(photo, edited, mask, ("object_added",))


def remove_perfect(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    reference, mask, _ = with_object(maker, photo, rng, soft=bool(rng.random() < 0.5))
    return LocalEdit(reference, photo, mask, ("object_removed",))


def remove_telea(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    reference, mask, full = with_object(maker, photo, rng)
    hole = cv2.dilate((full > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    return LocalEdit(reference, cv2.inpaint(reference, hole, 5, cv2.INPAINT_TELEA), mask, ("object_removed",))


def remove_natural(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    for _ in range(12):
        alpha = ellipse(photo.shape, rng, soft=False)
        hole = (alpha > 0.05).astype(np.uint8)
        edited = cv2.inpaint(photo, hole, 5, cv2.INPAINT_TELEA)
        if visible(photo, edited, alpha > 0.5, 35):
            return LocalEdit(photo, edited, alpha > 0.5, ("object_removed",))
    return None


def remove_clone(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    reference, mask, full = with_object(maker, photo, rng)
    h, w = mask.shape
    alpha = cv2.GaussianBlur(cv2.dilate(full, np.ones((7, 7))), (0, 0), 1.5)
    ys, xs = np.nonzero(alpha > 0)
    box_w, box_h = int(np.ptp(xs)), int(np.ptp(ys))
    best = None
    for dx, dy in ((-box_w - 8, 0), (box_w + 8, 0), (0, -box_h - 8), (0, box_h + 8)):
        if not (xs.min() + dx >= 0 and xs.max() + dx < w and ys.min() + dy >= 0 and ys.max() + dy < h):
            continue
        layer = np.roll(reference, (-dy, -dx), (0, 1))
        ring = (alpha > 0) & (alpha < 0.6)
        cost = float(np.abs(layer.astype(np.int16) - reference)[ring].mean())
        if best is None or cost < best[0]:
            best = (cost, layer)
    if best is None or best[0] > 30:
        return None
    edited = blend(reference, best[1], np.minimum(1, alpha * 1.5))
    return (
        LocalEdit(reference, edited, mask, ("object_removed",)) if visible(reference, edited, mask) else None
    )


def replace(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    side = int(min(photo.shape[:2]) * rng.uniform(0.2, 0.45))
    for _ in range(12):
        first, first_alpha = maker.stamp(rng, side)
        second, second_alpha = maker.stamp(rng, side)
        at = place(photo.shape, (side, side), rng)
        reference, mask = paste(photo, first, first_alpha, at)
        edited, other = paste(photo, second, second_alpha, at)
        both = np.count_nonzero(mask & other) / np.count_nonzero(mask | other)
        if both > 0.6 and visible(photo, reference, mask, 25) and visible(photo, edited, other, 25):
            return LocalEdit(reference, edited, mask | other, ("object_replaced",))
    return None


def recolor(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    for _ in range(12):
        alpha = ellipse(photo.shape, rng, soft=bool(rng.random() < 0.5))
        hsv = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + rng.choice([-1, 1]) * rng.uniform(20, 90)) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(1.0, 1.6), 0, 255)
        layer = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
        edited = blend(photo, layer, alpha)
        if visible(photo, edited, alpha > 0.5, 25):
            return LocalEdit(photo, edited, alpha > 0.5, ("object_recolored",))
    return None


def recolor_object(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    for _ in range(8):
        reference, mask, _ = with_object(maker, photo, rng)
        hsv = cv2.cvtColor(reference, cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + rng.choice([-1, 1]) * rng.uniform(20, 90)) % 180
        layer = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
        edited = blend(reference, layer, cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8))
        if visible(reference, edited, mask, 25):
            return LocalEdit(reference, edited, mask, ("object_recolored",))
    return None


def hide(kind: str) -> Callable[[Maker, Pixels, np.random.Generator], LocalEdit | None]:
    """Blur, pixelate or fill a place that holds something."""

    def edit(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
        for _ in range(12):
            alpha = ellipse(photo.shape, rng, soft=kind == "blurred" and bool(rng.random() < 0.5))
            side = min(photo.shape[:2])
            if kind == "blurred":
                layer = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.008, 0.03) * side))
            elif kind == "pixelated":
                block = float(rng.uniform(0.015, 0.05) * side)
                size = (round(photo.shape[1] / block), round(photo.shape[0] / block))
                small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
                layer = cv2.resize(small, photo.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            else:
                layer = np.empty_like(photo)
                layer[:] = [(0, 0, 0), (255, 255, 255), (200, 30, 30), (128, 128, 128)][int(rng.integers(4))]
                if photo[alpha > 0.5].std() < 25:
                    continue
            edited = blend(photo, layer, alpha)
            if visible(photo, edited, alpha > 0.5, 14 if kind != "filled" else 40):
                return LocalEdit(photo, edited, alpha > 0.5, ("object_blurred",))
        return None

    return edit


def duplicate(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    side = int(min(photo.shape[:2]) * rng.uniform(0.15, 0.3))
    pixels, alpha = maker.stamp(rng, side)
    size = alpha.shape[::-1]
    first, second = place(photo.shape, size, rng), place(photo.shape, size, rng)
    if max(abs(first[0] - second[0]) - size[0], abs(first[1] - second[1]) - size[1]) < 6:
        return None
    reference, _ = paste(photo, pixels, alpha, first)
    edited, mask = paste(reference, pixels, alpha, second)
    return (
        LocalEdit(reference, edited, mask, ("object_duplicated",))
        if visible(reference, edited, mask, 25)
        else None
    )


def duplicate_natural(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    for _ in range(12):
        alpha = ellipse(photo.shape, rng, soft=False)
        ys, xs = np.nonzero(alpha > 0)
        x, y = place(photo.shape, (int(np.ptp(xs)), int(np.ptp(ys))), rng)
        dx, dy = x - int(xs.min()), y - int(ys.min())
        moved = np.roll(alpha, (dy, dx), (0, 1))
        if np.any((moved > 0) & (alpha > 0)) or photo[alpha > 0.5].std() < 30:
            continue
        edited = blend(photo, np.roll(photo, (dy, dx), (0, 1)), moved)
        if visible(photo, edited, moved > 0.5, 40):
            return LocalEdit(
                photo, edited, moved > 0.5, ("object_duplicated", "object_added", "object_replaced")
            )
    return None


def move(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    side = int(min(photo.shape[:2]) * rng.uniform(0.15, 0.3))
    pixels, alpha = maker.stamp(rng, side)
    size = alpha.shape[::-1]
    first, second = place(photo.shape, size, rng), place(photo.shape, size, rng)
    if max(abs(first[0] - second[0]) - size[0], abs(first[1] - second[1]) - size[1]) < 6:
        return None
    reference, old = paste(photo, pixels, alpha, first)
    edited, new = paste(photo, pixels, alpha, second)
    if not visible(photo, edited, new, 25) or not visible(photo, reference, old, 25):
        return None
    return LocalEdit(reference, edited, old | new, ("object_duplicated",))


def write(
    photo: Pixels,
    word: str,
    font: Path,
    size: int,
    at: tuple[int, int],
    color: tuple[int, ...],
    plate: tuple[int, ...] | None,
    plate_width: int = 0,
) -> tuple[Pixels, Mask]:
    """A word on the photo, on a plate or not; the mask is the word's box."""
    picture = Image.fromarray(photo)
    draw = ImageDraw.Draw(picture)
    face = ImageFont.truetype(str(font), size)
    box = draw.textbbox(at, word, font=face)
    mask = np.zeros(photo.shape[:2], bool)
    x0, y0, x1, y1 = (int(v) for v in box)
    mask[max(0, y0) : y1, max(0, x0) : x1] = True
    if plate is not None:
        pad = size // 3
        draw.rectangle((x0 - pad, y0 - pad, max(x1, x0 + plate_width) + pad, y1 + pad), fill=plate)
    draw.text(at, word, font=face, fill=color)
    return np.asarray(picture), mask


def draw_text(
    rng: np.random.Generator, maker: Maker, photo: Pixels
) -> tuple[list[str], Path, int, tuple[int, int]]:
    """Words, font, size and place that fit."""
    words = [WORDS[int(rng.integers(len(WORDS)))] for _ in range(int(rng.integers(1, 4)))]
    font = sorted(maker.fonts.values())[int(rng.integers(len(maker.fonts)))]
    size = int(max(14, rng.uniform(0.05, 0.14) * min(photo.shape[:2])))
    width = int(ImageFont.truetype(str(font), size).getlength(" ".join(words)))
    return words, font, size, place(photo.shape, (width + size, 2 * size), rng)


def add_text(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    words, font, size, at = draw_text(rng, maker, photo)
    dark = bool(rng.random() < 0.5)
    color = (10, 10, 10) if dark else (250, 250, 250)
    if rng.random() < 0.3:
        color = (230, 40, 30) if rng.random() < 0.5 else (250, 220, 20)
        dark = color[1] < 100
    plate = ((245, 245, 245) if dark else (20, 20, 60)) if rng.random() < 0.4 else None
    edited, mask = write(photo, " ".join(words), font, size, at, color, plate)
    if plate is None and float(np.abs(np.mean(photo[mask], axis=0) - color).max()) < 80:
        return None
    return LocalEdit(photo, edited, mask, ("text_added",), (None, " ".join(words)))


def remove_text(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    edit = add_text(maker, photo, rng)
    if edit is None:
        return None
    assert edit.text is not None
    changed = np.abs(edit.reference.astype(np.int16) - edit.edited).max(axis=2) > 2
    hole = cv2.dilate(changed.astype(np.uint8), np.ones((5, 5), np.uint8))
    edited = cv2.inpaint(edit.edited, hole, 4, cv2.INPAINT_TELEA)
    return LocalEdit(edit.edited, edited, edit.mask, ("text_removed",), (edit.text[1], None))


def change_text(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
    words, font, size, at = draw_text(rng, maker, photo)
    before = " ".join(words)
    place_of = int(rng.integers(len(words)))
    words[place_of] = WORDS[
        (WORDS.index(words[place_of]) + 1 + int(rng.integers(len(WORDS) - 1))) % len(WORDS)
    ]
    after = " ".join(words)
    width = int(ImageFont.truetype(str(font), size).getlength(max(before, after, key=len)))
    reference, first = write(photo, before, font, size, at, (20, 20, 20), (240, 235, 220), width)
    edited, second = write(photo, after, font, size, at, (20, 20, 20), (240, 235, 220), width)
    mask = (
        cv2.dilate(
            (np.abs(reference.astype(np.int16) - edited).max(axis=2) > 20).astype(np.uint8),
            np.ones((5, 5), np.uint8),
        )
        > 0
    )
    return LocalEdit(reference, edited, mask & (first | second), ("text_changed",), (before, after))


def background(kind: str) -> Callable[[Maker, Pixels, np.random.Generator], LocalEdit | None]:
    """Change all but a subject in the middle."""

    def edit(maker: Maker, photo: Pixels, rng: np.random.Generator) -> LocalEdit | None:
        h, w = photo.shape[:2]
        subject = np.zeros((h, w), np.float32)
        center = (int(w * rng.uniform(0.35, 0.65)), int(h * rng.uniform(0.5, 0.7)))
        axes = (int(w * rng.uniform(0.15, 0.28)), int(h * rng.uniform(0.25, 0.4)))
        cv2.ellipse(subject, center, axes, 0, 0, 360, 1.0, -1)
        if rng.random() < 0.5:
            cv2.rectangle(
                subject, (center[0] - axes[0] // 2, center[1]), (center[0] + axes[0] // 2, h), 1.0, -1
            )
        outside = 1 - cv2.GaussianBlur(subject, (0, 0), float(rng.uniform(0.8, 3)))
        gray = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        if kind == "blurred":
            layer = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.01, 0.03) * min(h, w)))
        elif kind == "darkened":
            layer = np.rint(photo * rng.uniform(0.35, 0.65)).astype(np.uint8)
        elif kind == "desaturated":
            layer = gray
        else:
            other = maker.read(maker.photos[int(rng.integers(len(maker.photos)))])
            layer = cv2.resize(other, (w, h), interpolation=cv2.INTER_AREA)
        edited = blend(photo, layer, outside)
        if not visible(photo, edited, outside > 0.5, 12):
            return None
        name = "background_replaced" if kind == "replaced" else "background_changed"
        return LocalEdit(photo, edited, outside > 0.5, (name,))

    return edit


EDITS: dict[str, Callable[[Maker, Pixels, np.random.Generator], LocalEdit | None]] = {
    "add_hard": add_hard,
    "add_soft": add_soft,
    "remove_perfect": remove_perfect,
    "remove_telea": remove_telea,
    "remove_natural": remove_natural,
    "remove_clone": remove_clone,
    "replace": replace,
    "recolor": recolor,
    "recolor_object": recolor_object,
    "blurred": hide("blurred"),
    "pixelated": hide("pixelated"),
    "filled": hide("filled"),
    "duplicate": duplicate,
    "duplicate_natural": duplicate_natural,
    "move": move,
    "add_text": add_text,
    "remove_text": remove_text,
    "change_text": change_text,
    "bg_blurred": background("blurred"),
    "bg_darkened": background("darkened"),
    "bg_desaturated": background("desaturated"),
    "bg_replaced": background("replaced"),
}
