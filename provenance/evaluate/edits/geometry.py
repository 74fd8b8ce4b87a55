"""Edits that move pixels: crops, turns, other aspects, borders, another point of view."""

from __future__ import annotations

import cv2
import numpy as np

from provenance.evaluate.edits.picture import TracedPicture


def crop(picture: TracedPicture, rng: np.random.Generator, area: float) -> TracedPicture:
    """A random part with `area` of the picture's area."""
    aspect = float(np.exp(rng.uniform(-0.15, 0.15)))
    width = min(picture.width, round(picture.width * np.sqrt(area) * aspect))
    height = min(picture.height, round(picture.height * np.sqrt(area) / aspect))
    x = int(rng.integers(0, picture.width - width + 1))
    y = int(rng.integers(0, picture.height - height + 1))
    return picture.window(x, y, width, height)


def cut_square(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """The largest square, anywhere along the long side."""
    side = min(picture.width, picture.height)
    x = int(rng.integers(0, picture.width - side + 1))
    y = int(rng.integers(0, picture.height - side + 1))
    return picture.window(x, y, side, side)


def rotate(picture: TracedPicture, degrees: float) -> TracedPicture:
    """Turned and cut to the largest axis-parallel part without corners."""
    height, width = picture.height, picture.width
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    turned = picture.warp(np.asarray(matrix, np.float64), (width, height))
    sine, cosine = abs(np.sin(np.radians(degrees))), abs(np.cos(np.radians(degrees)))
    keep = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    w, h = int(width * keep), int(height * keep)
    return turned.window((width - w) // 2, (height - h) // 2, w, h)


def rotate_on_page(picture: TracedPicture, degrees: float, level: int) -> TracedPicture:
    """Turned on a page just large enough, grey of `level` in the corners."""
    height, width = picture.height, picture.width
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0))
    sine, cosine = abs(np.sin(np.radians(degrees))), abs(np.cos(np.radians(degrees)))
    w, h = int(width * cosine + height * sine), int(width * sine + height * cosine)
    matrix[:, 2] += (w - width) / 2, (h - height) / 2
    return picture.warp(matrix, (w, h), color=(level, level, level))


def tilt(picture: TracedPicture, rng: np.random.Generator, amount: float = 0.12) -> TracedPicture:
    """Seen from the side, black around it; corners move by up to `amount` of the sides."""
    width, height = picture.width, picture.height
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-amount, amount, (4, 2)).astype(np.float32) * [width, height]
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return picture.warp(np.asarray(matrix, np.float64), (width, height))


def pad(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A plain border of a tenth to a quarter on each side."""
    x, y = int(picture.width * rng.uniform(0.1, 0.25)), int(picture.height * rng.uniform(0.0, 0.25))
    level = int(rng.choice([0, 255, 128], 1)[0])
    page = np.full((picture.height + 2 * y, picture.width + 2 * x, 3), level, np.uint8)
    return picture.place_on(page, x, y)


def letterbox(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """Upright video of a lying picture: its own blurred enlargement, or black, above and below."""
    width = max(picture.width, picture.height)
    shown = picture.resize(width, round(picture.height * width / picture.width))
    height = max(round(width * 16 / 9), shown.height)
    page = np.zeros((height, width, 3), np.uint8)
    if rng.random() < 0.6:
        page = np.asarray(cv2.GaussianBlur(picture.fill(width, height).pixels, (0, 0), width / 25), np.uint8)
    return shown.place_on(page, 0, (height - shown.height) // 2)
