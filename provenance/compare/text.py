"""Words in changed regions, before and after, read by rapidocr (PP-OCR, models inside its wheel)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Box, Operation, Pixels

Mask = NDArray[np.bool_]
MIN_EXPLAINED = 0.45
"""Share of a region that words must cover for the region to count as text."""
MIN_SCORE = 0.8
"""Mean character probability; leaves and bricks that look like letters stay below."""
MIN_STROKE_LEVELS = 24.0
"""Level steps within 3 px that the steepest hundredth of a crop with words exceeds."""
_MAX_SIDE = 960
_reading = threading.Lock()
"""The engine keeps state between its steps."""

_CONFUSABLE = str.maketrans({"o": "0", "q": "0", "l": "1", "i": "1", "|": "1", "s": "5", "b": "8", "z": "2"})


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of words as read."""

    text: str
    score: float
    box: Box
    """Pixels of the picture it was cut from."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """Words of a region that differ between the sides."""

    operation: Operation
    before: str | None
    after: str | None
    confidence: float
    boxes: tuple[Box, ...]
    """Of the lines concerned, both sides."""


@cache
def _engine() -> Any:
    from omegaconf import OmegaConf

    # Importing rapidocr parses its long list of models twice: half of its half second.
    load = OmegaConf.load
    OmegaConf.load = cache(load)  # type: ignore[method-assign]
    try:
        from rapidocr import RapidOCR
    finally:
        OmegaConf.load = load  # type: ignore[method-assign]
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": _MAX_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 2,
        }
    )


def read_lines(pixels: Pixels, box: Box) -> list[TextLine]:
    """Read the lines of text inside `box` of a picture [h, w, 3], small writing enlarged first."""
    x0, y0, x1, y1 = box
    crop = pixels[y0:y1, x0:x1]
    if not _has_strokes(crop):
        return []
    scale = min(_MAX_SIDE / max(crop.shape[:2]), float(np.clip(72 / crop.shape[0], 1.0, 3.0)))
    if scale != 1.0:
        way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        crop = np.asarray(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=way), np.uint8)
    # Letters that touch the crop's edge are missed.
    pad = 12
    crop = np.asarray(cv2.copyMakeBorder(crop, pad, pad, pad, pad, cv2.BORDER_REPLICATE), np.uint8)
    with _reading:
        result = _engine()(np.ascontiguousarray(crop[..., ::-1]))
    if result.boxes is None or result.txts is None:
        return []
    lines = []
    for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
        low, high = (corners.min(axis=0) - pad) / scale, (corners.max(axis=0) - pad) / scale
        place = (x0 + int(low[0]), y0 + int(low[1]), x0 + round(high[0]), y0 + round(high[1]))
        lines.append(TextLine(text.strip(), float(score), place))
    return lines


def _has_strokes(crop: Pixels) -> bool:
    """Whether anything in the crop is steep enough to be writing: clear sky need not be read."""
    gray = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY)
    steepness = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return float(np.percentile(steepness, 99)) > MIN_STROKE_LEVELS


def compare_text(query: Pixels, reference: Pixels, mask: Mask, box: Box) -> TextChange | None:
    """Read both sides around a changed region; None where no words differ or words are not what changed."""
    height = box[3] - box[1]
    around = _widen(box, (round(np.clip(1.5 * height, 12, 120)), round(np.clip(0.4 * height, 10, 40))), mask)
    sides = [read_lines(pixels, around) for pixels in (reference, query)]
    if any(_is_cut(line, around, mask) for side in sides for line in side):
        around = _widen(around, (round(np.clip(6 * height, 40, 400)), 4), mask)
        sides = [read_lines(pixels, around) for pixels in (reference, query)]
    if not any(sides) and box[2] - box[0] > 1.5 * height:
        # Letters of light bulbs or of print dots become strokes when blurred.
        sigma = max(1.0, height / 34)
        smooth = [
            np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8) for pixels in (reference, query)
        ]
        sides = [read_lines(pixels, around) for pixels in smooth]
    before, after = _without_common(*([line for line in side if _concerns(line, mask)] for side in sides))
    if not before and not after:
        return None
    if not (before and after):
        # Words that are new as a whole lie on changed ground as a whole.
        before, after = ([line for line in side if _share(mask, line.box) > 0.3] for side in (before, after))
    lines = before + after
    boxes = tuple(line.box for line in lines)
    if not lines or explained_share(mask, box, boxes) < MIN_EXPLAINED:
        return None
    operation: Operation = "text_changed" if before and after else "text_added" if after else "text_removed"
    score = min(line.score for line in lines)
    return TextChange(operation, _joined(before), _joined(after), round(0.95 * score, 3), boxes)


def normalize(text: str) -> str:
    """Letters and digits only, case and the usual misreadings folded."""
    return "".join(c for c in text.casefold() if c.isalnum()).translate(_CONFUSABLE)


def _concerns(line: TextLine, mask: Mask) -> bool:
    """Whether the line is surely text, and at least a stroke of it changed."""
    letters = sum(c.isalnum() for c in line.text)
    if line.score < MIN_SCORE or letters < 1 or (letters < 3 and line.score < 0.93):
        return False
    x0, y0, x1, y1 = line.box
    touched = np.count_nonzero(mask[max(0, y0) : y1, max(0, x0) : x1])
    return bool(touched > 0.12 * min(y1 - y0, x1 - x0) ** 2)


def _widen(box: Box, by: tuple[int, int], mask: Mask) -> Box:
    """The box with a margin (x, y), inside the picture."""
    h, w = mask.shape
    return max(0, box[0] - by[0]), max(0, box[1] - by[1]), min(w, box[2] + by[0]), min(h, box[3] + by[1])


def _is_cut(line: TextLine, around: Box, mask: Mask) -> bool:
    """Whether a line that matters goes on beyond the side of the crop."""
    near = max(3, (line.box[3] - line.box[1]) // 3)
    left = around[0] > 0 and line.box[0] <= around[0] + near
    right = around[2] < mask.shape[1] and line.box[2] >= around[2] - near
    return (left or right) and _concerns(line, mask)


def _share(mask: Mask, box: Box) -> float:
    """Changed share of a line, less the margin that the detector adds around the letters."""
    pad = (box[3] - box[1]) // 5
    part = mask[max(0, box[1] + pad) : box[3] - pad, max(0, box[0] + pad) : box[2] - pad]
    return float(part.mean()) if part.size else 0.0


def _without_common(before: list[TextLine], after: list[TextLine]) -> tuple[list[TextLine], list[TextLine]]:
    """Drop lines that say the same on both sides at the same place."""
    common_before, common_after = set(), set()
    for i, one in enumerate(before):
        for j, other in enumerate(after):
            if _overlap(one.box, other.box) and _same(one.text, other.text):
                common_before.add(i)
                common_after.add(j)
    return (
        [line for i, line in enumerate(before) if i not in common_before],
        [line for j, line in enumerate(after) if j not in common_after],
    )


def _same(one: str, other: str) -> bool:
    first, second = normalize(one), normalize(other)
    if first == second:
        return True
    # A long line read twice may differ by a letter in compression noise; an edit changes a word.
    return len(first) > 24 and SequenceMatcher(None, first, second, autojunk=False).ratio() > 0.97


def _overlap(one: Box, other: Box) -> bool:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width > 0 and height > 0.4 * min(one[3] - one[1], other[3] - other[1])


def explained_share(mask: Mask, box: Box, lines: tuple[Box, ...]) -> float:
    """Share of a region's changed pixels inside `box` that lie on the lines or their plate."""
    near = np.zeros(mask.shape, np.bool_)
    for x0, y0, x1, y1 in lines:
        pad = (y1 - y0) // 2
        near[max(0, y0 - pad) : y1 + pad, max(0, x0 - pad) : x1 + pad] = True
    place = np.s_[box[1] : box[3], box[0] : box[2]]
    return float(
        int(np.count_nonzero(mask[place] & near[place])) / max(1, int(np.count_nonzero(mask[place])))
    )


def _joined(lines: list[TextLine]) -> str | None:
    """The lines in reading order."""
    if not lines:
        return None
    height = float(np.median([line.box[3] - line.box[1] for line in lines]))
    ordered = sorted(lines, key=lambda line: (round((line.box[1] + line.box[3]) / 2 / height), line.box[0]))
    return " ".join(line.text for line in ordered)
