"""What any system must beat: one caption for all pairs, a caption of another pair, and what people agree on.

Metrics of shared words reward saying the usual. These rows stand beside every result so that a figure can be
read.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.pairs import CaptionedPair

CONSTANT = "increase the brightness of the image"
"""Said of every pair it gets a CIDEr of 35 on Image Editing Request, above some published systems."""


MOST_PEOPLE = 3
"""Turns of people against each other; more would cost more than they tell."""


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """A row of the table before it is scored."""

    name: str
    runs: tuple[tuple[tuple[int, ...], Answers], ...]
    """Numbers of the pairs, and the answers to them; people answer several times."""
    baseline: bool = False


def answer_set(
    name: str, pairs: Sequence[CaptionedPair], answers: Sequence[str], *, baseline: bool = False
) -> AnswerSet:
    """One answer to each pair, against everything people said of it."""
    known = tuple(pair.captions for pair in pairs)
    return AnswerSet(name, ((tuple(range(len(pairs))), Answers(tuple(answers), known)),), baseline)


def baselines(
    pairs: Sequence[CaptionedPair],
    training: Sequence[CaptionedPair],
    *,
    constant: str = CONSTANT,
    seed: int = 0,
) -> Iterator[AnswerSet]:
    """The constant row; with training captions their commonest and a random one; with several references
    people."""
    yield answer_set(f'constant "{constant}"', pairs, [constant] * len(pairs), baseline=True)
    pool = [caption for pair in training for caption in pair.captions]
    if pool:
        usual = Counter(caption.strip().lower() for caption in pool).most_common(1)[0][0]
        if usual != constant:
            yield answer_set(
                f'constant "{usual}" (commonest in training)', pairs, [usual] * len(pairs), baseline=True
            )
        chosen = random.Random(seed)  # noqa: S311
        drawn = [chosen.choice(pool) for _ in pairs]
        yield answer_set("random training caption", pairs, drawn, baseline=True)
    if people := human_runs(pairs):
        yield AnswerSet("human against the others", people, baseline=True)


def human_runs(pairs: Sequence[CaptionedPair]) -> tuple[tuple[tuple[int, ...], Answers], ...]:
    """The first, second and third caption of each pair against its others, where every pair has so many."""
    several = [number for number, pair in enumerate(pairs) if len(pair.captions) > 1]
    if not several:
        return ()
    runs = []
    for turn in range(min(MOST_PEOPLE, *(len(pairs[number].captions) for number in several))):
        captions = [pairs[number].captions for number in several]
        said = tuple(texts[turn] for texts in captions)
        others = tuple(texts[:turn] + texts[turn + 1 :] for texts in captions)
        runs.append((tuple(several), Answers(said, others)))
    return tuple(runs)
