"""The evidence guard: what a model says is kept only where a measured edit bears it.

    parts        which parts of the guard are at work
    sentences    an answer -> its sentences, whatever form it came in
    lexicon      the English of image edits
    zones        words for places <-> boxes
    reading      sentences -> statements, by way of clause: action, thing, place, words, direction, amount
    rules        which edits bear which actions
    judge        statements against measured edits

What a thing is called cannot be measured: of "a dog was added on the left" the guard bears out that something
was added there, and that nothing else is told of the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provenance.explain.guard.judge import Frames, Verdict, judge
from provenance.explain.guard.parts import GuardParts
from provenance.explain.guard.reading import read_statements
from provenance.explain.guard.sentences import Sentence, split_answer
from provenance.explain.guard.statement import Statement
from provenance.records import Claim, Edit

__all__ = ["Checked", "Frames", "GuardParts", "check_answer"]

_UNREAD = "no edit that could be measured was recognised in it"
_TOLD = "one thing was measured there, and another is told of it already"


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence of an answer with its claims; it may be repeated as it is when all of them are kept."""

    text: str
    claims: tuple[Claim, ...]

    @property
    def kept(self) -> bool:
        """True when every claim of the sentence is borne."""
        return all(claim.status == "kept" for claim in self.claims)


def check_answer(
    answer: str,
    edits: Sequence[Edit],
    frames: Frames,
    parts: GuardParts,
    *,
    swapped: str | None = None,
    numbered: bool = False,
) -> tuple[Checked, ...]:
    """Judge each claim of an answer by the measured edits.

    `swapped` is the answer to the pair in the other order: a claim then needs its inverse there. `numbered`
    ties a line "2. ..." to the second edit.
    """
    sentences = split_answer(answer)
    if not parts.claims:
        return tuple(Checked(one.text, (Claim(one.text, "kept", "not checked"),)) for one in sentences)
    known = dict(enumerate(edits))
    echoed = None if swapped is None else _borne_by(swapped, known, frames, parts)
    told: dict[int, frozenset[str]] = {}
    return tuple(
        Checked(one.text, _check_sentence(one, _of_number(one, known, numbered), frames, parts, echoed, told))
        for one in sentences
    )


def _of_number(sentence: Sentence, edits: Mapping[int, Edit], numbered: bool) -> Mapping[int, Edit]:
    if not numbered or sentence.number is None:
        return edits
    return {n: edit for n, edit in edits.items() if n == sentence.number - 1}


def _check_sentence(
    sentence: Sentence,
    edits: Mapping[int, Edit],
    frames: Frames,
    parts: GuardParts,
    echoed: set[int] | None,
    told: dict[int, frozenset[str]],
) -> tuple[Claim, ...]:
    statements = read_statements(sentence)
    if not statements:
        return (Claim(sentence.text, "dropped", _UNREAD),)
    claims = []
    for statement in statements:
        verdict = _once(statement, judge(statement, edits, frames, parts), edits, told)
        if verdict.edits and echoed is not None:
            agreed = tuple(n for n in verdict.edits if n in echoed)
            verdict = Verdict(
                bool(agreed), agreed, verdict.reason if agreed else "not told of the swapped pair"
            )
        claims.append(
            Claim(statement.text, "kept" if verdict.kept else "dropped", verdict.reason, verdict.edits)
        )
    return tuple(claims)


def _once(
    statement: Statement, verdict: Verdict, edits: Mapping[int, Edit], told: dict[int, frozenset[str]]
) -> Verdict:
    """Let an edit bear one thing only, and a statement of one thing tell one edit."""
    local = [n for n in verdict.edits if edits[n].category == "local_object"]
    if not local or len(local) < len(verdict.edits):
        return verdict
    free = [n for n in local if not told.get(n) or not statement.thing or told[n] & statement.thing]
    if not free:
        return Verdict(False, (), _TOLD)
    if not statement.plural:
        free = sorted(
            free, key=lambda n: not (statement.thing and told.get(n, frozenset()) & statement.thing)
        )[:1]
    for n in free:
        told[n] = told.get(n, frozenset()) | statement.thing
    return Verdict(True, tuple(free), verdict.reason)


def _borne_by(answer: str, edits: Mapping[int, Edit], frames: Frames, parts: GuardParts) -> set[int]:
    """The edits that the answer to the swapped pair bears out, told the other way round."""
    return {
        n
        for sentence in split_answer(answer)
        for statement in read_statements(sentence)
        for n in judge(statement.inverse, edits, frames, parts).edits
    }
