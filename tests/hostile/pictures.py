"""Pictures with little to tell them apart: flat, noisy, coded, written, drawn, tiny."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.evaluate.edits.picture import resize
from provenance.evaluate.photos import load

Pixels = NDArray[np.uint8]
COLORS = ((200, 30, 40), (30, 60, 200), (240, 240, 240), (20, 20, 24), (40, 150, 60))
WORDS = ("the", "of", "and", "to", "in", "that", "for", "was", "with", "his", "but", "this", "from", "they",
         "which", "there", "would", "minister", "report", "council", "season", "river", "market", "evidence",
         "library", "winter", "harbour", "engine", "letter", "signal", "journey", "a")  # fmt: skip


def small(path: Path, side: int = 320) -> Pixels:
    """A photo with its long side at `side`."""
    pixels = load(path)
    factor = side / max(pixels.shape[:2])
    return resize(pixels, round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))


def encoded(pixels: Pixels, format: str = "JPEG", quality: int = 80) -> bytes:
    """The bytes of a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format, quality=quality)
    return stream.getvalue()


def uniform(number: int) -> Pixels:
    """One colour."""
    return np.full((240, 320, 3), COLORS[number], np.uint8)


def noise(number: int) -> Pixels:
    """Every level at random."""
    return np.random.default_rng(number).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def code(number: int) -> Pixels:
    """A QR code of an address."""
    modules = cv2.QRCodeEncoder.create().encode(f"https://example.org/{number * 7919}")
    large = np.kron(np.pad(modules, 4, constant_values=255), np.ones((10, 10), np.uint8))
    return np.repeat(large[..., None], 3, axis=2)


def text_page(number: int) -> Pixels:
    """A page of black words on white, laid out as all the others."""
    rng = np.random.default_rng(number)
    page = Image.new("RGB", (420, 560), "white")
    draw = ImageDraw.Draw(page)
    for y in range(40, 520, 18):
        line = " ".join(rng.choice(WORDS, 9))
        draw.text((36, y), line[:52], font=ImageFont.load_default(12), fill="black")
    return np.asarray(page)


def line_drawing(number: int) -> Pixels:
    """Black strokes on white."""
    rng = np.random.default_rng(number)
    page = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(page)
    for _ in range(7):
        x, y = int(rng.integers(20, 280)), int(rng.integers(20, 200))
        w, h = (int(side) for side in rng.integers(40, 120, 2))
        shape = int(rng.integers(3))
        if shape == 0:
            draw.ellipse((x, y, x + w, y + h), outline="black", width=3)
        elif shape == 1:
            draw.line((x, y, x + w, y + h), fill="black", width=3)
        else:
            draw.regular_polygon((x + 30, y + 30, 30), int(rng.integers(3, 7)), outline="black", width=3)
    return np.asarray(page)


def icon(number: int) -> Pixels:
    """16 x 16 pixels: a sign in one colour on another."""
    rng = np.random.default_rng(number)
    ink, ground = rng.integers(0, 100, 3), rng.integers(150, 256, 3)
    half = rng.random((16, 8)) < 0.5
    return np.where(np.hstack([half, half[:, ::-1]])[..., None], ink, ground).astype(np.uint8)


FAMILIES: dict[str, Callable[[int], Pixels]] = {
    "uniform": uniform,
    "noise": noise,
    "qr code": code,
    "text page": text_page,
    "line drawing": line_drawing,
    "icon": icon,
}
