"""Pictures of a retrieval run: the reliability diagram, and the mistakes on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from provenance.errors import InputError
from provenance.evaluate.metrics import ReliabilityBin, expected_calibration_error
from provenance.evaluate.retrieval import Outcome

SIDE_PX, MARGIN_PX, COUNTS_PX = 480, 64, 110
INK, SOFT, BAR, GAP = (30, 30, 34), (205, 205, 210), (66, 112, 178), (222, 132, 96)
TILE_PX, COLUMNS = 220, 3


def draw_reliability(bins: Sequence[ReliabilityBin], title: str) -> Image.Image:
    """The reliability diagram: accuracy over confidence with the diagonal, and the count in each bin."""
    width, height = SIDE_PX + 2 * MARGIN_PX, SIDE_PX + COUNTS_PX + 3 * MARGIN_PX
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    left, top, bottom = MARGIN_PX, MARGIN_PX, MARGIN_PX + SIDE_PX
    title = f"{title}, expected calibration error {expected_calibration_error(bins):.4f}"
    draw.text((width // 2, MARGIN_PX // 2), title, font=ImageFont.load_default(15), fill=INK, anchor="mm")
    for tick in range(0, 11, 2):
        at = round(SIDE_PX * tick / 10)
        draw.line((left, bottom - at, left + SIDE_PX, bottom - at), fill=SOFT)
        draw.text((left - 8, bottom - at), f"{tick / 10:.1f}", font=font, fill=INK, anchor="rm")
        draw.text((left + at, bottom + 8), f"{tick / 10:.1f}", font=font, fill=INK, anchor="ma")
    largest = max((one.count for one in bins), default=1)
    base = bottom + MARGIN_PX + COUNTS_PX
    for one in bins:
        x0, x1 = left + round(one.low * SIDE_PX) + 2, left + round(one.high * SIDE_PX) - 2
        reached, said = bottom - round(one.accuracy * SIDE_PX), bottom - round(one.confidence * SIDE_PX)
        draw.rectangle((x0, reached, x1, bottom), fill=BAR)
        draw.rectangle((x0, min(reached, said), x1, max(reached, said)), outline=GAP, width=2)
        draw.rectangle((x0, base - round(one.count / largest * (COUNTS_PX - 20)), x1, base), fill=SOFT)
        draw.text(((x0 + x1) // 2, base + 4), str(one.count), font=font, fill=INK, anchor="ma")
    draw.line((left, bottom, left + SIDE_PX, top), fill=INK)
    draw.line((left, top, left, bottom, left + SIDE_PX, bottom), fill=INK)
    below = "bars: share that is right, over confidence; orange: distance; below: answers in each bin"
    draw.text((width // 2, height - MARGIN_PX // 2), below, font=font, fill=INK, anchor="mm")
    return image


def draw_mistakes(outcomes: Sequence[Outcome]) -> Image.Image:
    """A contact sheet: query, its original and the answer side by side for each mistake."""
    cell_width, cell_height = 3 * TILE_PX + 16, TILE_PX + 40
    rows = -(-max(1, len(outcomes)) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell_width, rows * cell_height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    if not outcomes:
        draw.text((cell_width // 2, cell_height // 2), "no mistakes", font=font, fill=INK, anchor="mm")
    for number, one in enumerate(outcomes):
        x, y = number % COLUMNS * cell_width, number // COLUMNS * cell_height
        what = "FALSE MATCH" if one.false else "not found"
        shown = f"{what}, {one.confidence:.2f}: {one.query.kind}, {one.query.path.name}"
        draw.text((x + 4, y + 4), shown, font=font, fill=(176, 24, 24))
        words = ("query", "original", "match" if one.matched else "best candidate")
        pictures = (one.query.path, one.query.reference, Path(one.answer) if one.answer else None)
        for place, (word, path) in enumerate(zip(words, pictures, strict=True)):
            left = x + 4 + place * (TILE_PX + 4)
            draw.text((left, y + 20), word if path else f"no {word}", font=font, fill=INK)
            if path is not None and (tile := _tile(path)) is not None:
                sheet.paste(tile, (left, y + 36))
    return sheet


def _tile(path: Path) -> Image.Image | None:
    """A small form of a picture, None where it cannot be read any more."""
    from provenance.decode import decode, reduce

    try:
        image = Image.fromarray(reduce(decode(path), 2 * TILE_PX).pixels)
    except InputError:
        return None
    image.thumbnail((TILE_PX, TILE_PX - 2))
    return image
