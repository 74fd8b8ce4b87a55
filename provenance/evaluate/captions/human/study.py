"""Which captions are rated: of random pairs, the systems mixed so that nothing tells them apart."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provenance.errors import InputError
from provenance.evaluate.captions.pairs import CaptionedPair

QUESTIONS = ("fluency", "correctness", "relevance")
SCALE = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Item:
    """A caption of a pair to rate, and the systems that gave it."""

    pair: str
    before: Path
    after: Path
    caption: str
    systems: tuple[str, ...]


def draw_items(
    pairs: Sequence[CaptionedPair],
    systems: Mapping[str, Mapping[str, str]],
    *,
    count: int = 50,
    seed: int = 0,
) -> list[Item]:
    """Captions of `count` random pairs that all systems answered, in random order.

    Where systems say the same of a pair, it is one item, rated once for both. Raises InputError without such
    pairs.
    """
    shown = [
        pair
        for pair in pairs
        if pair.before and pair.after and all(pair.id in said for said in systems.values())
    ]
    if not shown:
        raise InputError(
            "no pair with pictures was answered by every system; give predictions of the data set"
        )
    chosen = random.Random(seed)  # noqa: S311
    items: dict[tuple[str, str], Item] = {}
    for pair in chosen.sample(shown, min(count, len(shown))):
        for name, answers in systems.items():
            caption = answers[pair.id].strip()
            known = items.get((pair.id, caption))
            named = (*known.systems, name) if known else (name,)
            items[pair.id, caption] = Item(
                pair.id, Path(pair.before or "").resolve(), Path(pair.after or "").resolve(), caption, named
            )
    mixed = list(items.values())
    chosen.shuffle(mixed)
    return mixed
