"""Text read in a picture, made safe to repeat: it is whatever the picture's maker wanted it to be."""

from __future__ import annotations

import unicodedata

MAX_CHARACTERS = 80
_JOINERS = "\u200c\u200d"
"""Invisible, but part of the spelling in Persian, Hindi and of many emoji."""
_MAX_MARKS = 3
"""Combining marks kept in a row; more is no spelling of any language, but a way to smear over other lines."""


def clean_text(text: str | None, *, limit: int = MAX_CHARACTERS) -> str:
    """Return text on one line, without control, direction and unassigned characters, at most `limit` long.

    Longer text ends in an ellipsis. Nothing left gives "".
    """
    if not text:
        return ""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text[: limit * 20]):
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if marks > _MAX_MARKS:
            continue
        if category.startswith("Z") or character in "\t\n\r\v\f\x85":
            kept.append(" ")
        elif not category.startswith("C") or character in _JOINERS:
            kept.append(character)
    line = " ".join("".join(kept).split()).strip(_JOINERS)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
