"""Whether a caption says that nothing was changed, and how well a system leaves unchanged pairs alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.scores import Score, ratio_score

_CHANGES = r"(?:changes?|differen\w+|edits?|editing|modifications?|alterations?|adjustments?|manipulations?)"
_CHANGED = (
    r"(?:changed?|differs?|different|modified|altered|edited|moved|added|removed|missing|new|manipulated)"
)
_NOT = r"(?:\bnot|n['’]t)"
_TWO = r"(?:\w+\s+){0,2}?"
_NO_CHANGE = re.compile(
    rf"\b(?:no|without(?: any)?|zero)\s+{_TWO}{_CHANGES}\b|"
    rf"{_NOT}\s+{_TWO}any\s+{_TWO}{_CHANGES}\b|"
    rf"\b(?:nothing|none)\b(?:\s+\w+){{0,7}}?\s+{_CHANGED}\b|"
    rf"{_NOT}\s+(?:(?:been|seem|appear|to|be|have)\s+){{0,3}}(?:changed|different|modified|altered|edited)\b|"
    r"\b(?:is|are|seems?|looks?|appears?|remains?|stays?|shows?)\s+"
    r"(?:(?:to be|exactly|completely|almost|nearly|all|basically|both|exact)\s+)*"
    r"(?:the same|unedited|unmodified|unaltered|alike)\b|"
    r"\bthe same (?:pixels|picture|image|file|scene)\b|\bidentical\b|\bunchanged\b",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"\b(?:except|but|however|other than|besides|apart from|outside of|until|though|else|while)\b",
    re.IGNORECASE,
)


def says_no_change(caption: str) -> bool:
    """Whether an English caption says that the two pictures show the same, without an exception."""
    return bool(_NO_CHANGE.search(caption)) and not _BUT.search(caption)


def is_unchanged(captions: Iterable[str]) -> bool:
    """Whether all who said anything of a pair said that nothing was changed."""
    said = [caption for caption in captions if caption.strip()]
    return bool(said) and all(map(says_no_change, said))


def specificity(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """Share of unchanged pairs that were left alone; and where there are any, of changed pairs seen to be
    changed."""
    return [_scores(answers) for answers in systems]


def _scores(answers: Answers) -> tuple[Score, ...]:
    silent = np.array([says_no_change(said) for said in answers.answers], np.float64)
    same = np.array([is_unchanged(known) for known in answers.references], np.float64)
    changed = (1 - same) * same.any()
    return (
        ratio_score("Specificity", silent * same, same),
        ratio_score("Change seen", (1 - silent) * changed, changed),
    )
