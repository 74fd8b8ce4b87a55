"""Statements against what was measured: which edit bears a claim, or why none does."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from provenance.explain.guard.lexicon import COLORS, FAMILIES
from provenance.explain.guard.parts import GuardParts
from provenance.explain.guard.rules import TEXTS, bears, is_moved, number, opposes
from provenance.explain.guard.statement import Statement
from provenance.explain.guard.zones import Zone
from provenance.records import Box, Edit

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frames:
    """Sizes of the two pictures in full-size pixels, (width, height): the frames that places are named in."""

    query: Size
    reference: Size


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a statement is borne, by which edits (the best first), and why or why not."""

    kept: bool
    edits: tuple[int, ...]
    reason: str


def judge(statement: Statement, edits: Mapping[int, Edit], frames: Frames, parts: GuardParts) -> Verdict:
    """Find the edits that bear a statement in kind, direction, place, words and amount."""
    if statement.action == "same" or statement.negated:
        return _judge_sameness(statement, edits.values())
    kin = {n: edit for n, edit in edits.items() if bears(edit, statement)}
    against = {n: edit for n, edit in edits.items() if opposes(edit, statement)}
    if statement.either or not parts.direction:
        kin |= against
    if not kin:
        return _drop("the pixels show the opposite" if against else "nothing of that kind was measured")
    checks: tuple[tuple[bool, Callable[[Edit, Statement], bool], str], ...] = (
        (parts.direction, _same_sense, "the pixels show another direction"),
        (parts.direction, _same_colors, "the pixels show other colours"),
        (parts.amount, _same_amount, "the measured amount is another"),
        (parts.text, _same_words, "no such words were read in the pictures"),
    )
    for asked, agrees, reason in checks:
        kin = {n: edit for n, edit in kin.items() if not asked or agrees(edit, statement)}
        if not kin:
            return _drop(reason)
    if parts.place:
        for zone in statement.zones:
            if not any(_lies(edit, zone, frames) for edit in kin.values()):
                return _drop("it was measured in another place")
        if statement.zones:
            kin = {n: e for n, e in kin.items() if any(_lies(e, zone, frames) for zone in statement.zones)}
    return Verdict(True, tuple(kin), "measured")


def _drop(reason: str) -> Verdict:
    return Verdict(False, (), reason)


def _judge_sameness(statement: Statement, edits: Iterable[Edit]) -> Verdict:
    """That something did not change is borne where nothing of it was measured."""
    if statement.negated:
        against = any(bears(edit, statement) or opposes(edit, statement) for edit in edits)
    else:
        against = any(_concerns(edit, statement) for edit in edits)
    return _drop("the pixels show a change") if against else Verdict(True, (), "nothing was measured there")


def _concerns(edit: Edit, statement: Statement) -> bool:
    return {"text": edit.category == "text", "background": edit.category == "background"}.get(
        statement.scope, True
    )


# ---------------------------------------------------------------- direction, colours, amount, words, place


def _same_sense(edit: Edit, said: Statement) -> bool:
    """Tell whether turn, axis and way of a move agree, where they are told."""
    if edit.operation == "rotate" and said.turn:
        degrees = number(edit, "degrees")
        return abs(abs(degrees) - 180) < 1 or degrees * said.turn > 0
    if edit.operation == "flip" and said.axis:
        return bool(edit.parameters.get("axis") == said.axis)
    if is_moved(edit) and said.axis in ("left", "right") and not said.zones:
        source, target = edit.parameters.get("source_box"), edit.box
        if source and target:
            return bool(target[0] + target[2] > source[0] + source[2]) == (said.axis == "right")
    return True


def _same_colors(edit: Edit, said: Statement) -> bool:
    if edit.operation == "color_balance" and said.to_color:
        told = COLORS[said.to_color]
        gains = [number(edit, f"{name}_percent") for name in ("red", "green", "blue")]
        mean = sum(gains) / 3
        return sum(a * (b - mean) for a, b in zip(told, gains, strict=True)) > 0 or not any(gains)
    if edit.operation == "object_recolored":
        before, after = edit.parameters.get("from_color"), edit.parameters.get("to_color")
        return _akin(said.from_color, before) and _akin(said.to_color, after)
    return True


def _akin(told: str | None, measured: object) -> bool:
    """Tell whether people may call both colours by one name; what is not told or not measured agrees."""
    if not told or not isinstance(measured, str) or not measured:
        return True
    word = measured.split()[-1]
    return told == word or any(told in family and word in family for family in FAMILIES)


def _same_amount(edit: Edit, said: Statement) -> bool:
    """Tell whether a number agrees within a fifth (degrees) or a half (percent)."""
    degrees, percent = abs(number(edit, "degrees")), abs(number(edit, "percent"))
    if said.degrees is not None and degrees:
        return abs(degrees - said.degrees) <= max(3.0, 0.2 * degrees)
    if said.percent is not None and percent:
        return 0.5 <= said.percent / percent <= 2.0
    return True


def _same_words(edit: Edit, said: Statement) -> bool:
    if said.before is None and said.after is None:
        return True
    if edit.operation not in TEXTS:
        return False
    if edit.operation != "text_changed" or (said.before and said.after):
        return _like(said.before, edit.text_before) and _like(said.after, edit.text_after)
    told = said.after or said.before
    return _like(told, edit.text_after if said.after else edit.text_before)


def _like(told: str | None, read: str | None) -> bool:
    """Tell whether quoted words are those that were read; a part of them will do, with slips of the eye."""
    if told is None:
        return True
    a, b = (re.sub(r"[\W_]+", "", text or "").casefold() for text in (told, read))
    if not a or not b:
        return False
    if (len(a) >= 3 and a in b) or (len(b) >= 3 and b in a):
        return True
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= (
        0.8 if min(len(a), len(b)) > 3 else 1.0
    )


def _lies(edit: Edit, zone: Zone, frames: Frames) -> bool:
    """Tell whether an edit lies in a zone of either picture; a crop, whether that side was cut."""
    if edit.operation == "crop":
        sides = [word for word in (zone.across, zone.down) if word and word != "middle"]
        return all(number(edit, f"{side}_percent") >= 0.5 for side in sides)
    if edit.operation == "pad":
        return True
    places: tuple[tuple[Box | None, Size], ...] = (
        (edit.box, frames.query),
        (edit.reference_box, frames.reference),
    )
    return any(box is not None and zone.holds(box, width=size[0], height=size[1]) for box, size in places)
