"""Edits that show the picture on something larger: screenshots, memes, collages, insets, filmed screens."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from provenance.evaluate.edits.layers import phrase
from provenance.evaluate.edits.picture import TracedPicture, fill, resize
from provenance.records import Pixels

LINE = "You will not believe what happened here today"


def capture_page(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A phone's page: bars above and below, lines of text, the picture over the full width."""
    width = picture.width
    above, below = int(width * rng.uniform(0.2, 0.4)), int(width * rng.uniform(0.4, 0.8))
    dark = bool(rng.integers(2))
    page = Image.new("RGB", (width, picture.height + above + below), (24, 24, 26) if dark else (250,) * 3)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(max(9, width // 28))
    ink = (235, 235, 235) if dark else (20, 20, 20)
    for y in (
        above // 3,
        above * 2 // 3,
        *range(page.height - below + 10, page.height - 20, max(14, width // 18)),
    ):
        draw.text((width // 20, y), LINE, font=font, fill=ink)
    return picture.place_on(np.asarray(page), 0, above)


def capture_post(picture: TracedPicture, rng: np.random.Generator, *, dark: bool) -> TracedPicture:
    """A post in a phone's app: clock, account, picture with margins, buttons, comments."""
    width = max(320, picture.width)
    margin = round(width * rng.choice([0.0, 0.04]))
    shown = picture.resize(width - 2 * margin, round(picture.height * (width - 2 * margin) / picture.width))
    unit = width // 12
    paper, ink, soft = ((16, 18, 22), (236,) * 3, (110,) * 3) if dark else ((255,) * 3, (20,) * 3, (150,) * 3)
    height = max(round(width * rng.uniform(1.6, 2.1)), shown.height + 7 * unit)
    page = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(page)
    font, small = ImageFont.load_default(max(9, unit // 2)), ImageFont.load_default(max(8, unit // 3))
    draw.text((unit // 2, unit // 4), f"{rng.integers(1, 24)}:{rng.integers(10, 60)}", font=small, fill=ink)
    draw.rectangle((width - unit, unit // 4, width - unit // 3, unit // 2), outline=ink)
    tint = tuple(int(c) for c in rng.integers(60, 220, 3))
    draw.ellipse((unit // 2, unit, unit * 3 // 2, unit * 2), fill=tint)
    draw.text((unit * 2, unit), phrase(rng, 2), font=font, fill=ink)
    draw.text((unit * 2, round(unit * 1.6)), "2 h · follow", font=small, fill=soft)
    top = round(unit * 2.6)
    y = top + shown.height + unit // 3
    for x in range(unit // 2, 5 * unit, round(unit * 1.4)):
        draw.regular_polygon((x + unit // 3, y + unit // 3, unit // 3), int(rng.integers(3, 8)), outline=ink)
    for line in range(round(y + unit * 1.2), height, round(unit * 0.8)):
        draw.text((unit // 2, line), f"{phrase(rng, 1)} {LINE[: int(rng.integers(12, 45))]}", font=small,
                  fill=ink if (line // unit) % 2 else soft)  # fmt: skip
    return shown.place_on(np.asarray(page), margin, top)


def capture_browser(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels]
) -> TracedPicture:
    """A desktop browser: tabs and address, an article around the picture, small pictures at the side."""
    width = round(picture.width / rng.uniform(0.5, 0.65))
    height = max(round(width * 0.62), round(picture.height * 1.35))
    dark = rng.random() < 0.3
    paper, ink, bar = ((28,) * 3, (225,) * 3, (52,) * 3) if dark else ((255,) * 3, (30,) * 3, (222,) * 3)
    page = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(page)
    strip = height // 12
    font, title = ImageFont.load_default(max(9, strip // 3)), ImageFont.load_default(max(12, strip * 2 // 3))
    draw.rectangle((0, 0, width, strip), fill=bar)
    draw.rounded_rectangle(
        (width // 12, strip // 5, width * 2 // 3, strip * 4 // 5), strip // 4, fill=paper, outline=ink
    )
    draw.text((width // 10, strip // 3), "https://news.example/today", font=font, fill=ink)
    left, top = width // 20, strip * 3
    draw.text((left, round(strip * 1.4)), phrase(rng, 4), font=title, fill=ink)
    for y in range(top + picture.height + 6, height, max(10, strip // 2)):
        draw.text((left, y), f"{LINE}. {LINE}.", font=font, fill=ink)
    side = left + picture.width + width // 24
    tile = max(16, width - side - width // 24)
    for number, y in enumerate(range(top, height - tile, round(tile * 0.9))):
        small = fill(others[number % len(others)], tile, round(tile * 0.6))
        page.paste(Image.fromarray(small), (side, y))
        draw.text((side, y + round(tile * 0.62)), phrase(rng, 2), font=font, fill=ink)
    return picture.place_on(np.asarray(page), left, top)


def add_caption_bars(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A meme: a white or black bar with a sentence above, and mostly one below."""
    bar = max(24, round(picture.height * rng.uniform(0.14, 0.28)))
    both = rng.random() < 0.6
    paper, ink = ((255,) * 3, "black") if rng.random() < 0.7 else ((0,) * 3, "white")
    page = Image.new("RGB", (picture.width, picture.height + bar * (1 + both)), paper)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(max(10, min(bar // 2, picture.width // 16)))
    for y in (bar // 2, picture.height + bar * 3 // 2)[: 1 + both]:
        draw.text((page.width // 2, y), phrase(rng, 4), font=font, fill=ink, anchor="mm")
    return picture.place_on(np.asarray(page), 0, bar)


def inset(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels], *, share: tuple[float, float]
) -> TracedPicture:
    """Picture in picture: somewhere in another one, over `share` (from, to) of its sides."""
    page = resize(others[0], picture.width, picture.height)
    side = rng.uniform(*share)
    small = picture.resize(round(picture.width * side), round(picture.height * side))
    x = int(rng.integers(0, page.shape[1] - small.width + 1))
    y = int(rng.integers(0, page.shape[0] - small.height + 1))
    return small.place_on(page, x, y)


def inset_in_video(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels], *, area: float
) -> TracedPicture:
    """Picture in picture with a white frame in a 16:9 page of at least 960 px, over `area` of it."""
    width = max(960, picture.width)
    height = round(width * 9 / 16)
    page = fill(others[0], width, height)
    factor = np.sqrt(area * width * height / (picture.width * picture.height))
    factor = min(factor, 0.9 * height / picture.height)
    small = picture.scale(float(factor))
    edge = int(rng.choice([0, 3]))
    framed = small.place_on(
        np.full((small.height + 2 * edge, small.width + 2 * edge, 3), 255, np.uint8), edge, edge
    )
    x = int(rng.integers(0, width - framed.width + 1))
    y = int(rng.integers(0, height - framed.height + 1))
    return framed.place_on(page, x, y)


def tile(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels], *, columns: int, rows: int
) -> TracedPicture:
    """A collage of equal tiles, the picture in one of them, cut to fill it."""
    aspect = picture.width / picture.height
    width = round(picture.width * rng.uniform(0.6, 1.0))
    height = round(width / aspect * rng.uniform(0.85, 1.2))
    gap = int(rng.choice([0, 4, 10]))
    level = int(rng.choice([0, 255]))
    size = (rows * height + (rows + 1) * gap, columns * width + (columns + 1) * gap, 3)
    page = np.full(size, level, np.uint8)
    places = [
        (gap + column * (width + gap), gap + row * (height + gap))
        for row in range(rows)
        for column in range(columns)
    ]
    x, y = places.pop(int(rng.integers(len(places))))
    for number, (left, top) in enumerate(places):
        page[top : top + height, left : left + width] = fill(others[number % len(others)], width, height)
    return picture.fill(width, height).place_on(page, x, y)


def film_screen(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A photo of a screen: bezel and room, seen from the side, moire, glare, a cast, blur and noise."""
    edge, room = round(picture.width * 0.03), round(picture.width * rng.uniform(0.04, 0.12))
    bezel = np.full((picture.height + 2 * edge, picture.width + 2 * edge, 3), 14, np.uint8)
    screen = picture.place_on(bezel, edge, edge)
    wall = (int(rng.integers(40, 150)), int(rng.integers(40, 150)), int(rng.integers(40, 150)))
    width, height = screen.width + 2 * room, screen.height + 2 * room
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * (screen.width, screen.height)
    # Each corner moves into the room by less than the room is deep, so that nothing is cut off.
    moved = corners + room + rng.uniform(-1, 1, (4, 2)) * room
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    seen = screen.warp(np.asarray(matrix, np.float64), (width, height), color=wall)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    levels = seen.pixels.astype(np.float32) * rng.uniform(0.85, 1.1, 3).astype(np.float32)
    for channel in range(3):
        angle, period = rng.uniform(0, np.pi), rng.uniform(3.5, 14)
        bent = x * np.cos(angle) + y * np.sin(angle) + 6 * np.sin(y / height * rng.uniform(2, 6))
        levels[..., channel] *= 1 + rng.uniform(0.05, 0.13) * np.sin(2 * np.pi * bent / period)
    far = ((x - rng.uniform(0, width)) / width) ** 2 + ((y - rng.uniform(0, height)) / height) ** 2
    levels += (rng.uniform(60, 150) * np.exp(-far / rng.uniform(0.01, 0.05)))[..., None]
    levels = cv2.GaussianBlur(levels, (0, 0), 0.7) + rng.normal(0, 5, levels.shape)
    return seen.recolor(np.clip(levels, 0, 255).astype(np.uint8))
