"""One change -> which text of the language says it, and what fills its slots; no words of any language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provenance.explain.measures import Frame, direction, name_color, number, word
from provenance.explain.quoting import clean_text
from provenance.languages import Language
from provenance.places import Place, name_place
from provenance.records import Box, Change, Operation

_SIDES = ("left", "top", "right", "bottom")
_MIN_CUT_PERCENT = 0.5
"""Less cut off a side is rounding, not worth a word."""

Wording = tuple[str, dict[str, str]]
"""The name of a text, and its slots; an empty slot means that nothing was measured."""


@dataclass(frozen=True, slots=True)
class Clause:
    """subject + verb + predicate [+ detail]: the caption leaves the detail out."""

    subject: str
    verb: str
    predicate: str
    detail: str = ""

    @property
    def words(self) -> str:
        """The clause without its detail."""
        return " ".join(part for part in (self.subject, self.verb, self.predicate) if part)

    @property
    def full(self) -> str:
        """The clause with its detail."""
        blank = " " if self.detail and self.detail[0] not in ",;:\u00a0" else ""
        return f"{self.words}{blank}{self.detail}"


@dataclass(frozen=True, slots=True)
class Teller:
    """What it takes to say one change: the change, the frame its place is named in, the language."""

    change: Change
    frame: Frame
    language: Language

    def percent(self, key: str) -> str:
        """The size of a measured percentage; "" when it is missing."""
        value = number(self.change, key)
        return "" if value is None else self.language.percent(abs(value))

    def about(self, key: str) -> str:
        """The size of a number that is measured roughly, whole from 5 on; "" when it is missing or 0."""
        value = abs(number(self.change, key) or 0.0)
        return self.language.number(value, 0 if value >= 5 else 1) if value >= 0.05 else ""

    def about_percent(self, key: str) -> str:
        """The same with its % sign."""
        amount = self.about(key)
        return self.language.say("number.percent", number=amount) if amount else ""

    def signed(self, key: str, digits: int) -> str:
        """A measured number with its sign; "" when it is missing."""
        value = number(self.change, key)
        return "" if value is None else self.language.signed(value, digits)

    def place(self, way: str = "at", box: Box | None = None) -> str:
        """Where the change, or another box, is: "in the upper left"; "" without a box."""
        place = self.name_place(box or self.change.box)
        return self.language.say(f"place.{way}.{place}") if place else ""

    def name_place(self, box: Box | None) -> Place | None:
        """The place of a box in the frame; None without a box."""
        return None if box is None else name_place(box, width=self.frame.width, height=self.frame.height)

    def quote(self, text: str | None) -> str:
        """Text between the language's quotes, made safe to repeat; "" when nothing readable is left."""
        cleaned = clean_text(text)
        return self.language.say("fact.quote", text=cleaned) if cleaned else ""

    def color(self, color: str) -> str:
        """ "dark blue" in the language; a word unknown to it as it is."""
        shade, _, base = color.rpartition(" ")
        name = self.language.name("color", base)
        return self.language.say(f"shade.{shade}", color=name) if shade in ("dark", "light") else name

    def facts(self) -> str:
        """What stands in brackets behind a change of a place: its size, and what else was measured."""
        measured = {
            "area": self.percent("area_percent"),
            "blocks": self.about("block_px"),
            "blur": self.about("sigma_px"),
        }
        return ", ".join(
            self.language.say(f"fact.{name}", amount=amount) for name, amount in measured.items() if amount
        )


def say_change(change: Change, frame: Frame, language: Language) -> Clause:
    """Say one change with its place, size and numbers, as sure as can be."""
    teller = Teller(change, frame, language)
    key, slots = WORDINGS[change.operation](teller)
    return make_clause(language.parts(key, **{"where": teller.place(), "facts": teller.facts()} | slots))


def make_clause(parts: Sequence[str]) -> Clause:
    """The parts of a text -> a clause; texts without a detail have three."""
    subject, verb, predicate, *detail = parts
    return Clause(subject, verb, predicate, "".join(detail))


def variant(change: Change) -> str:
    """The name of the text that says several such changes at once."""
    operation = change.operation
    if operation == "object_blurred":
        return f"together.{operation}.{_blurred_kind(change)}"
    if operation == "object_duplicated":
        return f"together.{operation}.{_moved_or_copied(change)}"
    if operation in ("object_added", "object_removed", "object_replaced"):
        return f"together.{operation}.{word(change, 'noun') or 'something'}"
    return f"together.{operation}"


# ---------------------------------------------------------------- framing


def _word_crop(teller: Teller) -> Wording:
    cuts: list[str] = []
    for side in _SIDES:
        if (number(teller.change, f"{side}_percent") or 0.0) >= _MIN_CUT_PERCENT:
            key = "fact.cut" if cuts else "fact.first_cut"
            amount, name = teller.percent(f"{side}_percent"), teller.language.say(f"side.{side}")
            cuts.append(teller.language.say(key, amount=amount, side=name))
    return "edit.crop", {"kept": teller.percent("kept_percent"), "cuts": teller.language.join(cuts)}


def _word_pad(teller: Teller) -> Wording:
    say = teller.language.say
    widths = {side: round(number(teller.change, f"{side}_px") or 0) for side in _SIDES}
    seen = {side: width for side, width in widths.items() if width >= 1}
    if len(seen) == len(_SIDES) and len(set(seen.values())) == 1:
        sides = say("fact.even_border", amount=str(widths["left"]))
    else:
        borders = [
            say("fact.border", amount=str(width), where=say(f"place.at.{side}"))
            for side, width in seen.items()
        ]
        sides = teller.language.join(borders)
    color = name_color(word(teller.change, "color"))
    border = teller.language.choose("border", color or "plain")
    return "edit.pad", {"border": say(border, color=teller.color(color)), "sides": sides}


def _word_rotate(teller: Teller) -> Wording:
    degrees = number(teller.change, "degrees")
    if degrees is None:
        return "edit.rotate.other", {}
    if abs(abs(degrees) - 180) < 0.05:
        return "edit.rotate.half", {}
    side = "left" if degrees > 0 else "right"
    least = teller.language.say("number.less_than", amount=teller.language.number(0.1, 1))
    amount = least if abs(degrees) < 0.1 else teller.language.number(abs(degrees), 1)
    return f"edit.rotate.{side}", {"degrees": amount}


def _word_flip(teller: Teller) -> Wording:
    return teller.language.choose("edit.flip", word(teller.change, "axis"), "horizontal"), {}


def _word_perspective(teller: Teller) -> Wording:
    return "edit.perspective", {"amount": teller.percent("corner_shift_percent")}


def _word_stretch(teller: Teller) -> Wording:
    factor = number(teller.change, "factor")
    if factor is None or factor <= 0:
        return "edit.stretch.other", {}
    amount = teller.language.percent(abs(factor - 1) * 100)
    return f"edit.stretch.{'wider' if factor >= 1 else 'narrower'}", {"percent": amount}


# ---------------------------------------------------------------- style


def _word_amount(teller: Teller) -> Wording:
    """Brightness, contrast, saturation: how much more or less."""
    way = direction(teller.change, "percent", "stops")
    slots = {"percent": teller.about_percent("percent"), "stops": teller.signed("stops", 1)}
    return f"edit.{teller.change.operation}.{way}", slots


def _word_color_balance(teller: Teller) -> Wording:
    sign = number(teller.change, "sign")
    tint = word(teller.change, "tint") or {1: "warmer", -1: "cooler"}.get(int(sign or 0), "")
    channels = [
        teller.language.say(f"channel.{channel}", amount=teller.language.say("number.percent", number=shift))
        for channel in ("red", "green", "blue")
        if (shift := teller.signed(f"{channel}_percent", 0))
    ]
    name = teller.language.say(teller.language.choose("tint", tint))
    return "edit.color_balance", {"tint": name, "channels": ", ".join(channels)}


def _word_kind(teller: Teller) -> Wording:
    """Greyscale and changed backgrounds: the kind says it all."""
    return teller.language.choose(f"edit.{teller.change.operation}", word(teller.change, "kind")), {}


def _word_tone(teller: Teller) -> Wording:
    kind, way = word(teller.change, "kind"), direction(teller.change, "mean_shift_levels")
    noticed = abs(number(teller.change, "mean_shift_levels") or 0.0) >= 1
    slots = {
        "shift": teller.about("mean_shift_levels") if noticed else "",
        "levels": teller.about("levels"),
        "percent": _corner_falloff(teller),
    }
    if kind not in ("inverted", "posterized"):
        kind = f"{kind}_{way}"
    return teller.language.choose("edit.tone", kind, f"other_{way}"), slots


def _corner_falloff(teller: Teller) -> str:
    """How much darker or brighter a vignette makes the corners, where r = 1 in 1 + a r^2 + b r^4."""
    falloff = teller.change.parameters.get("falloff_percent")
    shares = falloff if isinstance(falloff, list | tuple) and len(falloff) == 2 else ()
    amount = abs(sum(share for share in shares if isinstance(share, int | float)))
    return teller.language.percent(round(amount)) if 1 <= amount < math.inf else ""


def _word_sharpness(teller: Teller) -> Wording:
    """Blur, sharpening and noise of the whole picture."""
    sigma = teller.about("sigma_levels") or teller.about("sigma_px")
    return f"edit.{teller.change.operation}", {"sigma": sigma, "percent": teller.about_percent("percent")}


# ---------------------------------------------------------------- content


def _word_composite(teller: Teller) -> Wording:
    return "edit.composite", {"area": teller.percent("area_percent")}


def _word_object(teller: Teller) -> Wording:
    thing = teller.language.choose("thing", word(teller.change, "noun"), "something")
    return f"edit.{teller.change.operation}", {"thing": teller.language.say(thing)}


def _word_recolored(teller: Teller) -> Wording:
    say, choose = teller.language.say, teller.language.choose
    slots = {"thing": say("thing.something")}
    before, after = word(teller.change, "from_color"), word(teller.change, "to_color")
    if not before or not after:
        return "edit.object_recolored.other", slots
    bases = [color.rpartition(" ")[2] for color in (before, after)]
    same = before == after
    for slot, color, base in zip(("from", "to"), bases if same else (before, after), bases, strict=True):
        slots[slot] = say(choose(f"color_{slot}", base), color=teller.color(color))
    slots["color"] = teller.color(bases[1])
    return f"edit.object_recolored.{'shade' if same else 'colors'}", slots


def _word_duplicated(teller: Teller) -> Wording:
    box = teller.change.parameters.get("source_box")
    source: Box | None = tuple(box) if isinstance(box, list | tuple) and len(box) == 4 else None
    kind = _moved_or_copied(teller.change)
    target = teller.name_place(teller.change.box)
    if source is None or target is None or teller.name_place(source) == target:
        return f"edit.object_duplicated.{kind}_near", {}
    slots = {"from": teller.place("from", source), "to": teller.place("to")}
    return f"edit.object_duplicated.{kind}", slots


def _moved_or_copied(change: Change) -> str:
    return "moved" if change.parameters.get("moved") is True else "copied"


def _word_blurred(teller: Teller) -> Wording:
    return f"edit.object_blurred.{_blurred_kind(teller.change)}", {}


def _blurred_kind(change: Change) -> str:
    kind = word(change, "kind")
    kind = kind if kind in ("filled", "pixelated") else "blurred"
    return f"face_{kind}" if word(change, "noun") == "face" else kind


def _word_text(teller: Teller) -> Wording:
    removed = teller.change.operation == "text_removed"
    quote = teller.quote(teller.change.text_before if removed else teller.change.text_after)
    say = teller.language.say
    thing = say("thing.quoted", quote=quote) if quote else say("thing.text")
    return f"edit.{teller.change.operation}", {"thing": thing}


def _word_text_changed(teller: Teller) -> Wording:
    before, after = teller.quote(teller.change.text_before), teller.quote(teller.change.text_after)
    if not after:
        return "edit.text_changed", {"was": before}
    return "edit.text_changed", {"before": "" if before == after else before, "after": after}


def _word_background_replaced(teller: Teller) -> Wording:
    return "edit.background_replaced", {}


WORDINGS: dict[Operation, Callable[[Teller], Wording]] = {
    "crop": _word_crop,
    "pad": _word_pad,
    "rotate": _word_rotate,
    "flip": _word_flip,
    "perspective": _word_perspective,
    "stretch": _word_stretch,
    "brightness": _word_amount,
    "contrast": _word_amount,
    "saturation": _word_amount,
    "color_balance": _word_color_balance,
    "grayscale": _word_kind,
    "tone": _word_tone,
    "blur": _word_sharpness,
    "sharpen": _word_sharpness,
    "noise": _word_sharpness,
    "composite": _word_composite,
    "object_added": _word_object,
    "object_removed": _word_object,
    "object_replaced": _word_object,
    "object_recolored": _word_recolored,
    "object_duplicated": _word_duplicated,
    "object_blurred": _word_blurred,
    "text_added": _word_text,
    "text_removed": _word_text,
    "text_changed": _word_text_changed,
    "background_replaced": _word_background_replaced,
    "background_changed": _word_kind,
}
