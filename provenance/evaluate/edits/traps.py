"""What pictures of different things have in common: a logo, a banner, a frame, the page of one app.

A trap takes a picture and two random generators: pictures that get a `design` of one seed share what is
drawn, `place` says where each of them has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from provenance.evaluate.edits import layers, pages
from provenance.evaluate.edits.picture import TracedPicture, resize
from provenance.records import Pixels

Trap: TypeAlias = Callable[[TracedPicture, np.random.Generator, np.random.Generator], TracedPicture]

# Side at which what is shared is drawn, before it is fitted to a picture.
ASSET_PX = 640


def add_logo(
    picture: TracedPicture, design: np.random.Generator, place: np.random.Generator
) -> TracedPicture:
    """A channel's logo in one corner, a seventh to a fifth of the short side."""
    side = round(min(picture.width, picture.height) * design.uniform(0.15, 0.2))
    corner, margin = int(design.integers(4)), round(side * 0.25)
    x = margin if corner % 2 else picture.width - margin - side
    y = margin if corner // 2 else picture.height - margin - side
    return _paste(picture, draw_logo(design), x, y, side)


def add_flag(
    picture: TracedPicture, design: np.random.Generator, place: np.random.Generator
) -> TracedPicture:
    """A cut-out flag, somewhere, over a quarter to two fifths of the short side."""
    return _paste_somewhere(picture, draw_flag(design), place, turn=12)


def add_face(
    picture: TracedPicture, design: np.random.Generator, place: np.random.Generator
) -> TracedPicture:
    """A yellow face, somewhere, over a quarter to two fifths of the short side."""
    face = Image.new("RGBA", (ASSET_PX, ASSET_PX))
    layers.draw_face(ImageDraw.Draw(face), ASSET_PX // 2, ASSET_PX // 2, ASSET_PX // 2 - 4)
    return _paste_somewhere(picture, face, place, turn=25)


def frame(picture: TracedPicture, design: np.random.Generator, place: np.random.Generator) -> TracedPicture:
    """An ornamental frame of a tenth of the short side."""
    edge = max(8, min(picture.width, picture.height) // 10)
    ornament = resize(_ornament(design), edge, edge)
    rows, columns = -(-picture.height // edge) + 2, -(-picture.width // edge) + 2
    page = np.tile(ornament, (rows, columns, 1))
    page = resize(page, picture.width + 2 * edge, picture.height + 2 * edge)
    return picture.place_on(page, edge, edge)


def lay_on_texture(
    picture: TracedPicture, design: np.random.Generator, place: np.random.Generator
) -> TracedPicture:
    """The picture, somewhat smaller, on a table top or wall that fills half of the page."""
    page = resize(_texture(design), picture.width, picture.height)
    small = picture.scale(float(place.uniform(0.62, 0.75)))
    x = int(place.integers(0, picture.width - small.width + 1))
    y = int(place.integers(0, picture.height - small.height + 1))
    return small.place_on(page, x, y)


TRAPS: dict[str, Trap] = {
    "shared banner": lambda p, design, place: layers.add_banner(p, design),
    "shared logo": add_logo,
    "shared watermark": lambda p, design, place: layers.watermark(p, design),
    "shared frame": frame,
    "shared caption": lambda p, design, place: pages.add_caption_bars(p, design),
    "shared flag": add_flag,
    "shared face": add_face,
    "shared app": lambda p, design, place: pages.capture_post(p, design, dark=bool(design.integers(2))),
    "shared background": lay_on_texture,
}


def draw_logo(design: np.random.Generator) -> Image.Image:
    """A disc or plate with a star and letters, in two colours."""
    dark, light = (tuple(int(c) for c in design.integers(low, low + 90, 3)) for low in (10, 165))
    logo = Image.new("RGBA", (ASSET_PX, ASSET_PX))
    draw = ImageDraw.Draw(logo)
    whole = (4, 4, ASSET_PX - 4, ASSET_PX - 4)
    if design.random() < 0.5:
        draw.ellipse(whole, fill=dark, outline=light, width=24)
    else:
        draw.rounded_rectangle(whole, 90, fill=dark, outline=light, width=24)
    middle, points = ASSET_PX / 2, int(design.integers(5, 9))
    angles = np.arange(2 * points) * np.pi / points - np.pi / 2
    radii = np.where(np.arange(2 * points) % 2, 60, 140)
    star = np.stack([middle + radii * np.cos(angles), middle * 0.72 + radii * np.sin(angles)], axis=1)
    draw.polygon([(float(x), float(y)) for x, y in star], fill=light)
    letters = "".join(chr(65 + int(i)) for i in design.integers(0, 26, 3))
    font = ImageFont.load_default(150)
    draw.text((middle, ASSET_PX * 0.72), letters, font=font, fill=light, anchor="mm")
    return logo


def draw_flag(design: np.random.Generator) -> Image.Image:
    """Stripes and a field of stars."""
    colors = [tuple(int(c) for c in color) for color in design.integers(0, 256, (3, 3))]
    flag = Image.new("RGBA", (ASSET_PX, ASSET_PX * 2 // 3), (*colors[0], 255))
    draw = ImageDraw.Draw(flag)
    stripes = int(design.choice([7, 9, 13]))
    for number in range(1, stripes, 2):
        top = flag.height * number / stripes
        draw.rectangle((0, top, flag.width, top + flag.height / stripes), fill=colors[1])
    draw.rectangle((0, 0, flag.width * 0.42, flag.height * 0.54), fill=colors[2])
    for row in range(4):
        for column in range(5):
            at = (flag.width * (0.05 + 0.08 * column), flag.height * (0.08 + 0.13 * row), 14)
            draw.regular_polygon(at, 3, rotation=60 * (row % 2), fill="white")
    return flag


def _ornament(design: np.random.Generator) -> Pixels:
    """One tile of a frame: rosettes and lines on a ground."""
    side = 160
    ground, ink, gold = (tuple(int(c) for c in color) for color in design.integers(20, 236, (3, 3)))
    tile = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(tile)
    for radius, points in ((70, 8), (44, 5), (20, 3)):
        rotation = int(design.integers(0, 90))
        draw.regular_polygon(
            (side // 2, side // 2, radius), points, rotation, fill=ink, outline=gold, width=6
        )
        ink, gold = gold, ink
    for _ in range(6):
        x0, y0, x1, y1 = (int(value) for value in design.integers(0, side, 4))
        draw.line((x0, y0, x1, y1), fill=gold, width=5)
    return np.asarray(tile)


def _texture(design: np.random.Generator) -> Pixels:
    """Grain of several sizes in one hue, with the joints of planks or bricks."""
    grain = np.zeros((ASSET_PX, ASSET_PX), np.float32)
    for cells in (6, 24, 90, 320):
        # Wood is drawn out along its grain.
        noise = design.integers(0, 256, (cells, max(2, cells // 3)), dtype=np.uint8)
        large = Image.fromarray(noise).resize((ASSET_PX, ASSET_PX), Image.Resampling.BICUBIC)
        grain += np.asarray(large, np.float32) / 4
    pixels = Image.fromarray((grain[..., None] * design.uniform(0.35, 1.0, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(pixels)
    rows, shift = int(design.integers(5, 12)), bool(design.integers(2))
    for row in range(rows):
        top = ASSET_PX * row // rows
        draw.line((0, top, ASSET_PX, top), fill=(20, 18, 16), width=4)
        for x in range((row % 2) * ASSET_PX // 8 if shift else 0, ASSET_PX, ASSET_PX // 4):
            draw.line((x, top, x, top + ASSET_PX // rows), fill=(20, 18, 16), width=4)
    return np.asarray(pixels)


def _paste_somewhere(
    picture: TracedPicture, drawn: Image.Image, place: np.random.Generator, *, turn: float
) -> TracedPicture:
    turned = drawn.rotate(float(place.uniform(-turn, turn)), resample=Image.Resampling.BICUBIC, expand=True)
    width = round(min(picture.width, picture.height) * place.uniform(0.25, 0.4))
    x = int(place.integers(0, picture.width - width + 1))
    y = int(place.integers(0, max(1, picture.height - width * turned.height // turned.width + 1)))
    return _paste(picture, turned, x, y, width)


def _paste(picture: TracedPicture, drawn: Image.Image, x: int, y: int, width: int) -> TracedPicture:
    """A drawing with transparency laid over the picture, `width` wide."""
    small = drawn.resize((max(1, width), max(1, width * drawn.height // drawn.width)))
    image = Image.fromarray(picture.pixels)
    image.paste(small.convert("RGB"), (x, y), small.getchannel("A"))
    mask = Image.new("L", image.size)
    mask.paste(small.getchannel("A"), (x, y))
    return picture.cover(np.asarray(image), np.asarray(mask) >= 128)
