"""The metrics of captioning papers, by their canonical implementations.

BLEU, ROUGE-L and CIDEr-D are pycocoevalcap's and need no Java, for `tokens` does what its Java tokeniser
does; METEOR and SPICE are Java programs inside that package. CIDEr weighs words by how many of the given
pairs mention them: figures of a subset keep the weights of the whole set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TypeAlias, cast

import numpy as np

from provenance.errors import MissingExtraError, UsageError
from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.scores import Floats, Score, ratio_score

Metric: TypeAlias = Callable[[Sequence[Answers]], list[tuple[Score, ...]]]
"""Scores several systems at once, so that what is dear to start is started once; one or several scores
each."""

METRICS = {
    "bleu": "provenance.evaluate.captions.metrics:bleu",
    "bleu4": "provenance.evaluate.captions.metrics:bleu4",
    "meteor": "provenance.evaluate.captions.java_metrics:meteor",
    "cider": "provenance.evaluate.captions.metrics:cider",
    "rouge": "provenance.evaluate.captions.metrics:rouge",
    "spice": "provenance.evaluate.captions.java_metrics:spice",
    "bertscore": "provenance.evaluate.captions.bertscore:bertscore",
    "direction": "provenance.evaluate.captions.direction:direction",
    "specificity": "provenance.evaluate.captions.unchanged:specificity",
}
"""In the order of the paper's tables."""


def load_metric(name: str) -> Metric:
    """Import a metric by name. Raises UsageError that lists the known names."""
    if name not in METRICS:
        raise UsageError(f"no metric {name!r}; known are {', '.join(METRICS)}")
    module, _, attribute = METRICS[name].partition(":")
    return cast(Metric, getattr(import_module(module), attribute))


def bleu(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """BLEU-1 to BLEU-4 of the corpus, closest reference length (Papineni et al. 2002)."""
    with _needed("BLEU"):
        from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test
    found = []
    for answers in systems:
        known, said = answers.tokenized
        rows = []
        for number, (answer,) in said.items():
            counts = cook_test(answer, cook_refs(known[number]), eff="closest")
            rows.append([*counts["correct"], *counts["guess"], counts["testlen"], counts["reflen"]])
        parts = np.array(rows, np.float64).reshape(-1, 10)
        found.append(tuple(Score(f"BLEU-{order}", parts, partial(_bleu, order)) for order in range(1, 5)))
    return found


def bleu4(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """BLEU-4 alone, as the paper's tables have it."""
    return [scores[-1:] for scores in bleu(systems)]


def _bleu(order: int, sums: Floats) -> Floats:
    """Geometric mean of the first precisions times the brevity penalty; the small terms are
    pycocoevalcap's."""
    correct, guessed, length, reference = (
        sums[..., :order],
        sums[..., 4 : 4 + order],
        sums[..., 8],
        sums[..., 9],
    )
    precision = np.prod((correct + 1e-15) / (guessed + 1e-9), axis=-1) ** (1 / order)
    lengths = (length + 1e-15) / (reference + 1e-9)
    return np.asarray(precision * np.exp(np.minimum(0.0, 1 - 1 / np.maximum(lengths, 1e-9))))


def rouge(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """ROUGE-L, beta 1.2, mean over the pairs (Lin 2004)."""
    with _needed("ROUGE-L"):
        from pycocoevalcap.rouge.rouge import Rouge
    return [(ratio_score("ROUGE-L", Rouge().compute_score(*answers.tokenized)[1]),) for answers in systems]


def cider(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """CIDEr-D, four orders, sigma 6, mean over the pairs (Vedantam et al. 2015)."""
    with _needed("CIDEr"):
        from pycocoevalcap.cider.cider import Cider
    return [(ratio_score("CIDEr", Cider().compute_score(*answers.tokenized)[1]),) for answers in systems]


@contextmanager
def _needed(metric: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(metric, "evaluate") from error
