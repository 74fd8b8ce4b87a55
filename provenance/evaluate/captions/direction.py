"""Which way a caption says things were changed: added or removed, brighter or darker, more or less.

Metrics of shared words hardly see it: exchanging "add" and "remove" leaves nearly all words in place. Here
an English caption is read clause by clause for pairs of opposites.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.scores import Score, ratio_score

# Words that may stand between a verb and its object: "increase the overall brightness".
_FEW = r"(?:\W+(?!and\b|but\b|increas|decreas|reduc)\w+){0,3}?\W+"
_VERBS = (
    r"(?:increas|rais|boost|enhanc|strengthen|intensif|turn(?:ed|s)? up)\w*",
    r"(?:decreas|reduc|lower|lessen|weaken|turn(?:ed|s)? down)\w*",
)
_DEGREES = (r"(?:more|higher|greater|stronger)", r"(?:less|lower|weaker)")

Opposites: TypeAlias = tuple[re.Pattern[str], re.Pattern[str]]


def _opposites(more: str, less: str) -> Opposites:
    return re.compile(rf"\b(?:{more})\b", re.IGNORECASE), re.compile(rf"\b(?:{less})\b", re.IGNORECASE)


def _quantity(thing: str, *own: str) -> Opposites:
    """A thing made more or less ("increase the contrast", "contrast was reduced"), and words of its own."""
    more, less = (
        rf"{verb}{_FEW}(?:{thing})|{degree}\s+(?:{thing})|(?:{thing})\s+(?:was|is|were|are)\s+{verb}"
        for verb, degree in zip(_VERBS, _DEGREES, strict=True)
    )
    return _opposites(f"{more}|{own[0]}", f"{less}|{own[1]}") if own else _opposites(more, less)


AXES: Mapping[str, Opposites] = {
    "presence": _opposites(
        r"add(?:s|ed|ing)?|insert\w*|put(?:s|ting)?|plac(?:e|es|ed|ing)|includ\w+|past(?:e|ed)|appear(?:s|ed)?|"
        r"(?:is|are) now (?:a|an|another|some|more|two|three|visible|present|there)|"
        r"(?:is|are) (?:an? )?(?:new|additional|extra)|giv(?:e|en) (?:him|her|it|them|the \w+) an?",
        r"remov\w+|delet\w+|eras\w+|eliminat\w+|gone|missing|disappear\w*|no longer|vanish\w*|without|"
        r"take (?:\w+ ){0,4}?(?:out|off|away)|taken (?:out|off|away)|get (?:\w+ )?rid|cut (?:\w+ ){0,3}?out|"
        r"(?:is|are|was|were) not (?:there|present|visible)",
    ),
    "brightness": _quantity(
        r"brightness|exposure|lightness|lighting|light|luminance",
        r"(?:brighten|lighten)\w*|brighter|lighter",
        r"darken\w*|darker|dim(?:med|mer|ming)?|more dark",
    ),
    "contrast": _quantity("contrast"),
    "saturation": _quantity(
        r"saturation|saturated|vibran\w+|vivid\w*|colou?rful\w*",
        r"(?<!de-)saturate",
        r"de-?saturat\w+|muted?|black and white|gr[ae]y-?scale",
    ),
    "size": _quantity(
        r"size",
        r"enlarg\w+|bigger|larger|zoom(?:ed|s|ing)? in|magnif\w+|taller|wider",
        r"shr[iau]nk\w*|smaller|zoom(?:ed|s|ing)? out|shorter|narrower",
    ),
    "sharpness": _quantity(
        r"sharpness|clarity|sharp|clear",
        r"sharpen\w*|sharper|clearer|clarif\w+|de-?blur\w*|un-?blur\w*",
        r"blur(?:s|red|ring|ry|rier)?|soften\w*|softer",
    ),
    "warmth": _quantity(
        r"warmth|temperature", r"warmer|warm(?:ed|s)? up", r"cooler|colder|cool(?:ed|s)? down"
    ),
    "turn": _opposites(r"(?<!counter )(?<!counter-)(?<!anti-)clockwise", r"(?:counter|anti)[ -]?clockwise"),
}


# Where one statement ends and the next begins; captions of editing requests often have no full stops.
CLAUSES = re.compile(
    r"[,.;:!?\n]|\b(?:and|but|then|while|also)\b|"
    r"(?=\b(?:add|remove|delete|insert|erase|replace|change|make|increase|decrease|crop|put|place|zoom)\b)",
    re.IGNORECASE,
)
_NO_THINGS_TEXT = """
    a an the this that these those it its their his her is are was were be been has have had there here no not
    any some all more less longer now new additional extra another other one two three four of in on at to
    from with by for into onto around near next behind front back top bottom left right upper lower middle
    center centre corner side edge image picture photo photograph scene frame background part area whole
    entire before after first second white black gray grey color colour effect get rid out off away add added
    remove removed gone missing disappeared appeared put make change you can i see and or as so than where
    which who only just
"""
_NO_THINGS = frozenset(_NO_THINGS_TEXT.split())
"""Words that name no thing of their own."""


@dataclass(frozen=True, slots=True)
class Statement:
    """That something goes one way."""

    axis: str
    sign: int
    things: frozenset[str] = frozenset()
    """Words of what was added or removed; empty for a quantity."""

    def concerns(self, other: Statement) -> bool:
        """Whether both speak of the same: a quantity, or a thing by at least one word."""
        return self.axis == other.axis and (self.axis != "presence" or bool(self.things & other.things))


def statements(caption: str) -> list[Statement]:
    """What a caption says of directions, by clause; a clause that goes both ways says nothing."""
    found = []
    for clause in CLAUSES.split(caption):
        for axis, (more, less) in AXES.items():
            up, down = more.search(clause), less.search(clause)
            if bool(up) != bool(down):
                things = _things(clause) if axis == "presence" else frozenset()
                found.append(Statement(axis, 1 if up else -1, things))
    return found


def judge_directions(caption: str, references: Iterable[str]) -> tuple[int, int]:
    """How many statements of a caption go the way the references say, and how many the opposite way.

    Not counted: what no reference speaks of, and where references go both ways.
    """
    known = [one for text in references for one in statements(text)]
    right = wrong = 0
    for said in statements(caption):
        signs = {one.sign for one in known if one.concerns(said)}
        right += signs == {said.sign}
        wrong += signs == {-said.sign}
    return right, wrong


def direction(systems: Sequence[Answers]) -> list[tuple[Score, ...]]:
    """Share of right directions among those that people spoke of, too."""
    return [(_score(answers),) for answers in systems]


def _score(answers: Answers) -> Score:
    counts = [
        judge_directions(said, known) for said, known in zip(answers.answers, answers.references, strict=True)
    ]
    right, wrong = np.array(counts, np.float64).reshape(-1, 2).T
    return ratio_score("Direction", right, right + wrong)


def _things(clause: str) -> frozenset[str]:
    return frozenset(
        word.rstrip("s") for word in re.findall(r"[a-z]{2,}", clause.lower()) if word not in _NO_THINGS
    )
