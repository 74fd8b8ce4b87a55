"""A measured pair -> its changes in words: sentences, categories, a caption.

    measured   the default captioner: says what was measured, and nothing else
    caption    sentences, and the caption that joins them
    clauses    one change -> the text that says it, with its slots filled
    measures   the numbers and words that a change carries, read with care
    quoting    text read in a picture, made safe to repeat

A captioner is a class with a `name` and an `explain` method, named in `CAPTIONERS`, imported when asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from provenance.errors import UsageError
from provenance.records import Comparison, Explanation

CAPTIONERS = {
    "measured": "provenance.explain.measured:MeasuredCaptioner",
}


class Captioner(Protocol):
    """Puts a comparison in words; must not state what the comparison does not show."""

    name: str

    def explain(self, comparison: Comparison, *, language: str) -> Explanation:
        """Return one sentence per change and a caption of the whole."""


def explain(comparison: Comparison, *, captioner: str = "measured", language: str = "en") -> Explanation:
    """Put the changes of a pair in words, the most important first.

    Raises UsageError when the captioner or the language is unknown.
    """
    return load_captioner(captioner).explain(comparison, language=language)


def load_captioner(name: str) -> Captioner:
    """Import and make the captioner of that name. Raises UsageError that lists the known names."""
    if name not in CAPTIONERS:
        raise UsageError(f"unknown captioner {name!r}; known: {', '.join(sorted(CAPTIONERS))}")
    module, _, attribute = CAPTIONERS[name].partition(":")
    return cast(Captioner, getattr(import_module(module), attribute)())
