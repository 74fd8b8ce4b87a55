"""All kinds of known edit by name, single and chained, and the benign kinds that are no edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image

from provenance.evaluate.pairs import grounds, objects, words
from provenance.evaluate.pairs.draft import Draft
from provenance.evaluate.pairs.focus import FOCUS
from provenance.evaluate.pairs.frames import FRAMES
from provenance.evaluate.pairs.objects import Kind
from provenance.evaluate.pairs.saving import Saving, any_format
from provenance.evaluate.pairs.stock import Stock
from provenance.evaluate.pairs.tones import TONES
from provenance.evaluate.pairs.truth import STRENGTHS, Strength

Benign: TypeAlias = Callable[[Draft, np.random.Generator], tuple[Draft, Saving]]

TRIES = 14

CONTENT: dict[str, Kind] = {
    "object added": objects.add(soft=False),
    "object added softly": objects.add(soft=True),
    "object gone": objects.remove_pasted(None),
    **{f"object painted out: {fill}": objects.remove_pasted(fill) for fill in objects.FILLS},
    "detail painted out: telea": objects.remove_natural("telea"),
    "detail painted out: patch": objects.remove_natural("patch"),
    "object replaced": objects.replace_object,
    "object enlarged": objects.enlarge,
    "object recoloured": objects.recolor(whole_object=True),
    "part recoloured": objects.recolor(whole_object=False),
    "local tone": objects.tone_locally,
    "object duplicated": objects.duplicate(move=False),
    "part duplicated": objects.duplicate(move=False, natural=True),
    "object moved": objects.duplicate(move=True),
    "part blurred": objects.hide("blurred"),
    "part pixelated": objects.hide("pixelated"),
    "part filled": objects.hide("filled"),
    "text added": words.add(plate=False),
    "text on a plate added": words.add(plate=True),
    "text removed": words.remove(plate=False),
    "text on a plate removed": words.remove(plate=True),
    "line changed": words.change("line"),
    "word changed": words.change("word"),
    "digit changed": words.change("digit"),
    "background replaced": grounds.replace_background,
    "background blurred": grounds.change("blurred"),
    "background darkened": grounds.change("darkened"),
    "background brightened": grounds.change("brightened"),
    "background recoloured": grounds.change("recolored"),
    "background desaturated": grounds.change("desaturated"),
}
# What chains are made of: edits that leave room for others.
_LINKS = (
    tuple(kind for kind in CONTENT if not kind.startswith("background")),
    ("brightness by gain", "contrast", "more colour", "less colour", "color balance", "vignette"),
    ("crop", "flip", "rotate", "pad", "stretch"),
)


def chain(length: int) -> Kind:
    """So many edits one after the other: of the content, of the levels, of the frame."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        groups = sorted(rng.choice([0, 0, 1, 2], length, replace=False)) if length < 4 else [0, 0, 1, 2]
        made: Draft | None = draft
        done: set[str] = set()
        for group in groups:
            names = [name for name in _LINKS[int(group)] if name not in done]
            name = names[int(rng.integers(len(names)))]
            done.add(name)
            for _ in range(TRIES):
                after = KINDS[name](made, strength, stock, rng) if made is not None else None
                if after is not None:
                    break
            else:
                return None
            made = after
        return made

    return edit


KINDS: dict[str, Kind] = {
    **CONTENT,
    **TONES,
    **FOCUS,
    **FRAMES,
    "chain of 2": chain(2),
    "chain of 3": chain(3),
    "chain of 4": chain(4),
}


def resize(draft: Draft, rng: np.random.Generator, low: float, high: float) -> Draft:
    """The query larger or smaller, by any of the usual ways."""
    factor = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    methods = (
        Image.Resampling.LANCZOS,
        Image.Resampling.BICUBIC,
        Image.Resampling.BILINEAR,
        Image.Resampling.BOX,
    )
    method = methods[int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))]
    width, height = draft.size
    return draft.resized(max(48, round(width * factor)), max(48, round(height * factor)), method)


def _resized(draft: Draft, rng: np.random.Generator) -> tuple[Draft, Saving]:
    # Neither thumbnails nor what no page would show.
    largest = max(draft.size)
    low, high = max(0.3, min(1.0, 150 / largest)), min(2.0, max(1.0, 4000 / largest))
    return resize(draft, rng, low, high), any_format(rng)


def _saved(*times: tuple[str, int]) -> Benign:
    """Saved again: each time a format and the least quality."""

    def apply(draft: Draft, rng: np.random.Generator) -> tuple[Draft, Saving]:
        return draft, tuple((name, int(rng.integers(least, 96))) for name, least in times)

    return apply


def _resized_jpeg(draft: Draft, rng: np.random.Generator) -> tuple[Draft, Saving]:
    return _resized(draft, rng)[0], (("JPEG", int(rng.integers(30, 96))),)


BENIGN: dict[str, Benign] = {
    "jpeg": _saved(("JPEG", 30)),
    "jpeg twice": _saved(("JPEG", 30), ("JPEG", 30)),
    "webp": _saved(("WEBP", 30)),
    "jpeg to webp": _saved(("JPEG", 30), ("WEBP", 30)),
    "png": _saved(("JPEG", 60), ("PNG", 90)),
    "resized": _resized,
    "resized and jpeg": _resized_jpeg,
}


def make(kind: str, draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """The draft after an edit of this kind, as strong as asked for where the picture allows that.

    How strong it is, is measured; where no try meets what was asked for, the last one that can be seen stays.
    """
    fallback = None
    for _ in range(TRIES):
        made = KINDS[kind](draft, strength, stock, rng)
        if made is None:
            continue
        if _strength(made) == strength:
            return made
        fallback = made
    return fallback


def _strength(draft: Draft) -> Strength | None:
    found = [one.edit.strength for one in draft.done if one.edit.strength and not one.edit.optional]
    return max(found, key=STRENGTHS.index) if found else None
