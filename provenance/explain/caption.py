"""Changes -> one sentence each, and a caption of them all; the words come from the language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from provenance.explain.clauses import Clause, Teller, make_clause, say_change, variant
from provenance.explain.measures import Frame
from provenance.languages import Language
from provenance.records import Change

SURE = 0.7
"""Below this confidence a sentence says "appears to"."""
MUCH_UNEXPLAINED = 0.2
"""Above this share of unexplained changed pixels the caption says that the account is not complete."""
_MAX_CLAUSES = 3
"""Clauses in one sentence of a caption; the rest is counted."""
_PLACES = ("object_", "text_", "background_", "composite")
"""How the names of operations begin that happen at a place."""
_MAX_PLACES = 3
"""Places named in one clause of a caption; more are counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """A clause of a caption."""

    clause: Clause
    lists: bool = False
    """True when its predicate holds a list, so that a comma must part it from the next."""
    of_places: bool = False
    """True for what happened at a place: "something" here is not "something" there, and is said again."""


class Speaker:
    """Says the changes of one pair in one language."""

    def __init__(self, language: Language, frame: Frame) -> None:
        self.language = language
        self.frame = frame

    def sentence(self, change: Change) -> str:
        """Say one change with its place, size and numbers; hedged below a confidence of 0.7."""
        return _finish(self._say(change).full)

    def caption(self, changes: Sequence[Change], *, identical: bool, unexplained_fraction: float) -> str:
        """Say all changes, given the most important first, in one or two sentences."""
        say = self.language.say
        unclear = unexplained_fraction > MUCH_UNEXPLAINED
        if not changes:
            kind = "identical" if identical else "unclear" if unclear else "unmodified"
            return say(f"caption.{kind}")
        told = [self._say_all(part) for part in _split(changes)]
        left = sum(count for _, count in told)
        parts = [self._join_same(said) for said, _ in told if said]
        if left:
            more = self.language.count("caption.more", left, word=self.language.count_word(left))
            parts[-1].append(more)
        sentences = [self._join(part) for part in parts]
        if unclear:
            sentences[-1] = say("caption.also_unclear", said=sentences[-1])
        return " ".join(_finish(sentence) for sentence in sentences)

    def _say(self, change: Change) -> Clause:
        clause = say_change(change, self.frame, self.language)
        return clause if change.confidence >= SURE else self._hedge(clause)

    def _hedge(self, clause: Clause) -> Clause:
        return replace(clause, verb=self.language.say(f"hedge.{clause.verb}"))

    def _say_all(self, changes: Sequence[Change]) -> tuple[list[Told], int]:
        """Return the clauses to say, equal changes taken together, and how many changes are left out."""
        told = 0
        groups: dict[str, list[Change]] = {}
        for change in changes:
            groups.setdefault(variant(change), []).append(change)
        said: list[Told] = []
        for key, group in list(groups.items())[:_MAX_CLAUSES]:
            together = len(group) > 1 and key in self.language.texts
            one = self._say_together(key, group) if together else Told(self._say(group[0]))
            said.append(replace(one, of_places=group[0].operation.startswith(_PLACES)))
            told += len(group) if together else 1
        return said, len(changes) - told

    def _say_together(self, key: str, group: Sequence[Change]) -> Told:
        """Say several changes of one kind in one clause."""
        tellers = [Teller(change, self.frame, self.language) for change in group]
        quotes = [self._quote(teller) for teller in tellers]
        named = dict.fromkeys(quotes) if all(quotes) and len(quotes) <= _MAX_PLACES else {}
        places, listed = self._say_places(tellers)
        clause = make_clause(self.language.parts(key, places=places, quotes=self.language.join(list(named))))
        sure = any(change.confidence >= SURE for change in group)
        return Told(clause if sure else self._hedge(clause), listed)

    def _quote(self, teller: Teller) -> str:
        before, after = teller.quote(teller.change.text_before), teller.quote(teller.change.text_after)
        if teller.change.operation != "text_changed":
            return after or before
        return self.language.say("fact.change", before=before, after=after) if before and after else ""

    def _say_places(self, tellers: Sequence[Teller]) -> tuple[str, bool]:
        """Name up to three places, the unsure ones with "possibly", and whether that is a list.

        More places, or places that are the same, are counted.
        """
        way = "to" if tellers[0].change.operation == "object_duplicated" else "at"
        sure = [teller.place(way) for teller in tellers if teller.change.confidence >= SURE]
        unsure = [teller.place(way) for teller in tellers if not teller.change.confidence >= SURE]
        if len(tellers) > _MAX_PLACES or "" in sure + unsure or len({*sure, *unsure}) < len(tellers):
            key = f"places.{way}.{'up_to' if sure and unsure else 'count'}"
            return self.language.say(key, count=self.language.count_word(len(tellers))), False
        join = self.language.join
        if not (sure and unsure):
            return join(sure or unsure), True
        return self.language.say("places.unsure", sure=join(sure), unsure=join(unsure)), True

    def _join_same(self, told: Sequence[Told]) -> list[str]:
        """Join the clauses of one subject: it is said once, and so is a verb that they share."""
        parts: list[str] = []
        for _, numbered in groupby(enumerate(told), key=_share_subject):
            members = [one for _, one in numbered]
            shared = [(verb, list(same)) for verb, same in groupby(members, key=lambda one: one.clause.verb)]
            verbs = [f"{verb} {self._join_predicates(same)}" for verb, same in shared]
            listed = any(len(same) > 1 or same[0].lists for _, same in shared)
            parts.append(f"{members[0].clause.subject} {self._join(verbs, listed)}".strip())
        return parts

    def _join_predicates(self, told: Sequence[Told]) -> str:
        return self._join([one.clause.predicate for one in told], any(one.lists for one in told))

    def _join(self, items: Sequence[str], listed: bool = True) -> str:
        """Join what may hold lists itself: then a comma must part the last one too."""
        if len(items) == 1 or not listed:
            return self.language.join(items)
        return self.language.say("list.clauses", before=", ".join(items[:-1]), last=items[-1])


def _share_subject(numbered: tuple[int, Told]) -> tuple[str, int]:
    """Equal for neighbours that one subject serves."""
    number, one = numbered
    return one.clause.subject, number if one.of_places and one.clause.subject else -1


def _finish(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _split(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """Part the changes of places from those of the whole picture; a border has a box, but is framing."""
    content = [change for change in changes if change.operation.startswith(_PLACES)]
    return content, [change for change in changes if not change.operation.startswith(_PLACES)]
