"""Sentences -> statements: what is claimed to have been done, to what, where, with which words and numbers.

Rules over a small lexicon, no model: what cannot be read is no statement, and the guard drops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from provenance.explain.guard import lexicon as lx
from provenance.explain.guard.clause import FIRST, QUOTE, SECOND, read_clause
from provenance.explain.guard.sentences import Sentence
from provenance.explain.guard.statement import Statement

_QUOTED = re.compile(
    r"“([^“”]{1,200})”|\"([^\"]{1,200})\"?|«([^«»]{1,200})»|„([^„“”]{1,200})[“”]"
    r"|‘([^‘’]{1,200})’"
    r"|(?<![\w])'((?:[^']|(?<=\w)'(?=\w)){1,200})'(?!\w)"
)
_CONNECTOR = re.compile(
    r";|:|, (?:and |while |whereas |but |so |which |making |giving )?"
    r"|(?<!-)\b(?:and|while|whereas|but)\b(?!-)|/"
)
_ACTS = (
    lx.SAME, lx.NOT_THERE, lx.THERE, lx.ADD, lx.REMOVE, lx.REPLACE, lx.CHANGE, lx.EMBED, lx.COLOR_CHANGED,
    lx.BECAME_COLOR, lx.MADE_COLOR, lx.CREATED, lx.TINTED,
    *(pattern for table in (lx.SPECIFIC, lx.TONES, lx.LOCAL) for _, pattern in table),
)  # fmt: skip


def read_statements(sentence: Sentence) -> tuple[Statement, ...]:
    """Return what a sentence claims; nothing where no edit is recognised in it."""
    lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in sentence.text)
    quotes = [next(filter(None, found.groups())) for found in _QUOTED.finditer(lower)]
    plain = _QUOTED.sub(lambda found: QUOTE * len(found[0]), lower).replace("’", "'")
    plain = plain.replace("black and white", "black-and-white").replace("black & white", "black-and-white")
    # "The bag, which was black, is now red" is one claim.
    plain = re.sub(r", (which (?:was|were|had been) [^,]{1,40}),", r"  \1 ", plain)
    masked = lx.FIRST.sub(lambda found: FIRST * len(found[0]), plain)
    masked = lx.SECOND.sub(lambda found: SECOND * len(found[0]), masked)
    masked = lx.COMPARED.sub(lambda found: " " * len(found[0]), masked)
    read: list[Statement] = []
    for start, core, end in _split(masked):
        count = len(re.findall(f"{QUOTE}+", plain[start:end]))
        statement = read_clause(plain[start:end], masked[start:end], core - start, quotes[:count], read)
        quotes = quotes[count:]
        if statement is not None:
            read.append(replace(statement, text=sentence.text[start:end].strip(" ,;:")))
    return tuple(read)


def _split(masked: str) -> Iterator[tuple[int, int, int]]:
    """Parts of a sentence with an action each: start, end of the action, end.

    A part without an action belongs to the next, as its subject; at the end to the last, as an addition.
    """
    cuts = [found.span() for found in _CONNECTOR.finditer(masked)]
    begins, ends = [0, *(end for _, end in cuts)], [*(begin for begin, _ in cuts), len(masked)]
    parts: list[tuple[int, int, int]] = []
    start = 0
    for n, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        if _acts(masked[begin:end]):
            parts.append((start, end, end))
            start = begins[n + 1] if n + 1 < len(begins) else len(masked)
    if parts and start < len(masked):
        parts[-1] = (*parts[-1][:2], len(masked))
    yield from parts or [(0, len(masked), len(masked))]


def _acts(text: str) -> bool:
    """Tell whether some action is told in a part of a sentence."""
    if any(pattern.search(text) for pattern in _ACTS):
        return True
    tint = lx.TINT.search(text)
    if tint and tint["noun"]:
        return True
    return any(noun.search(text) for noun, _, _ in lx.EFFECTS) and bool(
        lx.MORE.search(text) or lx.LESS.search(text)
    )
