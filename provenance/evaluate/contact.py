"""What a retrieval run missed or mistook, one row each on a contact sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from provenance.errors import InputError
from provenance.evaluate.queries import spread
from provenance.evaluate.retrieval import Outcome

ROWS = 60
TILE_PX, GAP_PX, HEAD_PX, TEXT_PX = 200, 8, 28, 470
# What fits into the column of text in the default font at this size.
FONT_PX, LINE_PX, COLUMNS = 13, 17, 64
INK, SOFT, LINE, ALARM = (30, 30, 34), (110, 110, 116), (220, 220, 224), (176, 24, 24)


def draw_contact_sheet(outcomes: Sequence[Outcome], *, rows: int = ROWS) -> Image.Image:
    """Query, true original and answer, with kind, verdict, confidence and reason; false matches first.

    Of more than `rows` mistakes all kinds get about equally many; the foot says how many are left out.
    """
    false = sorted((one for one in outcomes if one.false), key=lambda one: -one.confidence)
    missed = sorted((one for one in outcomes if not one.false), key=lambda one: one.query.kind)
    shown = spread(false, rows, _kind)
    shown += spread(missed, rows - len(shown), _kind)
    width = 3 * (TILE_PX + GAP_PX) + GAP_PX + TEXT_PX
    height = HEAD_PX + max(1, len(shown)) * (TILE_PX + GAP_PX) + HEAD_PX
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_PX)
    for column, word in enumerate(("query", "original", "answer")):
        draw.text((GAP_PX + column * (TILE_PX + GAP_PX), 7), word, font=font, fill=SOFT)
    for number, one in enumerate(shown):
        _draw_row(sheet, draw, one, HEAD_PX + number * (TILE_PX + GAP_PX))
    foot = f"{len(false)} false matches, {len(missed)} originals not found"
    if left_out := len(outcomes) - len(shown):
        foot += f"; {left_out} more are not shown"
    draw.text((GAP_PX, height - HEAD_PX + 5), foot if outcomes else "no mistakes", font=font, fill=INK)
    return sheet


def describe_mistake(one: Outcome) -> list[str]:
    """What is said of a mistake: what it is, kind, verdict and confidence, the reasons, the files."""
    several = f", and {len(one.query.also)} further originals" if one.query.also else ""
    answer = f"{'match' if one.matched else 'best candidate'}: {Path(one.answer).name}" if one.answer else ""
    original = f"original: {one.query.reference.name}{several}" if one.query.reference else "no original"
    lines = [
        f"{'FALSE MATCH' if one.false else 'NOT FOUND'}  {one.query.kind or '(no kind)'}",
        f"verdict {one.verdict}, confidence {one.confidence:.3f}",
        f"{one.query.path.name}: {one.query.kept_area:.0%} of the area"
        + (f" at {one.query.short_side_px} px" if one.query.short_side_px else ""),
        original,
        f"its place: {one.original_reason}" if one.original_reason else "",
        answer or "no candidate",
        f"why: {one.reason}" if one.reason else "",
    ]
    return [line for line in lines if line]


def _draw_row(sheet: Image.Image, draw: ImageDraw.ImageDraw, one: Outcome, top: int) -> None:
    pictures = (one.query.path, one.query.reference, Path(one.answer) if one.answer else None)
    for column, path in enumerate(pictures):
        left = GAP_PX + column * (TILE_PX + GAP_PX)
        tile = _tile(path) if path is not None else None
        if tile is not None:
            sheet.paste(tile, (left, top))
        else:
            words = "none" if path is None else "not readable"
            draw.text((left + 4, top + 4), words, font=ImageFont.load_default(FONT_PX), fill=SOFT)
    left, font = 3 * (TILE_PX + GAP_PX) + GAP_PX, ImageFont.load_default(FONT_PX)
    first, *others = describe_mistake(one)
    draw.text((left, top), first, font=font, fill=ALARM)
    wrapped = [part for line in others for part in textwrap.wrap(line, COLUMNS, subsequent_indent="  ")]
    for number, line in enumerate(wrapped[: TILE_PX // LINE_PX - 1], start=1):
        draw.text((left, top + number * LINE_PX), line, font=font, fill=INK)
    draw.line((0, top + TILE_PX + GAP_PX // 2, sheet.width, top + TILE_PX + GAP_PX // 2), fill=LINE)


def _tile(path: Path) -> Image.Image | None:
    """A small form of a picture, None where it cannot be read any more."""
    from provenance.decode import decode, reduce

    try:
        image = Image.fromarray(reduce(decode(path), 2 * TILE_PX).pixels)
    except InputError:
        return None
    image.thumbnail((TILE_PX, TILE_PX))
    return image


def _kind(one: Outcome) -> str:
    return one.query.kind
