"""Edits that paint over parts of the picture: words, stickers, watermarks, other pictures' parts."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.evaluate.edits.geometry import crop
from provenance.evaluate.edits.picture import Mask, TracedPicture, fill, resize
from provenance.records import Pixels

WORDS = ("WHEN", "NOBODY", "TOLD", "YOU", "MONDAY", "AGAIN", "BREAKING", "2024")
# Long side at which a subject is cut out: finer edges are not worth the time.
CUT_OUT_PX = 160


def phrase(rng: np.random.Generator, words: int) -> str:
    """Some words."""
    return " ".join(rng.choice(WORDS, words))


def write(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """Two lines of meme text."""
    image = Image.fromarray(picture.pixels)
    draw = ImageDraw.Draw(image)
    size = max(10, image.height // 9)
    font = ImageFont.load_default(size)
    words = rng.choice(WORDS, 6)
    for line, y in (
        (" ".join(words[:3]), image.height // 30),
        (" ".join(words[3:]), image.height - size * 3 // 2),
    ):
        draw.text((image.width // 2, y), line, font=font, fill="white", stroke_fill="black",
                  stroke_width=size // 12 + 1, anchor="ma")  # fmt: skip
    return picture.cover(np.asarray(image))


def add_banner(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A news channel's lower third, and its logo in a corner."""
    image = Image.fromarray(picture.pixels)
    draw = ImageDraw.Draw(image)
    width, height = image.size
    top, strip = round(height * 0.74), round(height * 0.9)
    color = tuple(int(c) for c in rng.choice([[180, 16, 24], [12, 44, 110], [20, 20, 20]]))
    draw.rectangle((0, top, width, strip), fill=color)
    draw.rectangle((0, strip, width, height), fill=(245, 245, 245))
    for y, words, size, ink in ((top, 4, strip - top, "white"), (strip, 6, height - strip, "black")):
        font = ImageFont.load_default(max(8, size // 2))
        draw.text((width // 30, y), phrase(rng, words), font=font, fill=ink)
    draw.rectangle((round(width * 0.86), height // 30, round(width * 0.97), height // 9), fill=color)
    draw.text((round(width * 0.88), height // 26), "24H", font=ImageFont.load_default(max(8, height // 22)),
              fill="white")  # fmt: skip
    mask = np.zeros((height, width), bool)
    mask[top:] = True
    mask[height // 30 : height // 9, round(width * 0.86) : round(width * 0.97)] = True
    return picture.cover(np.asarray(image), mask)


def watermark(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """An agency's name across the whole picture in half-transparent white, several times."""
    layer = Image.new("L", (picture.width, picture.height), 0)
    draw = ImageDraw.Draw(layer)
    size = max(12, min(layer.size) // 8)
    font = ImageFont.load_default(size)
    name = phrase(rng, 2)
    step = max(1.0, draw.textlength(name, font=font) * 1.15)
    for row, y in enumerate(range(0, layer.height, round(size * 1.5))):
        for x in np.arange(-step * (row % 2) / 2, layer.width, step):
            draw.text((float(x), y), name, font=font, fill=255)
    turned = layer.rotate(float(rng.choice([0, 0, 12])), resample=Image.Resampling.BILINEAR)
    alpha = np.asarray(turned)[..., None] / 255 * rng.uniform(0.45, 0.75)
    return picture.cover((picture.pixels * (1 - alpha) + 255 * alpha).astype(np.uint8), alpha[..., 0] >= 0.5)


def draw_face(draw: ImageDraw.ImageDraw, x: int, y: int, r: int) -> None:
    """A yellow face of radius `r`."""
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 205, 50), outline=(120, 80, 0), width=2)
    for eye in (x - r // 3, x + r // 3):
        draw.ellipse((eye - r // 8, y - r // 3, eye + r // 8, y), fill=(60, 40, 0))
    draw.arc((x - r // 2, y - r // 3, x + r // 2, y + r * 2 // 3), 20, 160, fill=(60, 40, 0), width=3)


def add_sticker(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """A yellow face on a third of the short side."""
    image = Image.fromarray(picture.pixels)
    r = min(image.size) // 6
    x, y = int(rng.integers(r, image.width - r)), int(rng.integers(r, image.height - r))
    draw_face(ImageDraw.Draw(image), x, y, r)
    return picture.cover(np.asarray(image), _disc(picture, x, y, r))


def add_stickers(picture: TracedPicture, rng: np.random.Generator, *, share: float) -> TracedPicture:
    """Faces and coloured plates until `share` of the picture is covered."""
    image = Image.fromarray(picture.pixels)
    draw = ImageDraw.Draw(image)
    mask = np.zeros((picture.height, picture.width), bool)
    while mask.mean() < share:
        x, y = int(rng.integers(0, image.width)), int(rng.integers(0, image.height))
        r = max(4, round(min(image.size) * rng.uniform(0.08, 0.17)))
        if rng.random() < 0.6:
            draw_face(draw, x, y, r)
            mask |= _disc(picture, x, y, r)
        else:
            box = (max(0, x - 2 * r), max(0, y - r // 2), x + 2 * r, y + r // 2)
            draw.rectangle(box, fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
            draw.text((box[0] + 2, box[1]), phrase(rng, 1), font=ImageFont.load_default(r), fill="white")
            mask[box[1] : box[3] + 1, box[0] : box[2] + 1] = True
    return picture.cover(np.asarray(image), mask)


def scribble(picture: TracedPicture, rng: np.random.Generator) -> TracedPicture:
    """Red circles and arrows, and black bars over two places."""
    image = Image.fromarray(picture.pixels)
    draw = ImageDraw.Draw(image)
    width, height = image.size
    line = max(3, min(image.size) // 60)
    for _ in range(3):
        x, y = rng.uniform(0.1, 0.7, 2) * (width, height)
        draw.ellipse((x, y, x + width * 0.22, y + height * 0.22), outline=(230, 20, 20), width=line)
        draw.line((x - width * 0.1, y - height * 0.1, x, y), fill=(230, 20, 20), width=line)
    for _ in range(2):
        x, y = rng.uniform(0.05, 0.65, 2) * (width, height)
        draw.rectangle((x, y, x + width * 0.28, y + height * 0.1), fill="black")
    return picture.cover(np.asarray(image))


def paste_part(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels], *, side: float = 0.36
) -> TracedPicture:
    """A rectangle of another picture, `side` of the width and of the height."""
    part = crop(TracedPicture.whole(others[0]), rng, 0.2).pixels
    patch = resize(part, max(1, round(picture.width * side)), max(1, round(picture.height * side)))
    x = int(rng.integers(0, picture.width - patch.shape[1] + 1))
    y = int(rng.integers(0, picture.height - patch.shape[0] + 1))
    pixels, mask = picture.pixels.copy(), np.zeros(picture.pixels.shape[:2], bool)
    place = np.s_[y : y + patch.shape[0], x : x + patch.shape[1]]
    pixels[place], mask[place] = patch, True
    return picture.cover(pixels, mask)


def replace_half(picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels]) -> TracedPicture:
    """The left, right, upper or lower half is another picture's, with a hard or a soft seam."""
    y, x = np.mgrid[0 : 1 : picture.height * 1j, 0 : 1 : picture.width * 1j]
    along = (x, 1 - x, y, 1 - y)[int(rng.integers(4))]
    seam = float(rng.choice([0.002, 0.04]))
    return _blend(picture, fill(others[0], picture.width, picture.height), (along - 0.5) / seam + 0.5)


def replace_object(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels]
) -> TracedPicture:
    """The subject covered by another picture's subject, which takes up to a third of the picture."""
    box = _bounds(cut_out(picture.pixels))
    subject = cut_out(others[0])
    x0, y0, x1, y1 = _bounds(subject)
    width, height = box[2] - box[0], box[3] - box[1]
    largest = np.sqrt(0.33 * picture.width * picture.height / subject.sum())
    factor = float(min(1.15 * max(width / (x1 - x0), height / (y1 - y0)), largest))
    size = (max(1, round((x1 - x0) * factor)), max(1, round((y1 - y0) * factor)))
    patch = TracedPicture.whole(resize(np.ascontiguousarray(others[0][y0:y1, x0:x1]), *size))
    at = ((box[0] + box[2] - size[0]) // 2, (box[1] + box[3] - size[1]) // 2)
    alpha = np.asarray(Image.fromarray(subject[y0:y1, x0:x1].astype(np.uint8) * 255).resize(size))
    empty = np.zeros_like(picture.pixels)
    shape = TracedPicture.whole(np.repeat(alpha[..., None], 3, axis=2)).place_on(empty, *at).pixels[..., 0]
    # Softened inwards only: outside its outline the subject has no pixels to mix with.
    soft = np.minimum(shape, cv2.GaussianBlur(shape, (0, 0), max(0.8, picture.width / 400)))
    return _blend(picture, patch.place_on(empty, *at).pixels, soft / 255.0)


def replace_background(
    picture: TracedPicture, rng: np.random.Generator, others: Sequence[Pixels]
) -> TracedPicture:
    """All but the subject is another picture's."""
    subject = cut_out(picture.pixels).astype(np.float32)
    soft = cv2.GaussianBlur(subject, (0, 0), max(0.8, picture.width / 400))
    return _blend(picture, fill(others[0], picture.width, picture.height), 1.0 - np.asarray(soft))


def cut_out(pixels: Pixels) -> Mask:
    """[h, w] the middle subject by GrabCut (Rother et al. 2004), or an ellipse where none stands out."""
    height, width = pixels.shape[:2]
    factor = CUT_OUT_PX / max(height, width)
    small = resize(pixels, max(8, round(width * factor)), max(8, round(height * factor)))
    h, w = small.shape[:2]
    labels = np.zeros((h, w), np.uint8)
    cv2.setRNGSeed(0)
    cv2.grabCut(
        small[..., ::-1].copy(), labels, (round(w * 0.18), round(h * 0.15), round(w * 0.64), round(h * 0.75)),
        np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT,
    )  # fmt: skip
    subject = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if not 0.12 < subject.mean() < 0.5:
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        subject = (x / 0.6) ** 2 + (y / 0.75) ** 2 < 1
    large = Image.fromarray(subject.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(large) >= 128


def _blend(picture: TracedPicture, layer: Pixels, alpha: NDArray[np.floating]) -> TracedPicture:
    """A layer [h, w, 3] over the picture with alpha [h, w], clipped to 0..1."""
    alpha = np.clip(alpha, 0, 1)[..., None]
    mixed = picture.pixels * (1 - alpha) + layer * alpha
    return picture.cover(mixed.astype(np.uint8), alpha[..., 0] >= 0.5)


def _bounds(mask: Mask) -> tuple[int, int, int, int]:
    """The box [x0, y0, x1, y1] around what is true."""
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def _disc(picture: TracedPicture, x: int, y: int, r: int) -> Mask:
    rows, columns = np.ogrid[: picture.height, : picture.width]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= r * r)
