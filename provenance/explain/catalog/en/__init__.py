"""English, for readers without training: short words, one sentence a change, every number with its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from provenance.explain.catalog import Frame
from provenance.explain.catalog.en.clauses import PHRASES, Clause, quote, say_place
from provenance.explain.catalog.en.words import count_words, join_words
from provenance.records import Change, Operation

SURE = 0.7
"""Below this confidence a sentence says "appears to"."""
MUCH_UNEXPLAINED = 0.2
"""Above this share of unexplained changed pixels the caption says that the account is not complete."""
_MAX_CLAUSES = 3
"""Clauses in one sentence of a caption; the rest is counted."""
_HEDGED = {
    "is": "appears to be",
    "are": "appear to be",
    "was": "appears to have been",
    "were": "appear to have been",
}


class English:
    """Catalog of English."""

    def sentence(self, change: Change, frame: Frame) -> str:
        """Say one change with its place, size and numbers; hedged below a confidence of 0.7."""
        clause = _say(change, frame)
        return _finish(clause.words + clause.detail)

    def caption(
        self, changes: Sequence[Change], frame: Frame, *, identical: bool, unexplained_fraction: float
    ) -> str:
        """Say all changes, given the most important first, in one or two sentences."""
        unclear = unexplained_fraction > MUCH_UNEXPLAINED
        if not changes:
            if identical:
                return "The picture is identical to the original, pixel for pixel."
            if unclear:
                return "The picture differs from the original in ways that could not be described."
            return "No edit was found: only the encoding or the size of the file differs from the original."
        content, whole = _split(changes)
        said_content, left_content = _clauses(content, frame)
        said_whole, left_whole = _clauses(whole, frame)
        left = left_content + left_whole
        parts = [_join_same(clauses) for clauses in (said_content, said_whole) if clauses]
        if left:
            change_was = "change was" if left == 1 else "changes were"
            parts[-1].append(f"{count_words(left)} more {change_was} found")
        sentences = [
            part[0] if len(part) == 1 else f"{', '.join(part[:-1])}, and {part[-1]}" for part in parts
        ]
        if unclear:
            sentences[-1] += "; other changes could not be described"
        return " ".join(_finish(sentence) for sentence in sentences)


def _finish(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _say(change: Change, frame: Frame) -> Clause:
    clause = PHRASES[change.operation](change, frame)
    return clause if change.confidence >= SURE else replace(clause, verb=_HEDGED[clause.verb])


# ---------------------------------------------------------------- caption


def _split(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """Part the changes of places from those of the whole picture; a border has a box, but is framing."""
    content = [
        change for change in changes if change.operation in _TOGETHER or change.operation == "composite"
    ]
    rest = [change for change in changes if change.operation not in {c.operation for c in content}]
    return content, rest


def _clauses(changes: Sequence[Change], frame: Frame) -> tuple[list[Clause], int]:
    """Return the clauses to say, equal operations taken together, and how many changes are left out."""
    told = 0
    groups: dict[Operation, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.operation, []).append(change)
    said: list[Clause] = []
    for operation, group in list(groups.items())[:_MAX_CLAUSES]:
        together = len(group) > 1 and operation in _TOGETHER
        said.append(_say_together(group, frame) if together else _say(group[0], frame))
        told += len(group) if together else 1
    return said, len(changes) - told


def _say_together(group: Sequence[Change], frame: Frame) -> Clause:
    """Say several changes of one operation in one clause."""
    subject, verb, predicate = _TOGETHER[group[0].operation]
    quotes = [quoted for change in group if (quoted := quote(change.text_after or change.text_before))]
    told = f" ({join_words(quotes)})" if quotes and len(quotes) == len(group) <= 3 else ""
    sure = any(change.confidence >= SURE for change in group)
    places = _say_places(group, frame)
    return Clause(
        subject, verb if sure else _HEDGED[verb], f"{predicate} {places}{told}", lists=" and " in places
    )


def _say_places(group: Sequence[Change], frame: Frame) -> str:
    """Name up to three places, the unsure ones with "possibly"; count more, or places that are the same."""
    sure = [say_place(change, frame) for change in group if change.confidence >= SURE]
    unsure = [say_place(change, frame) for change in group if not change.confidence >= SURE]
    if len(group) > 3 or "" in sure + unsure or len({*sure, *unsure}) < len(group):
        return f"in {'up to ' if sure and unsure else ''}{count_words(len(group))} places"
    if not (sure and unsure):
        return join_words(sure or unsure)
    return f"{join_words(sure)} and possibly {join_words(unsure)}"


def _join_same(clauses: Sequence[Clause]) -> list[str]:
    """Join the clauses of one subject: it is said once, and so is a verb that they share."""
    parts: list[str] = []
    for subject, members in groupby(clauses, key=lambda clause: clause.subject):
        verbs = [
            f"{verb} {_join_predicates(list(same))}"
            for verb, same in groupby(members, key=lambda clause: clause.verb)
        ]
        parts.append(f"{subject} {' and '.join(verbs)}")
    return parts


def _join_predicates(clauses: Sequence[Clause]) -> str:
    predicates = [clause.predicate for clause in clauses]
    if len(predicates) > 1 and any(clause.lists for clause in clauses):
        return f"{', '.join(predicates[:-1])}, and {predicates[-1]}"
    return join_words(predicates)


_TOGETHER: dict[Operation, tuple[str, str, str]] = {
    "object_added": ("something", "was", "added"),
    "object_removed": ("something", "was", "removed"),
    "object_replaced": ("something", "was", "replaced"),
    "object_recolored": ("something", "was", "recoloured"),
    "object_duplicated": ("parts of the picture", "were", "copied"),
    "object_blurred": ("the picture", "was", "blurred or covered"),
    "text_added": ("text", "was", "added"),
    "text_removed": ("text", "was", "removed"),
    "text_changed": ("text", "was", "changed"),
    "background_replaced": ("the background", "was", "replaced"),
    "background_changed": ("the background", "was", "changed"),
}
