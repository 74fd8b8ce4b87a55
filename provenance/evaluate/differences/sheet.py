"""The worst pairs of a run, one row each: reference, query, change map, what is true and what was said."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from provenance.evaluate.contact import ALARM, FONT_PX, GAP_PX, HEAD_PX, INK, LINE, LINE_PX, SOFT
from provenance.evaluate.differences.matching import SaidEdit
from provenance.evaluate.differences.run import Outcome, library
from provenance.evaluate.differences.tables import shown
from provenance.evaluate.pairs.truth import TrueEdit
from provenance.records import Box, Pixels

TILE_PX, TEXT_PX, COLUMNS = 300, 620, 92
TRUE, SAID = (20, 150, 40), (220, 30, 30)


def draw_sheet(outcomes: Sequence[Outcome], *, text: bool = True) -> Image.Image:
    """A contact sheet: green boxes are true edits, red ones said ones; each pair is explained once more."""
    row = TILE_PX + GAP_PX
    width = 3 * row + GAP_PX + TEXT_PX
    sheet = Image.new("RGB", (width, HEAD_PX + max(1, len(outcomes)) * row), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_PX)
    heads = ("reference", "query: green true, red said", "change map", "")
    for column, word in enumerate(heads):
        draw.text((GAP_PX + column * row, 7), word, font=font, fill=SOFT)
    if not outcomes:
        draw.text((GAP_PX, HEAD_PX), "no mistakes", font=font, fill=INK)
    for number, one in enumerate(outcomes):
        top = HEAD_PX + number * row
        for column, tile in enumerate(_tiles(one, text)):
            sheet.paste(tile, (GAP_PX + column * row, top))
        left = GAP_PX + 3 * row
        for line, (words, color) in enumerate(describe(one)[: TILE_PX // LINE_PX]):
            draw.text((left, top + line * LINE_PX), words, font=font, fill=color)
        draw.line((0, top + row - GAP_PX // 2, width, top + row - GAP_PX // 2), fill=LINE)
    return sheet


def describe(one: Outcome) -> list[tuple[str, tuple[int, int, int]]]:
    """What is true and what was said, line by line with its colour."""
    strength = one.pair.strength or "benign"
    lines = [(f"{one.pair.id} ({strength}), {one.verdict}", ALARM), (one.caption, INK)]
    lines += [(f"found: {shown(edit)}", TRUE) for edit, _ in one.matching.found]
    lines += [(f"MISSED: {shown(edit)}", ALARM) for edit in one.matching.missed]
    lines += [(f"FALSE: {shown(said)}", ALARM) for said in one.matching.false]
    lines += [(f"neither: {shown(said)}", SOFT) for said in one.matching.neutral]
    return [
        (part, color)
        for words, color in lines
        for part in textwrap.wrap(words, COLUMNS, subsequent_indent="   ")
    ]


def _tiles(one: Outcome, text: bool) -> list[Image.Image]:
    """The three pictures of a row; the change map only where the pair was compared."""
    report = library(text).explain(one.pair.reference, one.pair.query)
    if report.evidence is None:
        return [_fitted(_read(path)) for path in (one.pair.reference, one.pair.query)]
    evidence = report.evidence
    levels = np.asarray(evidence.comparison.change_map * 255, np.uint8)
    heat = np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1], np.uint8)
    boxes = _outlined(_fitted(evidence.query.pixels), one, evidence.query.width)
    return [_fitted(evidence.reference.pixels), boxes, _fitted(np.ascontiguousarray(heat))]


def _outlined(tile: Image.Image, one: Outcome, width: int) -> Image.Image:
    draw, scale = ImageDraw.Draw(tile), tile.width / width

    def outline(box: Box, color: tuple[int, int, int], grow: int) -> None:
        x0, y0, x1, y1 = (value * scale for value in box)
        draw.rectangle((x0 - grow, y0 - grow, max(x0, x1 - 1) + grow, max(y0, y1 - 1) + grow), outline=color)

    edits: list[TrueEdit | SaidEdit] = [edit for edit in one.pair.operations if not edit.optional]
    for edit in edits:
        if edit.box is not None:
            outline(edit.box, TRUE, 1)
    for said in one.said:
        if said.box is not None:
            outline(said.box, SAID, 2)
    return tile


def _read(path: object) -> Pixels:
    with Image.open(str(path)) as picture:
        return np.asarray(picture.convert("RGB"))


def _fitted(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(pixels)
    image.thumbnail((TILE_PX, TILE_PX), Image.Resampling.BOX)
    return image
