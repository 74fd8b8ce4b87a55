"""English words for places <-> boxes: "in the upper left" against where a change was measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from provenance.records import Box

Across = Literal["left", "middle", "right"]
Down = Literal["top", "middle", "bottom"]

_PICTURE = r"(?:picture|image|photo|photograph|frame|scene|screen|page|view|shot|canvas|it)\b"
_OF_A_THING = rf"(?!,? of (?:the |an? |his |her |its |their )?+(?!(?:whole |entire )?{_PICTURE})[a-z])"
"""Not followed by "of the tree": that place is one of the tree, not of the picture."""
_PART = r"side|part|half|edge|border|corner|third|area|end|portion|section|region"
_SIDE = rf"(?:[ -]hand)?(?:[ -](?:{_PART}))?"
_DOWN_WORD = r"top|upper|bottom|lower"
_CENTER = r"middle|cent(?:er|re)"
_PATTERNS = tuple(
    re.compile(rf"\b{pattern}", re.IGNORECASE)
    for pattern in (
        rf"(?P<down>{_DOWN_WORD})(?:most)?[ -](?P<across>left|right|{_CENTER}){_SIDE}\b{_OF_A_THING}",
        rf"(?P<across>left|right|{_CENTER})[ -](?P<down>{_DOWN_WORD}){_SIDE}\b{_OF_A_THING}",
        rf"(?P<far>far |extreme )?(?P<across>left|right){_SIDE}\b"
        rf"(?! (?:next|behind|above|below|beneath|under|beside|in front|away|after|before)\b){_OF_A_THING}",
        rf"(?<!on )(?P<down>top|bottom)(?! to (?:top|bottom)){_SIDE}\b{_OF_A_THING}",
        rf"(?P<down>upper|lower) (?:{_PART})\b{_OF_A_THING}",
        r"(?:in|at|near|across|from|to|into|through|down|around) the (?:very )?"
        rf"(?P<center>{_CENTER})\b{_OF_A_THING}",
        rf"(?P<center>central) (?:{_PART})\b",
    )
)
_NOT_PLACES = re.compile(
    r"\b(?:top to bottom|bottom to top|left to right|right to left|left and right|upside down"
    r"|on top of|out of the middle)\b",
    re.IGNORECASE,
)
_ACROSS = 0.8
_SHARE = 0.6
"""A box that covers this much of a third of the picture lies there too, wherever its centre is."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the picture; None leaves an axis open."""

    across: Across | None = None
    down: Down | None = None
    far: bool = False

    def holds(self, box: Box, *, width: int, height: int) -> bool:
        """Tell whether a box of a picture of that size lies in this zone."""
        x0, y0, x1, y1 = box
        return _lies(x0 / width, x1 / width, _position(self.across), self.far) and _lies(
            y0 / height, y1 / height, _position(self.down), self.far
        )

    def __str__(self) -> str:
        words = [word for word in (self.down, self.across) if word]
        return "middle" if set(words) == {"middle"} else " ".join(dict.fromkeys(words))


def find_zones(text: str) -> tuple[tuple[Zone, ...], str]:
    """Return the places of the picture that a phrase names, in order, and the phrase with blanks instead."""
    left = _NOT_PLACES.sub(lambda found: "_" * len(found[0]), text)
    found: list[tuple[int, int, Zone]] = []
    for pattern in _PATTERNS:
        found += [(*match.span(), _zone(match)) for match in pattern.finditer(left)]
        left = pattern.sub(lambda match: "_" * len(match[0]), left)
    rest = text
    for start, end, _ in found:
        rest = rest[:start] + " " * (end - start) + rest[end:]
    return tuple(zone for *_, zone in sorted(found, key=lambda item: item[0])), rest


def _zone(match: re.Match[str]) -> Zone:
    words = {key: (value or "").lower().strip() for key, value in match.groupdict().items()}
    if words.get("center"):
        return Zone("middle", "middle")
    across: Across | None = None
    if word := words.get("across"):
        across = "left" if word == "left" else "right" if word == "right" else "middle"
    down: Down | None = None
    if word := words.get("down"):
        down = "top" if word in ("top", "upper") else "bottom"
    return Zone(across, down, far=bool(words.get("far")))


def _position(word: Across | Down | None) -> int | None:
    """0, 1 or 2: the third of its axis that a word names."""
    return None if word is None else {"left": 0, "top": 0, "middle": 1, "right": 2, "bottom": 2}[word]


def _lies(start: float, end: float, third: int | None, far: bool) -> bool:
    """Tell whether an extent 0..1 lies in a third of its axis, or covers most of it."""
    if third is None:
        return True
    covered = min(end, (third + 1) / 3) - max(start, third / 3)
    # What goes right across the picture is not "on the left", though it is there too.
    if covered >= _SHARE / 3 and not far and (third == 1 or end - start < _ACROSS):
        return True
    centre = (start + end) / 2
    if third == 1:
        return 0.27 < centre < 0.73
    return (centre if third == 0 else 1 - centre) < (0.33 if far else 0.45)
