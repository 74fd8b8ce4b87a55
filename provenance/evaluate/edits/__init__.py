"""Known edits of the kinds pictures meet on their way through the web.

picture    a picture that remembers which of its pixels show which part of the original
levels     tone, colour, sharpness, noise, compression
geometry   crops, turns, other aspects, borders, another point of view
layers     words, stickers, watermarks, parts of other pictures painted over it
pages      screenshots, memes, collages, insets, filmed screens
traps      what pictures of different things have in common: logos, banners, frames

Every edit takes a picture, a random generator, and other pictures to paste or frame with, and returns the
edited picture before it is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from provenance.evaluate.edits import geometry, layers, levels, pages
from provenance.evaluate.edits.picture import TracedPicture
from provenance.records import Pixels

Edit: TypeAlias = Callable[[TracedPicture, np.random.Generator, Sequence[Pixels]], TracedPicture]


def shrink(picture: TracedPicture, long_side_px: int) -> TracedPicture:
    """The picture with its long side at most so many pixels."""
    return picture.scale(min(1.0, long_side_px / max(picture.width, picture.height)))


def chain(*kinds: str) -> Edit:
    """Several kinds of edit, one after the other."""

    def apply(picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels]) -> TracedPicture:
        for kind in kinds:
            picture = KINDS[kind](picture, rng, others)
        return picture

    return apply


KINDS: dict[str, Edit] = {
    # saved and sent on
    "as posted": lambda p, r, o: p,
    "jpeg 20": lambda p, r, o: levels.compress(p, 20),
    "webp 10": lambda p, r, o: levels.compress(p, 10, format="WEBP"),
    "reposted 6 times": lambda p, r, o: levels.repost(p, r, 6),
    "resize 0.35": lambda p, r, o: p.scale(0.35),
    "thumbnail 200": lambda p, r, o: shrink(p, 200),
    # levels
    "blur": lambda p, r, o: levels.blur(p, 1 / 200),
    "heavy blur": lambda p, r, o: levels.blur(p, 1 / 90),
    "motion blur": lambda p, r, o: levels.shake(p, r),
    "sharpen": lambda p, r, o: levels.sharpen(p, 2.5),
    "noise": lambda p, r, o: levels.add_noise(p, r, 20),
    "heavy noise": lambda p, r, o: levels.add_noise(p, r, 45),
    "mosaic": lambda p, r, o: levels.pixelate(p, 110),
    "brighter": lambda p, r, o: levels.tone(p, gain=1.15, offset=0.08, gamma=0.8),
    "darker": lambda p, r, o: levels.tone(p, gain=0.8, gamma=1.4),
    "much darker": lambda p, r, o: levels.tone(p, gain=0.45, gamma=1.6),
    "contrast": lambda p, r, o: levels.tone(p, gain=1.5, offset=-0.22),
    "faded": lambda p, r, o: levels.tone(p, gain=0.4, offset=0.42),
    "saturated": lambda p, r, o: levels.saturate(p, 1.8),
    "greyscale": lambda p, r, o: levels.desaturate(p),
    "colour filter": lambda p, r, o: levels.filter_colors(p, r),
    "hue turned": lambda p, r, o: levels.turn_hue(p, float(r.uniform(40, 320))),
    "inverted": lambda p, r, o: levels.invert(p),
    "posterized": lambda p, r, o: levels.posterize(p, 2),
    "heavy vignette": lambda p, r, o: levels.darken_corners(p, 1.0),
    # geometry
    "mirror": lambda p, r, o: p.mirror(),
    "quarter turn": lambda p, r, o: p.turn(1),
    "upside down": lambda p, r, o: p.turn(2),
    "rotate 8": lambda p, r, o: geometry.rotate(p, float(r.choice([-8, 8]))),
    "rotate 25 on a page": lambda p, r, o: geometry.rotate_on_page(
        p, float(r.choice([-25, 25])), int(r.choice([0, 255]))
    ),
    "crop 70": lambda p, r, o: geometry.crop(p, r, 0.7),
    "crop 50": lambda p, r, o: geometry.crop(p, r, 0.5),
    "crop 25": lambda p, r, o: geometry.crop(p, r, 0.25),
    "crop 12": lambda p, r, o: geometry.crop(p, r, 0.12),
    "square": lambda p, r, o: geometry.cut_square(p, r),
    "stretch 1.35": lambda p, r, o: p.scale(1.0, stretch=1.35),
    "aspect and crop": lambda p, r, o: geometry.crop(
        p.scale(1.0, stretch=float(r.choice([0.7, 1.5]))), r, 0.6
    ),
    "perspective": lambda p, r, o: geometry.tilt(p, r),
    "pad": lambda p, r, o: geometry.pad(p, r),
    "letterbox": lambda p, r, o: geometry.letterbox(p, r),
    # painted over
    "text": lambda p, r, o: layers.write(p, r),
    "news banner": lambda p, r, o: layers.add_banner(p, r),
    "watermark": lambda p, r, o: layers.watermark(p, r),
    "sticker": lambda p, r, o: layers.add_sticker(p, r),
    "stickers over 35 %": lambda p, r, o: layers.add_stickers(p, r, share=0.35),
    "scribbles": lambda p, r, o: layers.scribble(p, r),
    # parts replaced
    "paste": lambda p, r, o: layers.paste_part(p, r, o),
    "paste over 40 %": lambda p, r, o: layers.paste_part(p, r, o, side=0.63),
    "object replaced": layers.replace_object,
    "background replaced": layers.replace_background,
    "half replaced": layers.replace_half,
    # on something larger
    "screenshot": lambda p, r, o: pages.capture_page(p, r),
    "post light": lambda p, r, o: pages.capture_post(p, r, dark=False),
    "post dark": lambda p, r, o: pages.capture_post(p, r, dark=True),
    "browser": pages.capture_browser,
    "caption bars": lambda p, r, o: pages.add_caption_bars(p, r),
    "inset": lambda p, r, o: pages.inset(p, r, o, share=(0.45, 0.6)),
    "inset 25 %": lambda p, r, o: pages.inset_in_video(p, r, o, area=0.25),
    "inset 10 %": lambda p, r, o: pages.inset_in_video(p, r, o, area=0.10),
    "collage of 2": lambda p, r, o: (
        pages.tile(p, r, o, columns=2, rows=1) if r.random() < 0.5 else pages.tile(p, r, o, columns=1, rows=2)
    ),
    "collage of 3": lambda p, r, o: pages.tile(p, r, o, columns=3, rows=1),
    "collage of 4": lambda p, r, o: pages.tile(p, r, o, columns=2, rows=2),
    "collage of trusted 2": lambda p, r, o: KINDS["collage of 2"](p, r, o),
    "collage of trusted 4": lambda p, r, o: KINDS["collage of 4"](p, r, o),
    "splice of trusted": layers.replace_half,
    "filmed screen": lambda p, r, o: pages.film_screen(p, r),
    # one after the other
    "crop + tone + text": lambda p, r, o: layers.write(
        levels.tone(geometry.crop(p, r, 0.6), gain=1.2, gamma=0.9), r
    ),
    "mirror + crop + jpeg": lambda p, r, o: levels.compress(geometry.crop(p, r, 0.5).mirror().scale(0.6), 35),
    "crop + screenshot": chain("crop 50", "screenshot"),
    "meme + post": chain("caption bars", "post dark"),
    "filter + square + watermark": chain("colour filter", "square", "watermark"),
    "mirror + collage": chain("mirror", "collage of 4"),
    "rotate + crop + repost": chain("rotate 8", "crop 50", "reposted 6 times"),
    "grey + mirror + thumbnail": chain("greyscale", "mirror", "thumbnail 200"),
    "filmed post": chain("post light", "filmed screen"),
    "crop + inset": chain("crop 70", "inset 25 %"),
    "stickers + crop + vignette": chain("stickers over 35 %", "crop 50", "heavy vignette"),
    "half replaced + mirror + jpeg": chain("half replaced", "mirror", "jpeg 20"),
}

# Kinds whose other pictures are trusted too, and how many of them each shows.
FURTHER_SOURCES = {"collage of trusted 2": 1, "collage of trusted 4": 3, "splice of trusted": 1}
