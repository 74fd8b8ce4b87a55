"""A pair and its measured edits -> the question that a model is sent; all texts are in prompts.toml."""

from __future__ import annotations

import json
import random
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from provenance.errors import UsageError
from provenance.explain.guard.parts import GuardParts
from provenance.explain.measured import speak
from provenance.explain.models import Answer, Part, Question, Takes, Turn
from provenance.explain.models.pictures import cut_out, fit, side_by_side
from provenance.explain.options import Example, PromptOptions
from provenance.explain.quoting import clean_text
from provenance.records import Box, Change, Comparison, DecodedImage, Evidence, Pixels

PICTURE = "<|image|>"
MOST_CROPS = 3
_HARMLESS = str.maketrans("<>|[]", "‹›¦()")
"""What the marks that steer models are made of, in words that somebody else wrote: <|im_end|>, [INST]."""
STITCHED = "the model takes one picture, so the two were put side by side in one"


@cache
def read_prompts() -> dict[str, Any]:
    """The texts of prompts.toml."""
    text = (files("provenance.explain") / "prompts.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class Prompter:
    """Asks a model that takes such questions about pairs. Raises UsageError for what it cannot take."""

    takes: Takes
    options: PromptOptions
    parts: GuardParts
    rephrase: bool = False
    """Ask for one line to each measured edit instead of for the difference."""

    def __post_init__(self) -> None:
        choices = [*(str(n + 1) for n in range(len(read_prompts()["prompts"]))), "random", "vote"]
        if self.options.text not in choices:
            raise UsageError(f"no prompt {self.options.text!r}; known: {', '.join(choices)}")
        wanted = 2 * len(self.options.examples) + 2
        if self.options.examples and self.takes.pictures and self.takes.pictures < wanted:
            raise UsageError(
                f"{len(self.options.examples)} examples need {wanted} pictures in a question, and the model "
                f"takes {self.takes.pictures}: lower explain.prompt.examples"
            )

    @property
    def stitches(self) -> bool:
        """True when the two pictures are put side by side in one."""
        return self.takes.pictures == 1

    def ask(self, pair: Evidence, changes: Sequence[Change]) -> list[Question]:
        """Return the question about a pair, or one with each prompt for a vote."""
        reference, query = (fit(image.pixels, self.takes.pixels) for image in (pair.reference, pair.query))
        tail: list[Part] = []
        if changes and self.parts.evidence and not self.rephrase:
            tail += [read_prompts()["evidence"].strip().format(edits=list_edits(pair, changes))]
        tail += self._words(changes) if self.parts.evidence or self.rephrase else []
        tail += self._crops(pair.comparison, changes)
        return [
            self._question(reference, query, text, tail, list_edits(pair, changes))
            for text in self._texts(pair.query.sha256)
        ]

    def ask_swapped(self, pair: Evidence) -> Question:
        """Return the question with the pictures in the other order, and without what was measured."""
        return self.ask_bare(pair.query, pair.reference, key=pair.query.sha256)[0]

    def ask_bare(self, reference: DecodedImage, query: DecodedImage, *, key: str) -> list[Question]:
        """Return the questions about two pictures of which nothing was measured."""
        before, after = (fit(image.pixels, self.takes.pixels) for image in (reference, query))
        texts = read_prompts()["prompts"][:1] if self.rephrase else self._texts(key)
        return [self._question(before, after, text, [], "") for text in texts]

    def _texts(self, key: str) -> list[str]:
        """The chosen prompts; a random one depends on seed and picture, not on the order of pictures."""
        texts: list[str] = read_prompts()["prompts"]
        if self.rephrase:
            return [read_prompts()["rephrase"].strip()]
        if self.options.text == "vote":
            return texts
        if self.options.text == "random":
            return [random.Random(f"{self.options.seed} {key}").choice(texts)]  # noqa: S311
        return [texts[int(self.options.text) - 1]]

    def _question(
        self, reference: Pixels, query: Pixels, text: str, tail: Sequence[Part], edits: str
    ) -> Question:
        turns: list[Turn] = []
        system = read_prompts()["system"].strip() if self.options.system and not self.rephrase else ""
        if system and self.takes.system:
            turns.append(Turn("system", (system,)))
        for example in self._examples():
            turns.append(Turn("user", self._lay_out(text, example.reference, example.query)))
            turns.append(Turn("assistant", (example.caption,)))
        asked = self._lay_out(text.replace("{edits}", edits), reference, query, tail)
        turns.append(Turn("user", asked))
        if system and not self.takes.system:
            turns[0] = replace(turns[0], parts=_before_text(f"{system}\n", turns[0].parts))
        return Question(reference, query, tuple(turns))

    def _examples(self) -> list[Example]:
        if self.rephrase:
            return []
        return [
            replace(
                one, reference=fit(one.reference, self.takes.pixels), query=fit(one.query, self.takes.pixels)
            )
            for one in self.options.examples
        ]

    def _lay_out(
        self, text: str, reference: Pixels, query: Pixels, tail: Sequence[Part] = ()
    ) -> tuple[Part, ...]:
        """Put the pictures where the text has places for them, or before it."""
        if self.stitches:
            names = read_prompts()["stitched"]
            picture = fit(side_by_side(reference, query), self.takes.pixels)
            return _merge([picture, f"{names['said']} ", _name_pictures(text, names), *_lines(tail)])
        if PICTURE not in text:
            text = PICTURE * 2 + text
        if self.takes.interleaved:
            first, second, third = text.split(PICTURE)
            return _merge([first, reference, second, query, third, *_lines(tail)])
        named = _name_pictures(text.removeprefix(PICTURE * 2), read_prompts()["pictures_first"])
        return _merge([reference, query, named, *_lines(tail)])

    # ------------------------------------------------------------ what was measured

    def _words(self, changes: Sequence[Change]) -> list[Part]:
        """Words read in the pictures, marked as data."""
        lines = [
            f"change {n}, {when}: {json.dumps(text.translate(_HARMLESS), ensure_ascii=False)}"
            for n, change in enumerate(changes, start=1)
            for when, value in (("before", change.text_before), ("after", change.text_after))
            if (text := clean_text(value))
        ]
        return [read_prompts()["words"].strip().format(words="\n".join(lines))] if lines else []

    def _crops(self, comparison: Comparison, changes: Sequence[Change]) -> list[Part]:
        """Close-ups of the largest local edits, before and after, as far as the model takes pictures."""
        room = MOST_CROPS if self.takes.pictures is None else (self.takes.pictures - 2) // 2
        if not self.parts.crops or not self.takes.interleaved or room < 1:
            return []
        height, width = comparison.query.shape[:2]
        parts: list[Part] = []
        for number, change in enumerate(changes, start=1):
            box = _scaled(change, comparison.working_scale)
            if box is None or _area(box) > 0.4 * width * height or len(parts) >= 3 * min(room, MOST_CROPS):
                continue
            said = read_prompts()["crop"].format(number=number).replace(PICTURE, "").rstrip()
            close = (cut_out(side, box) for side in (comparison.reference, comparison.query))
            parts += [said, *(fit(pixels, self.takes.pixels // 4) for pixels in close)]
        return parts


def list_edits(pair: Evidence, changes: Sequence[Change]) -> str:
    """The measured edits, a numbered line each, with their boxes and without words that were read."""
    width, height = pair.query.width, pair.query.height
    speaker = speak(pair.comparison, "en")
    lines = []
    for number, change in enumerate(changes, start=1):
        sentence = speaker.sentence(replace(change, text_before=None, text_after=None))
        if change.box is not None:
            x0, y0, x1, y1 = change.box
            sides = (x0 / width, y0 / height, x1 / width, y1 / height)
            sentence += f" Box: {', '.join(str(round(100 * side)) for side in sides)}."
        lines.append(f"{number}. {sentence}")
    return "\n".join(lines)


def choose(answers: Sequence[Answer]) -> Answer:
    """The vote: the answer that shares most of its words with all the others."""
    said = [answer for answer in answers if answer.text.strip()]
    if not said:
        return answers[0]
    bags = [Counter(answer.text.casefold().split()) for answer in said]
    shares = [sum(_overlap(bag, other) for other in bags) for bag in bags]
    return said[shares.index(max(shares))]


def _overlap(a: Counter[str], b: Counter[str]) -> float:
    """F1 of two bags of words, 0..1."""
    return 2 * (a & b).total() / max(a.total() + b.total(), 1)


def _name_pictures(text: str, names: dict[str, str]) -> str:
    """Words instead of places for pictures."""
    for word in ("original", "edited"):
        text = text.replace(PICTURE, names[word], 1)
    return text[:1].upper() + text[1:]


def _lines(parts: Sequence[Part]) -> list[Part]:
    """Each text on a line of its own."""
    return [f"\n{part}" if isinstance(part, str) else part for part in parts]


def _merge(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Join neighbouring texts; empty ones go."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif not isinstance(part, str) or part:
            merged.append(part)
    return tuple(merged)


def _before_text(text: str, parts: Sequence[Part]) -> tuple[Part, ...]:
    """Put a text before the first one of a turn."""
    first = next((n for n, part in enumerate(parts) if isinstance(part, str)), len(parts))
    return _merge([*parts[:first], text, *parts[first:]])


def _scaled(change: Change, scale: float) -> Box | None:
    """The box of a change in the comparison's pixels."""
    if change.box is None or not change.label:
        return None
    x0, y0, x1, y1 = (round(side * scale) for side in change.box)
    return x0, y0, x1, y1


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
