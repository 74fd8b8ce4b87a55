"""Edits of writing: added, removed, a line, a word or a digit changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from provenance.evaluate.pairs.draft import Draft, measure_change
from provenance.evaluate.pairs.objects import Kind, paint_out
from provenance.evaluate.pairs.stock import Stock, fonts, load_font
from provenance.evaluate.pairs.truth import Strength
from provenance.records import Pixels

# Height of a line, share of the picture's short side.
HEIGHTS: dict[Strength, tuple[float, float]] = {
    "barely": (0.02, 0.035),
    "visible": (0.045, 0.1),
    "gross": (0.12, 0.2),
}
LEAST_PX = 11
# Height of letters, share of the short side, that is hardly and that is plainly seen.
BARELY, GROSS = 0.025, 0.09
# Scripts that the reader of the embedded default knows.
READ = ("latin", "chinese")
WORDS = (
    "SALE", "OPEN", "News", "TODAY", "Berlin", "Paris", "EXIT", "Hotel", "Market", "FREE", "Vote",
    "Police", "Stop", "Coffee", "Bank", "River", "Summer", "Harbor", "Garden", "Station", "Museum",
    "Closed", "Warning", "Private", "Library", "School", "Winter", "Bridge", "Camera", "President",
    "Minister", "says", "never", "again", "water", "before", "after", "without", "North", "South",
    "Street", "City", "Council", "report", "shows", "thousands", "protest", "Friday", "Monday", "March",
    "October", "breaking", "live", "update", "official", "statement", "hospital", "airport", "weather",
    "storm",
)  # fmt: skip
NUMBERS = (
    "2019",
    "1,450",
    "24 July",
    "7:35",
    "38%",
    "No. 12",
    "1984",
    "$3.99",
    "100 km",
    "2026",
    "15",
    "911",
)
OTHER_WORDS = {
    "cyrillic": ("НОВОСТИ", "Москва", "сегодня", "выход", "рынок", "гостиница", "президент", "закрыто"),
    "greek": ("ΝΕΑ", "Αθήνα", "σήμερα", "έξοδος", "αγορά", "προσοχή", "κλειστό", "δρόμος"),
    "chinese": ("今日新闻", "北京", "出口", "市场", "酒店", "注意安全", "禁止停车", "图书馆"),
}
INKS = ((10, 10, 10), (250, 250, 250), (225, 30, 30), (250, 220, 20), (20, 60, 170), (20, 120, 60))


@dataclass(frozen=True, slots=True)
class Writing:
    """Words and how they are set."""

    words: tuple[str, ...]
    script: str
    font: str
    size: int
    at: tuple[int, int]
    ink: tuple[int, int, int]
    plate: tuple[int, int, int] | None
    outline: bool
    room: int
    """Width that is kept free, so that a plate does not change with the words."""

    @property
    def text(self) -> str:
        """The words as a line."""
        return ("" if self.script == "chinese" else " ").join(self.words)


def add(*, plate: bool) -> Kind:
    """A line of words laid on the picture, straight or on a plate."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        writing = _compose(draft, strength, rng, plate=plate)
        if writing is None:
            return None
        after, height = write(draft.query, writing)
        if not _readable(draft.query, after, writing):
            return None
        return draft.with_local(
            "text_added", after, text_after=writing.text,
            **_truth(draft, writing, height, "object_added", "object_replaced"),
        )  # fmt: skip

    return edit


def remove(*, plate: bool) -> Kind:
    """A line of the reference is gone: painted out, wiped off its plate, or as if it had never been there."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        writing = _compose(draft, strength, rng, plate=plate)
        if writing is None:
            return None
        before, height = write(draft.query, writing)
        reference, _ = write(draft.reference, writing)
        empty = replace(writing, words=())
        if not _readable(draft.query, before, writing):
            return None
        if writing.plate is not None and rng.random() < 0.5:
            after: Pixels | None = write(draft.query, empty)[0]
        elif rng.random() < 0.5:
            after = draft.query
        else:
            hole = np.abs(before.astype(np.int16) - draft.query).max(axis=2) > 2
            after = paint_out(before, hole, str(rng.choice(["telea", "ns"])), rng)
        if after is None:
            return None
        return draft.with_local(
            "text_removed", after, before=before, reference=reference, text_before=writing.text,
            **_truth(draft, writing, height, "object_removed", "object_replaced"),
        )  # fmt: skip

    return edit


def change(what: str) -> Kind:
    """A line of the reference says something else: another "line", one "word", or one "digit"."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        writing = _compose(draft, strength, rng, numbers=what == "digit")
        if writing is None:
            return None
        words, place = _changed_words(writing, what, rng)
        other = replace(writing, words=words)
        room = max(_width(writing), _width(other))
        writing, other = replace(writing, room=room), replace(other, room=room)
        before, height = write(draft.query, writing)
        reference, _ = write(draft.reference, writing)
        clean = draft.query
        after, _ = write(clean, other)
        if not _readable(draft.query, before, writing) or writing.text == other.text:
            return None
        truth = _truth(draft, writing, height, "object_replaced", "object_added", "object_removed")
        if what == "digit":
            # One digit in a line is not seen at a glance, unless it is large.
            truth["strength"] = "barely" if height / min(draft.size) < 2 * BARELY else "visible"
        return draft.with_local(
            "text_changed", after, before=before, reference=reference, text_before=writing.text,
            text_after=other.text,
            **truth,
            words_before=None if place is None else writing.words[place],
            words_after=None if place is None else words[place],
        )  # fmt: skip

    return edit


def write(photo: Pixels, writing: Writing) -> tuple[Pixels, int]:
    """The photo with a writing on it, and the height of its letters in pixels."""
    picture = Image.fromarray(photo)
    draw = ImageDraw.Draw(picture)
    font = load_font(writing.font, writing.size)
    x, y = writing.at
    if writing.plate is not None:
        edge = writing.size // 3
        draw.rectangle(
            (x - edge, y - edge, x + writing.room + edge, y + round(1.25 * writing.size) + edge),
            fill=writing.plate,
        )
    stroke = max(1, writing.size // 16) if writing.outline else 0
    dark = sum(writing.ink) < 380
    draw.text((x, y), writing.text, font=font, fill=writing.ink, stroke_width=stroke,
              stroke_fill="white" if dark else "black")  # fmt: skip
    _, top, _, bottom = draw.textbbox((x, y), writing.text or "A", font=font)
    return np.asarray(picture), round(bottom - top)


def _compose(
    draft: Draft,
    strength: Strength,
    rng: np.random.Generator,
    *,
    plate: bool | None = None,
    numbers: bool = False,
) -> Writing | None:
    """Words, font, colour and a place that fit; None where they do not."""
    script = "latin"
    if not numbers and rng.random() < 0.15:
        script = str(rng.choice(sorted(OTHER_WORDS)))
        script = script if fonts(script) else "latin"
    low, high = HEIGHTS[strength]
    size = max(LEAST_PX, round(min(draft.size) * rng.uniform(low, high) / 0.8))
    count = int(rng.integers(1, 5 if strength != "gross" else 3))
    known = WORDS if script == "latin" else OTHER_WORDS[script]
    words = [str(word) for word in rng.choice(known, count, replace=False)]
    if numbers or (script == "latin" and rng.random() < 0.3):
        words[int(rng.integers(len(words)))] = str(rng.choice(NUMBERS))
    names = fonts(script)
    ink = INKS[int(rng.choice(len(INKS), p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]))]
    ground = None
    if rng.random() < 0.4 if plate is None else plate:
        ground = (245, 243, 235) if sum(ink) < 400 else (24, 24, 40)
    draft_writing = Writing(
        tuple(words), script, names[int(rng.integers(len(names)))], size, (0, 0), ink, ground,
        ground is None and bool(rng.random() < 0.3), 0,
    )  # fmt: skip
    width = _width(draft_writing)
    edge = size
    free = (draft.size[0] - width - 2 * edge, draft.size[1] - 2 * size - edge)
    if min(free) < 1:
        return None
    at = (edge + int(rng.integers(free[0])), edge // 2 + int(rng.integers(free[1])))
    return replace(draft_writing, at=at, room=width)


def _width(writing: Writing) -> int:
    return int(load_font(writing.font, writing.size).getlength(writing.text)) + 1


def _truth(draft: Draft, writing: Writing, height: int, *unread: str) -> dict[str, Any]:
    """What is known of a writing; `unread` are fair names for it where the reader knows no such letters."""
    share = height / min(draft.size)
    # Its ink covers little, but it is read.
    strength: Strength = "barely" if share < BARELY else "visible" if share < GROSS else "gross"
    return {
        "text_px": height,
        "script": "latin" if writing.script == "latin" else "other",
        "accepted": () if writing.script in READ else unread,
        "strength": strength,
    }


def _readable(ground: Pixels, written: Pixels, writing: Writing) -> bool:
    """Whether the ink stands out from what it is written on."""
    if writing.plate is not None or writing.outline:
        return True
    mask, strength = measure_change(ground, written)
    if strength is None:
        return False
    under = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    luma = np.array([0.299, 0.587, 0.114])
    levels = ground[under] @ luma
    ink = float(np.array(writing.ink) @ luma)
    return bool(np.percentile(np.abs(levels - ink), 15) > 60)


def _changed_words(
    writing: Writing, what: str, rng: np.random.Generator
) -> tuple[tuple[str, ...], int | None]:
    """The words after the change, and the place of the one that differs; None where all may."""
    known = WORDS if writing.script == "latin" else OTHER_WORDS[writing.script]
    words = list(writing.words)
    if what == "line":
        return tuple(str(word) for word in rng.choice(known, len(words), replace=False)), None
    if what == "word":
        place = int(rng.integers(len(words)))
        others = [word for word in known if word not in words]
        words[place] = others[int(rng.integers(len(others)))]
        return tuple(words), place
    place = next(i for i, word in enumerate(words) if any(c.isdigit() for c in word))
    digits = [i for i, c in enumerate(words[place]) if c.isdigit()]
    at = digits[int(rng.integers(len(digits)))]
    new = str((int(words[place][at]) + int(rng.integers(1, 10))) % 10)
    words[place] = words[place][:at] + new + words[place][at + 1 :]
    return tuple(words), place
