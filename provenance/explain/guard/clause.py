"""One clause with one action -> a statement: the action first, then what it is about, then the details."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from provenance.explain.guard import lexicon as lx
from provenance.explain.guard.lexicon import Action, Scope
from provenance.explain.guard.statement import Statement
from provenance.explain.guard.zones import find_zones

QUOTE, FIRST, SECOND = "\ue000", "\ue001", "\ue002"
"""Stand for each character of quoted words, and of mentions of the original and of the edited picture."""
_DEGREES = re.compile(r"(\d+(?:\.\d+)?) ?(?:°|degrees?\b|deg\b)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|percent\b|per cent\b)")
_FROM_TO = re.compile(r"\b(?:from|of) (?P<before>[^,;]{1,60}?) (?:in)?to (?P<after>[^,;.]{1,60})")
_INSTEAD = re.compile(r"\b(?:instead of|rather|in place of)\b")
_PLACELESS = frozenset({"rotate", "flip", "upend", "stretch", "squeeze", "tint"})
_NAMELESS: tuple[re.Pattern[str], ...] = (
    *(pattern for table in (lx.SPECIFIC, lx.TONES, lx.LOCAL, lx.REGIONS) for _, pattern in table),
    *(pattern for pattern, _, _ in lx.EFFECTS),
    lx.WHOLE, lx.TEXT, lx.BACKGROUND, lx.THERE, lx.NOT_THERE, lx.ADD, lx.REMOVE, lx.REPLACE, lx.CHANGE,
    lx.MORE, lx.LESS, lx.STATIVE, lx.TINT, lx.TINTED, lx.NOT_THINGS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause in the forms that it is read in, all of one length."""

    plain: str
    """Lower case, quoted words masked."""
    told: str
    """The two pictures masked as well."""
    bare: str
    """Without mentions of the pictures."""
    act: str
    """Without places too: "lower left" is no lowering."""
    core: str
    """Up to the end of the part with the action, where the thing is named."""


@dataclass(frozen=True, slots=True)
class _Act:
    action: Action
    either: bool = False
    weak: bool = False
    """True for "there is a dog": a change only if it says where, as most such sentences just describe."""


def read_clause(
    plain: str, told: str, core: int, quotes: Sequence[str], before: Sequence[Statement]
) -> Statement | None:
    """Return what a clause claims, or None.

    Its action is within the first `core` characters; `before` are the statements of the sentence so far.
    """
    bare = told.replace(FIRST, " ").replace(SECOND, " ")
    zones, act = find_zones(bare)
    clause = _Clause(plain, told, bare, act, act[:core])
    found = _find_act(clause)
    if found is None or (found.weak and not zones):
        return None
    action = found.action
    scope, thing = _find_scope(clause, action, bool(quotes), before)
    placed = () if action in _PLACELESS else zones
    statement = Statement(
        "",
        action,
        "object" if scope == "whole" and placed else scope,
        thing,
        placed,
        degrees=float(turn[1]) if (turn := _DEGREES.search(act)) else 90.0 if "quarter turn" in act else None,
        percent=float(share[1]) if (share := _PERCENT.search(act)) else None,
        loose=bool(lx.LOOSE_TEXT.search(act)),
        either=found.either,
        plural=bool(lx.PLURAL.search(act)),
        negated=bool(lx.NEGATION.search(act)) and not lx.NOT_THERE.search(act) and action != "same",
    )
    statement = _with_details(clause, statement, list(quotes))
    return statement.inverse if _is_of_original(clause, action) else statement


# ---------------------------------------------------------------- the action


def _find_act(clause: _Clause) -> _Act | None:
    text = clause.act
    if lx.SAME.search(text):
        return _Act("same")
    if absent := lx.NOT_THERE.search(clause.told):
        return _Act(_absence(clause, absent))
    if lx.EMBED.search(clause.plain):
        return _Act("embed")
    if effect := _effect(text):
        return effect
    for action, pattern in lx.SPECIFIC:
        if pattern.search(clause.bare):
            return _Act(action, either=bool(lx.PROPORTIONS.search(text)))
    if colored := _color(text):
        return _Act(colored)
    for table in (lx.TONES, lx.LOCAL):
        for action, pattern in table:
            if pattern.search(text):
                return _Act(action)
    return _general(clause)


def _absence(clause: _Clause, found: re.Match[str]) -> Action:
    """Something is not there: added if that is told of the original, otherwise removed."""
    before, after = clause.told[: found.start()], clause.told[found.end() :]
    nearest = re.search(f"[{FIRST}{SECOND}]", after)
    if nearest is None and re.match(r"do|did|lack", found[0]):
        nearest = re.search(f"[{FIRST}{SECOND}](?=[^{FIRST}{SECOND}]*$)", before)
    first = nearest[0] == FIRST if nearest else bool(re.match(r"\s*(?:before|earlier|previously)\b", after))
    framed = any(more == "frame" and noun.search(clause.act) for noun, more, _ in lx.EFFECTS)
    if framed:
        return "frame" if first else "unframe"
    return "add" if first else "remove"


def _effect(text: str) -> _Act | None:
    """More or less of something: "increase the contrast", "a border was added"."""
    for noun, more, less in lx.EFFECTS:
        found = noun.search(text)
        if not found:
            continue
        rest = f"{text[: found.start()]} {text[found.end() :]}"
        if lx.LESS.search(rest):
            return _Act(less)
        if lx.MORE.search(rest) or more == "vignette":
            return _Act(more)
        if lx.CHANGE.search(rest):
            return _Act(more, either=True)
    return None


def _color(text: str) -> Action | None:
    """A tint of the whole picture, or another colour of a thing."""
    if lx.COLOR_CHANGED.search(text) or dict(lx.LOCAL)["recolor"].search(text):
        return "recolor"
    if found := lx.TINT.search(text):
        more = lx.MORE.search(text)
        if more and (found["noun"] or re.search(r"ness\b", found[0])):
            return "tint"
        of_colors = re.search(r"\b(?:colou?rs?|tones?|hues?|white balance)\b", text)
        if of_colors and (more or re.search(r"\b(?:shift\w*|towards?|are|is)\b", text)):
            return "tint"
    if lx.MADE_COLOR.search(text) or lx.BECAME_COLOR.search(text):
        return "recolor"
    return "tint" if lx.TINTED.search(text) else None


def _general(clause: _Clause) -> _Act | None:
    """Adding, removing, replacing, changing."""
    text = clause.act
    if lx.NEW_BACKGROUND.search(text):
        return _Act("replace")
    if lx.REMOVE.search(text):
        return _Act("remove")
    only_first = FIRST in clause.told and SECOND not in clause.told
    if lx.THERE.search(text) and not re.search(r"\b(?:says|reads)\b", text):
        return _Act("remove" if only_first else "add", weak=not lx.CONTRAST.search(text))
    for action, pattern in (
        ("replace", lx.REPLACE),
        ("add", lx.ADD),
        ("change", lx.CHANGE),
        ("add", lx.CREATED),
    ):
        if pattern.search(text):
            return _Act(action)  # type: ignore[arg-type]
    if SECOND in clause.told and not only_first and _things(text):
        return _Act("add", weak=True)
    return None


def _is_of_original(clause: _Clause, action: Action) -> bool:
    """Tell whether a state, not an act, is told of the original: "image 1 is brighter"."""
    if action in ("add", "remove", "replace", "change", "same", "embed", "frame", "unframe"):
        return False
    state = lx.STATIVE.search(clause.told)
    if state is None or lx.REPLACE.search(clause.act) or lx.NOT_THERE.search(clause.told):
        return False
    head = clause.told[: state.start()]
    return head.rfind(FIRST) > head.rfind(SECOND)


# ---------------------------------------------------------------- what it is about


def _find_scope(
    clause: _Clause, action: Action, quoted: bool, before: Sequence[Statement]
) -> tuple[Scope, frozenset[str]]:
    """Return what a clause is about; one without a noun is about the same as the one before."""
    text = clause.act
    for scope, pattern in lx.REGIONS:
        if action in ("brighten", "darken", "vignette", "unvignette") and pattern.search(text):
            return scope, frozenset()
    things = _things(clause.core)
    if quoted or lx.TEXT.search(text):
        return "text", things
    if lx.BACKGROUND.search(text):
        return "background", frozenset()
    if things:
        return "object", things
    named = clause.told != clause.bare or lx.WHOLE.search(text)
    if before and not named:
        return before[-1].scope, before[-1].thing
    return "object" if action in ("add", "remove", "replace", "change") else "whole", things


def _things(text: str) -> frozenset[str]:
    """Words that name a thing: neither actions, places, colours nor names of the picture."""
    for pattern in _NAMELESS:
        text = pattern.sub(" ", text)
    words = re.findall(r"[^\W\d_]{3,}", text.replace("'s", " "))
    return frozenset(word.rstrip("s") for word in words if word not in lx.STOP and word not in lx.COLORS)


# ---------------------------------------------------------------- which words and colours, which way


def _with_details(clause: _Clause, statement: Statement, quotes: list[str]) -> Statement:
    action, text = statement.action, clause.bare
    if action == "rotate":
        return replace(statement, turn=_turn(text))
    if action in ("flip", "stretch", "squeeze"):
        return replace(statement, axis=_axis(text, action))
    if action == "move":
        return _moved(text, statement)
    if action in ("recolor", "tint", "replace", "change"):
        statement = _colored(text, statement)
    return _worded(text, statement, quotes) if statement.scope == "text" else statement


def _turn(text: str) -> int:
    if re.search(r"(?:anti|counter)[ -]?clockwise|\bto the left\b|\bleftwards?\b", text):
        return 1
    return -1 if re.search(r"\bclockwise|\bto the right\b|\brightwards?\b", text) else 0


def _axis(text: str, action: Action) -> str:
    if re.search(r"vertical|top to bottom|top and bottom|upside|taller|tall\b", text):
        return "vertical"
    if action == "flip" and not re.search(r"horizontal|left|mirror|sideways", text):
        return ""
    return "horizontal"


def _moved(text: str, statement: Statement) -> Statement:
    """The place that something was moved to, and the side it went to."""
    aim = re.sub(r"\bfrom [^,]*?(?= to |$)", " ", text)
    side = re.search(r"\bto (?:the |its )?(?:far )?(left|right)\b|\b(left|right)wards?\b", aim)
    return replace(
        statement, zones=find_zones(aim)[0], axis=next(filter(None, side.groups())) if side else ""
    )


def _colored(text: str, statement: Statement) -> Statement:
    """Colours before and after; "the red car was painted blue"."""
    words = [found[1] for found in re.finditer(rf"\b({lx.HUE})(?:ish|er|ness|dish|nish)?\b", text)]
    if not words:
        return statement
    if len(words) > 1:
        before, after = (words[-1], words[0]) if _INSTEAD.search(text) else (words[0], words[-1])
        return replace(statement, from_color=before, to_color=after)
    source_only = re.search(rf"\bfrom (?:a |the )?{lx.HUE}\b", text)
    return replace(statement, from_color=words[0]) if source_only else replace(statement, to_color=words[0])


def _worded(text: str, statement: Statement, quotes: list[str]) -> Statement:
    """Quoted words before and after; also without quotes where they are told as "from ... to ..."."""
    told = _FROM_TO.search(text)
    if not quotes and told and re.search(r"\b(?:chang|replac|alter|edit|modif|switch|swap)", text):
        quotes = [told["before"].strip(), told["after"].strip()]
    if len(quotes) >= 2 and _INSTEAD.search(text):
        quotes = [quotes[1], quotes[0]]
    action: Action = "change" if statement.action == "replace" else statement.action
    if len(quotes) >= 2 and action == "change":
        return replace(statement, action=action, before=quotes[0], after=quotes[1])
    one = quotes[0] if quotes else None
    if action == "remove":
        return replace(statement, action=action, before=one)
    return replace(statement, action=action, after=one)
