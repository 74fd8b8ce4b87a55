"""A model's answer -> plain sentences, whatever its form: JSON, Markdown, HTML, lists, loops."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provenance.explain.quoting import clean_text

MAX_CHARACTERS = 6000
MAX_SENTENCES = 40
_MAX_LENGTH = 600
"""Characters of a sentence; no caption needs more."""
_FENCE = re.compile(r"```[a-zA-Z]*\n?|```|~~~")
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|</?[a-zA-Z!][^<>]{0,400}>", re.DOTALL)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•–>#|]+\s+|(?:change |edit )?(\d{1,2})\s*[.):]\s+)+", re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*\*|__|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)|`)")
_LABEL = re.compile(
    r"^(?:answer|caption|difference|changes?|description|output|assistant)\s*:\s*", re.IGNORECASE
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(:?)')
_END = re.compile(
    r"(?<=[.!?。！？])[\"”’)]*\s+|(?<=[。！？])|\s*\n+\s*"
    # People who type instructions leave the full stops out: "Remove the bottle Add more contrast".
    r"|(?<=[a-z])\s+(?=(?:Add|Remove|Make|Change|Crop|Replace|Rotate|Increase|Decrease|Put|Darken|Brighten"
    r"|Sharpen)\b)"
)
_PREAMBLE = re.compile(
    r"^(?:sure|certainly|of course|okay|ok|yes|here (?:is|are)|below (?:is|are)|the following|i hope"
    r"|let me know|please note|in summary|overall, the (?:two )?(?:images|pictures) (?:are|show) )\b.*[:.!]$"
    r"|^[^.]{0,120}:$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer, on one line; `number` where it stood in a numbered list."""

    text: str
    number: int | None = None


def split_answer(answer: str) -> tuple[Sentence, ...]:
    """Return the sentences of an answer, without repeats, introductions and markup; at most 40."""
    found: dict[str, Sentence] = {}
    for line, number in _lines(_unwrap(_shorten(answer))):
        for part in _END.split(line):
            text = clean_text(part, limit=_MAX_LENGTH).strip(" -*•|")
            if not re.search(r"\w", text) or _PREAMBLE.match(text):
                continue
            found.setdefault(text.casefold().rstrip(" .!"), Sentence(text, number))
            if len(found) == MAX_SENTENCES:
                return tuple(found.values())
    return tuple(found.values())


def _shorten(answer: str) -> str:
    """At most 6,000 characters, up to the end of a sentence."""
    if len(answer) <= MAX_CHARACTERS:
        return answer
    cut = answer[:MAX_CHARACTERS]
    return cut[: max(cut.rfind("."), cut.rfind("\n")) + 1] or cut


def _unwrap(answer: str) -> str:
    """Strip reasoning, fences, JSON and tags; JSON gives its strings, a line each."""
    text = _FENCE.sub("\n", _THOUGHT.sub("", answer)).strip()
    start = re.search(r"[{\[]\s*[\"{\[]", text)
    if start:
        try:
            value = json.loads(text[start.start() : max(text.rfind("}"), text.rfind("]")) + 1])
            text = "\n".join([text[: start.start()], *_strings(value)])
        except (json.JSONDecodeError, RecursionError):
            inside = [found[1] for found in _STRING.finditer(text[start.start() :]) if not found[2]]
            text = "\n".join([text[: start.start()], *(line for line in inside if " " in line)])
    return html.unescape(_TAG.sub(" ", text))


def _strings(value: Any) -> Iterator[str]:
    """The longer strings inside a JSON value, in order; short ones are labels."""
    if isinstance(value, str):
        if " " in value.strip():
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _lines(text: str) -> Iterator[tuple[str, int | None]]:
    """Lines without bullets and emphasis, with their number in a list."""
    for line in text.splitlines():
        bullet = _BULLET.match(line)
        number = int(bullet[1]) if bullet and bullet[1] else None
        bare = _EMPHASIS.sub("", line[bullet.end() :] if bullet else line)
        yield _LABEL.sub("", bare.strip()), number
