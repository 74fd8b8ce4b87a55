"""Every word that users read, one file per language: `en.toml`, `es.toml`, `fr.toml`.

A new language is a new file with the same keys and the same {slots}; the tests say what is missing. In a text

    {slot}     is filled in
    [...]      is left out when one of its slots is empty
    a | b      parts a clause into subject, verb, predicate and detail (only under `edit` and `together`)
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provenance.errors import UsageError

_FOLDER = Path(__file__).parent
_PIECE = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")
_SLOT = re.compile(r"\{(\w+)\}")
_TEMPLATES = "en"
"""The language that the rooms write their remarks in."""

Slots = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """The texts of one language by their dotted names, and its way to write numbers and lists."""

    code: str
    """IETF language tag: "en"."""
    texts: Mapping[str, str]

    def say(self, key: str, **slots: str) -> str:
        """Return a text with its slots filled. Raises KeyError when there is no such text or slot."""
        return _fill(self.texts[key], slots)

    def parts(self, key: str, **slots: str) -> tuple[str, ...]:
        """Return the parts of a text that is parted by "|", filled and without the blanks around them."""
        return tuple(_fill(part.strip(" "), slots) for part in self.texts[key].split("|"))

    def choose(self, key: str, word: str, otherwise: str = "other") -> str:
        """Return the name of the text for a measured word: "edit.tone.inverted", or that for any other."""
        chosen = f"{key}.{word}"
        return chosen if chosen in self.texts else f"{key}.{otherwise}"

    def name(self, key: str, word: str) -> str:
        """Return what a measured word is called, or the word itself where the language has none for it."""
        return self.texts.get(f"{key}.{word}", word)

    def count(self, key: str, count: int, **slots: str) -> str:
        """Return the text for one or for several: "1 copy", "2 copies"."""
        return self.say(f"{key}.{'one' if count == 1 else 'many'}", count=str(count), **slots)

    def count_word(self, count: int) -> str:
        """2 -> "two"; from 10 on in digits."""
        return self.name("count", str(count))

    def join(self, items: Sequence[str]) -> str:
        """["a", "b", "c"] -> "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return self.say("list.last", before=", ".join(items[:-1]), last=items[-1])

    def number(self, value: float, digits: int) -> str:
        """Return the number with at most `digits` decimals, without an empty fraction: 3.0 stays "3"."""
        return f"{value:.{digits}f}".removesuffix(".0").replace(".", self.texts["number.decimal"])

    def signed(self, value: float, digits: int) -> str:
        """Return the number with its sign, "+0.3" or "−1.0" (a true minus), "0" without one."""
        if round(abs(value), digits) == 0:
            return "0"
        text = f"{abs(value):.{digits}f}".replace(".", self.texts["number.decimal"])
        return ("+" if value > 0 else "−") + text

    def percent(self, value: float) -> str:
        """24.6 -> "25 %", 3.14 -> "3.1 %", 99.7 -> "99.7 %", 0.01 -> "less than 0.1 %"."""
        if value < 0.095:
            return self.say("number.less_than", amount=self.say("number.percent", number=self.number(0.1, 1)))
        digits = 0 if value >= 10 and not 99 < value < 100 else 1
        number = self.number(min(value, 99.9) if value < 100 else value, digits)
        return self.say("number.percent", number=number)

    def translate(self, remark: str) -> str:
        """Return a remark that a room wrote in English in this language; one unknown to it as it is."""
        if self.code == _TEMPLATES:
            return remark
        for key, pattern in _remark_patterns():
            if found := pattern.fullmatch(remark):
                slots = {slot: self.name(slot, value or "") for slot, value in found.groupdict().items()}
                return self.say(key, **slots)
        return remark


def languages() -> list[str]:
    """The codes of all languages there are, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


@functools.cache
def load_language(code: str) -> Language:
    """Read the texts of a language. Raises UsageError that lists the known languages."""
    if code not in languages():
        raise UsageError(f"unknown language {code!r}; known: {', '.join(languages())}")
    # What a language lacks is said in English, rather than not at all.
    return Language(code, {**read_texts(_TEMPLATES), **read_texts(code)})


def read_texts(code: str) -> dict[str, str]:
    """The texts in the file of a language by their dotted names."""
    return dict(_flatten(tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8"))))


def _flatten(tables: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """{"edit": {"flip": {"vertical": "..."}}} -> [("edit.flip.vertical", "...")]."""
    texts: list[tuple[str, str]] = []
    for key, value in tables.items():
        texts += (
            _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, str(value))]
        )
    return texts


def _fill(template: str, slots: Slots) -> str:
    """Fill a template in one pass, so that what is filled in is never read as a template itself."""

    def fill(piece: re.Match[str]) -> str:
        if piece[2] is not None:
            return slots[piece[2]]
        return _fill(piece[1], slots) if all(slots.get(slot) for slot in _SLOT.findall(piece[1])) else ""

    return _PIECE.sub(fill, template)


@functools.cache
def _remark_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The English remarks as patterns that read their slots back, with their names."""
    patterns = []
    for key, template in load_language(_TEMPLATES).texts.items():
        if key.startswith("remark."):
            pieces = re.split(r"\[([^\[\]]*)\]", template)
            patterns.append((key, re.compile("".join(map(_read_back, pieces, [False, True] * len(pieces))))))
    return tuple(patterns)


def _read_back(piece: str, optional: bool) -> str:
    """A piece of a template -> the pattern that matches what it was filled to."""
    texts = _SLOT.split(piece)
    pattern = "".join(
        f"(?P<{text}>.+?)" if place % 2 else re.escape(text) for place, text in enumerate(texts)
    )
    return f"(?:{pattern})?" if optional else pattern
