"""Known edits of the kinds pictures meet on their way through the web, to measure descriptors with.

Every edit takes a uint8 [h, w, 3] sRGB picture, a random generator, and another picture to paste or frame
with, and returns the edited picture, before the JPEG that every query ends with.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels: TypeAlias = NDArray[np.uint8]
EditFunction: TypeAlias = Callable[[Pixels, np.random.Generator, Pixels], Pixels]


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """The picture after a JPEG round trip."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size, antialiased."""
    return np.asarray(
        Image.fromarray(pixels).resize((max(8, width), max(8, height)), Image.Resampling.BICUBIC)
    )


def crop(pixels: Pixels, rng: np.random.Generator, area: float) -> Pixels:
    """A random part with `area` of the picture's area."""
    height, width = pixels.shape[:2]
    aspect = float(np.exp(rng.uniform(-0.15, 0.15)))
    w = min(width, round(width * np.sqrt(area) * aspect))
    h = min(height, round(height * np.sqrt(area) / aspect))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    return pixels[y : y + h, x : x + w]


def tone(pixels: Pixels, *, gain: float = 1.0, offset: float = 0.0, gamma: float = 1.0) -> Pixels:
    """A tone curve, the same for all channels."""
    levels = (np.arange(256) / 255.0) ** gamma * gain + offset
    return np.clip(levels * 255.0, 0, 255).astype(np.uint8)[pixels]


def saturate(pixels: Pixels, factor: float) -> Pixels:
    """Colours stretched from (or, under 1, towards) grey."""
    grey = pixels.mean(axis=2, keepdims=True)
    return np.clip(grey + (pixels - grey) * factor, 0, 255).astype(np.uint8)


def rotate(pixels: Pixels, degrees: float) -> Pixels:
    """Turned and cut to the largest axis-parallel part without corners."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    turned = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR)
    sine, cosine = abs(np.sin(np.radians(degrees))), abs(np.cos(np.radians(degrees)))
    keep = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    w, h = int(width * keep), int(height * keep)
    x, y = (width - w) // 2, (height - h) // 2
    return np.asarray(turned[y : y + h, x : x + w], np.uint8)


def perspective(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Seen from the side, black around it."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.12, 0.12, (4, 2)).astype(np.float32) * [width, height]
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return np.asarray(cv2.warpPerspective(pixels, matrix, (width, height)), np.uint8)


def pad(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A plain border of a tenth to a quarter on each side."""
    height, width = pixels.shape[:2]
    x, y = int(width * rng.uniform(0.1, 0.25)), int(height * rng.uniform(0.0, 0.25))
    color = [int(c) for c in rng.choice([0, 255, 128], 1).repeat(3)]
    return np.asarray(cv2.copyMakeBorder(pixels, y, y, x, x, cv2.BORDER_CONSTANT, value=color), np.uint8)


def text(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Two lines of meme text."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    size = max(10, image.height // 9)
    font = ImageFont.load_default(size)
    words = rng.choice(["WHEN", "NOBODY", "TOLD", "YOU", "MONDAY", "AGAIN", "BREAKING", "2024"], 6)
    for line, y in (
        (" ".join(words[:3]), image.height // 30),
        (" ".join(words[3:]), image.height - size * 3 // 2),
    ):
        draw.text((image.width // 2, y), line, font=font, fill="white", stroke_fill="black",
                  stroke_width=size // 12 + 1, anchor="ma")  # fmt: skip
    return np.asarray(image)


def sticker(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A yellow face on a sixth of the width."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    r = min(image.size) // 6
    x, y = int(rng.integers(r, image.width - r)), int(rng.integers(r, image.height - r))
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 205, 50), outline=(120, 80, 0), width=2)
    for eye in (x - r // 3, x + r // 3):
        draw.ellipse((eye - r // 8, y - r // 3, eye + r // 8, y), fill=(60, 40, 0))
    draw.arc((x - r // 2, y - r // 3, x + r // 2, y + r * 2 // 3), 20, 160, fill=(60, 40, 0), width=3)
    return np.asarray(image)


def screenshot(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A phone's page: bars above and below, lines of text, the picture over the full width."""
    width = pixels.shape[1]
    above, below = int(width * rng.uniform(0.2, 0.4)), int(width * rng.uniform(0.4, 0.8))
    dark = bool(rng.integers(2))
    page = Image.new(
        "RGB", (width, pixels.shape[0] + above + below), (24, 24, 26) if dark else (250, 250, 250)
    )
    page.paste(Image.fromarray(pixels), (0, above))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(max(9, width // 28))
    ink = (235, 235, 235) if dark else (20, 20, 20)
    for y in (
        above // 3,
        above * 2 // 3,
        *range(page.height - below + 10, page.height - 20, max(14, width // 18)),
    ):
        draw.text((width // 20, y), "You will not believe what happened here today", font=font, fill=ink)
    return np.asarray(page)


def inset(pixels: Pixels, rng: np.random.Generator, other: Pixels) -> Pixels:
    """The picture at half the width, somewhere in another one."""
    height, width = pixels.shape[:2]
    page = resize(other, width, height).copy()
    share = rng.uniform(0.45, 0.6)
    small = resize(pixels, round(width * share), round(height * share))
    x = int(rng.integers(0, width - small.shape[1] + 1))
    y = int(rng.integers(0, height - small.shape[0] + 1))
    page[y : y + small.shape[0], x : x + small.shape[1]] = small
    return page


def paste(pixels: Pixels, rng: np.random.Generator, other: Pixels) -> Pixels:
    """A rectangle of another picture over an eighth of this one."""
    height, width = pixels.shape[:2]
    patch = resize(crop(other, rng, 0.2), round(width * 0.36), round(height * 0.36))
    x = int(rng.integers(0, width - patch.shape[1] + 1))
    y = int(rng.integers(0, height - patch.shape[0] + 1))
    result = pixels.copy()
    result[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    return result


def noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of 20 levels."""
    return np.clip(pixels + rng.normal(0, 20, pixels.shape), 0, 255).astype(np.uint8)


def grey(pixels: Pixels) -> Pixels:
    """No colour."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def mirror(pixels: Pixels) -> Pixels:
    """Left-right mirrored."""
    return np.ascontiguousarray(pixels[:, ::-1])


def scaled(pixels: Pixels, factor: float, *, stretch: float = 1.0) -> Pixels:
    """Resized by a factor, and wider by `stretch`."""
    return resize(pixels, round(pixels.shape[1] * factor * stretch), round(pixels.shape[0] * factor))


EDITS: dict[str, EditFunction] = {
    "jpeg 20": lambda p, r, o: jpeg(p, 20),
    "resize 0.35": lambda p, r, o: scaled(p, 0.35),
    "blur": lambda p, r, o: np.asarray(cv2.GaussianBlur(p, (0, 0), p.shape[1] / 200), np.uint8),
    "brighter": lambda p, r, o: tone(p, gain=1.15, offset=0.08, gamma=0.8),
    "darker": lambda p, r, o: tone(p, gain=0.8, gamma=1.4),
    "contrast": lambda p, r, o: tone(p, gain=1.5, offset=-0.22),
    "saturated": lambda p, r, o: saturate(p, 1.8),
    "greyscale": lambda p, r, o: grey(p),
    "mirror": lambda p, r, o: mirror(p),
    "quarter turn": lambda p, r, o: np.ascontiguousarray(np.rot90(p)),
    "rotate 8": lambda p, r, o: rotate(p, float(r.choice([-8, 8]))),
    "crop 70": lambda p, r, o: crop(p, r, 0.7),
    "crop 50": lambda p, r, o: crop(p, r, 0.5),
    "crop 25": lambda p, r, o: crop(p, r, 0.25),
    "stretch 1.35": lambda p, r, o: scaled(p, 1.0, stretch=1.35),
    "pad": lambda p, r, o: pad(p, r),
    "text": lambda p, r, o: text(p, r),
    "sticker": lambda p, r, o: sticker(p, r),
    "screenshot": lambda p, r, o: screenshot(p, r),
    "perspective": lambda p, r, o: perspective(p, r),
    "noise": lambda p, r, o: noise(p, r),
    "inset": inset,
    "paste": paste,
    "crop, tone, text": lambda p, r, o: text(tone(crop(p, r, 0.6), gain=1.2, gamma=0.9), r),
    "mirror, crop, jpeg": lambda p, r, o: jpeg(scaled(mirror(crop(p, r, 0.5)), 0.6), 35),
}


def edited(pixels: Pixels, kind: str, rng: np.random.Generator, other: Pixels) -> Pixels:
    """The picture after the edit `kind` and the JPEG (quality 60 to 90) it was posted with."""
    return jpeg(EDITS[kind](pixels, rng, other), int(rng.integers(60, 91)))
