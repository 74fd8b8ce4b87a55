"""A measured pair -> its changes in words: sentences, categories, a caption.

    measured    the default captioner: says what was measured, and nothing else
    caption     sentences, and the caption that joins them
    clauses     one change -> the text that says it, with its slots filled
    measures    the numbers and words that a change carries, read with care
    quoting     text read in a picture, made safe to repeat
    guarded     captioners that ask a model, and keep of its answer what the evidence bears
    guard       an answer -> claims -> kept, dropped or added
    prompting   a pair -> the question a model is sent; the texts are in prompts.toml
    examples    annotated pairs for few-shot prompts
    models      who answers: one short file per kind of model
    options     what can be chosen about all of it

A captioner has a `name` and an `explain` method; `load_captioner` makes the one that a spec names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from provenance.explain.options import CaptionerOptions
from provenance.records import Comparison, Evidence, Explanation

REPHRASED = "measured+"


class Captioner(Protocol):
    """Puts pairs in words; must not state what their comparison does not show."""

    @property
    def name(self) -> str:
        """How reports call it; a model with its revision."""

    def explain(self, pairs: Sequence[Evidence], *, language: str) -> list[Explanation]:
        """Return, for each pair, one sentence per change and a caption of the whole."""


def explain(comparison: Comparison, *, language: str = "en") -> Explanation:
    """Say what was measured, the most important first. Raises UsageError when the language is unknown."""
    from provenance.explain.measured import measure

    return measure(comparison, language=language)


def load_captioner(spec: str = "measured", options: CaptionerOptions | None = None) -> Captioner:
    """Make the captioner of a spec: "measured", "NAME[:MODEL]", or "measured+NAME[:MODEL]".

    NAME is a key of `models.MODELS`. Nothing heavy is loaded before it is needed. Raises UsageError that
    lists the known names, MissingExtraError and ModelError as the models do.
    """
    from provenance.explain.measured import MeasuredCaptioner

    if spec == "measured":
        return MeasuredCaptioner()
    from provenance.explain.guarded import GuardedCaptioner
    from provenance.explain.models import load_model

    options = options or CaptionerOptions()
    rephrase = spec.startswith(REPHRASED)
    return GuardedCaptioner(load_model(spec.removeprefix(REPHRASED), options), options, rephrase=rephrase)
