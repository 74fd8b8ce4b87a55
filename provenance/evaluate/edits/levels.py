"""Edits of every pixel's levels: tone, colour, sharpness, noise, compression."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from provenance.evaluate.edits.picture import TracedPicture, resize
from provenance.records import Pixels


def save(pixels: Pixels, format: str, quality: int) -> bytes:
    """The file of a picture; `quality` is ignored by lossless formats."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, quality=quality)
    return buffer.getvalue()


def compress(picture: TracedPicture, quality: int, *, format: str = "JPEG") -> TracedPicture:
    """After a round trip through a file."""
    with Image.open(io.BytesIO(save(picture.pixels, format, quality))) as image:
        return picture.recolor(np.asarray(image.convert("RGB")))


def repost(picture: TracedPicture, rng: np.random.Generator, times: int) -> TracedPicture:
    """Passed on by several services: each resizes a little and compresses anew."""
    for _ in range(times):
        picture = compress(picture.scale(rng.uniform(0.88, 1.08)), int(rng.integers(30, 66)))
    return picture


def tone(
    picture: TracedPicture, *, gain: float = 1.0, offset: float = 0.0, gamma: float = 1.0
) -> TracedPicture:
    """A tone curve, the same for all channels."""
    levels = (np.arange(256) / 255.0) ** gamma * gain + offset
    return picture.recolor(np.clip(levels * 255.0, 0, 255).astype(np.uint8)[picture.pixels])


def saturate(picture: TracedPicture, factor: float) -> TracedPicture:
    """Colours stretched from (or, under 1, towards) grey."""
    grey = picture.pixels.mean(axis=2, keepdims=True)
    return picture.recolor(np.clip(grey + (picture.pixels - grey) * factor, 0, 255).astype(np.uint8))


def desaturate(picture: TracedPicture) -> TracedPicture:
    """No colour."""
    return picture.recolor(np.asarray(Image.fromarray(picture.pixels).convert("L").convert("RGB")))


def filter_colors(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A phone's filter: sepia, or shadows and lights tinted, faded blacks, another contrast."""
    levels = picture.pixels / 255.0
    luma = levels @ np.array([0.299, 0.587, 0.114])
    if rng.random() < 0.3:
        tinted = luma[..., None] * np.array([1.07, 0.88, 0.65])
    else:
        shadows, lights = rng.uniform(-0.18, 0.18, (2, 3))
        fade = rng.uniform(0.0, 0.15)
        mixed = luma[..., None] + (levels - luma[..., None]) * rng.uniform(0.5, 1.5)
        tinted = mixed + shadows * (1 - luma[..., None]) + lights * luma[..., None]
        tinted = fade + (1 - fade) * ((tinted - 0.5) * rng.uniform(0.8, 1.3) + 0.5)
    return picture.recolor(np.clip(tinted * 255, 0, 255).astype(np.uint8))


def turn_hue(picture: TracedPicture, degrees: float) -> TracedPicture:
    """All hues turned on the colour circle."""
    hsv = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + round(degrees / 2)) % 180
    return picture.recolor(np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8))


def invert(picture: TracedPicture) -> TracedPicture:
    """The negative."""
    return picture.recolor(255 - picture.pixels)


def posterize(picture: TracedPicture, bits: int) -> TracedPicture:
    """A few levels a channel."""
    return picture.recolor(np.asarray(ImageOps.posterize(Image.fromarray(picture.pixels), bits)))


def darken_corners(picture: TracedPicture, strength: float) -> TracedPicture:
    """A vignette; at strength 1 the corners are black."""
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    light = np.clip(1 - strength * (x**2 + y**2) / 2 * 1.4, 0, 1)
    return picture.recolor((picture.pixels * light[..., None]).astype(np.uint8))


def blur(picture: TracedPicture, share: float) -> TracedPicture:
    """Gaussian blur; the standard deviation is a share of the width."""
    return picture.recolor(
        np.asarray(cv2.GaussianBlur(picture.pixels, (0, 0), picture.width * share), np.uint8)
    )


def shake(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """Motion blur over about 2 % of the width, in any direction."""
    length = max(3, round(picture.width * 0.02))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
    start, end = (round(length - dx), round(length - dy)), (round(length + dx), round(length + dy))
    cv2.line(kernel, start, end, 1.0)
    return picture.recolor(np.asarray(cv2.filter2D(picture.pixels, -1, kernel / kernel.sum()), np.uint8))


def sharpen(picture: TracedPicture, amount: float) -> TracedPicture:
    """An unsharp mask of 1.5 px."""
    soft = cv2.GaussianBlur(picture.pixels, (0, 0), 1.5).astype(np.float32)
    return picture.recolor(
        np.clip(picture.pixels + amount * (picture.pixels - soft), 0, 255).astype(np.uint8)
    )


def pixelate(picture: TracedPicture, blocks: int) -> TracedPicture:
    """A mosaic with `blocks` squares along the long side."""
    size = max(picture.width, picture.height) / blocks
    small = resize(picture.pixels, max(1, round(picture.width / size)), max(1, round(picture.height / size)))
    large = Image.fromarray(small).resize((picture.width, picture.height), Image.Resampling.NEAREST)
    return picture.recolor(np.asarray(large))


def add_noise(picture: TracedPicture, rng: np.random.Generator, levels: float) -> TracedPicture:
    """Gaussian noise."""
    noise: NDArray[np.float64] = rng.normal(0, levels, picture.pixels.shape)
    return picture.recolor(np.clip(picture.pixels + noise, 0, 255).astype(np.uint8))
