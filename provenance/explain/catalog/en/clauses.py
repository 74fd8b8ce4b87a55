"""How each operation is said in English: subject, verb, predicate, and a detail for the full sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provenance.explain.catalog import Frame, direction, number, word
from provenance.explain.catalog.en.words import (
    PLACES,
    REGIONS,
    join_words,
    name_color,
    percent,
    plain,
    signed,
    size_words,
)
from provenance.explain.quoting import clean_text
from provenance.places import Place, name_place
from provenance.records import Box, Change, Operation


@dataclass(frozen=True, slots=True)
class Clause:
    """subject + verb + predicate [+ detail]: the caption leaves the detail out."""

    subject: str
    verb: str
    predicate: str
    detail: str = ""
    lists: bool = False
    """True when the predicate holds a list, so that a comma must part it from the next."""

    @property
    def words(self) -> str:
        """The clause without its detail."""
        return f"{self.subject} {self.verb} {self.predicate}"


# ---------------------------------------------------------------- place, size, quotes


def _place(box: Box | None, frame: Frame) -> Place | None:
    return None if box is None else name_place(box, width=frame.width, height=frame.height)


def say_place(change: Change, frame: Frame) -> str:
    """Return where a change is, "in the upper left", or "" for a change of the whole picture."""
    place = _place(change.box, frame)
    return PLACES[place] if place else ""


def _where(change: Change, frame: Frame) -> str:
    place = say_place(change, frame)
    return f" {place}" if place else ""


def _covering(change: Change) -> str:
    area = number(change, "area_percent")
    return "" if area is None else f"; the area is {size_words(area)} ({percent(area)})"


def quote(text: str | None) -> str:
    """Return text between typographic quotes, made safe to repeat; \"\" when nothing readable is left."""
    cleaned = clean_text(text)
    return f"“{cleaned}”" if cleaned else ""


# ---------------------------------------------------------------- framing


def _say_crop(change: Change, frame: Frame) -> Clause:
    kept = number(change, "kept_percent")
    cuts = [
        f"{percent(value)} was cut off the {side}"
        for side in ("left", "top", "right", "bottom")
        if (value := number(change, f"{side}_percent")) is not None and value >= 0.5
    ]
    cuts = [cuts[0], *(cut.replace(" was cut", "") for cut in cuts[1:])] if cuts else []
    detail = f"; {join_words(cuts)}" if cuts else ""
    share = "" if kept is None else f" to {percent(kept)} of the original"
    return Clause("the picture", "was", f"cropped{share}", detail)


def _say_pad(change: Change, frame: Frame) -> Clause:
    color = name_color(word(change, "color"))
    sides = [
        f"{value:.0f} px at the {side}"
        for side in ("left", "top", "right", "bottom")
        if (value := number(change, f"{side}_px")) is not None and round(value) >= 1
    ]
    if len(sides) == 4 and len({side.split()[0] for side in sides}) == 1:
        sides = [f"{sides[0].split()[0]} px on every side"]
    detail = f": {join_words(sides)}" if sides else ""
    article = "an" if color[:1] in "aeiou" and color else "a"
    return Clause(f"{article} {color} border" if color else "a border", "was", "added", detail)


def _say_rotate(change: Change, frame: Frame) -> Clause:
    degrees = number(change, "degrees")
    if degrees is None:
        return Clause("the picture", "was", "rotated")
    if abs(abs(degrees) - 180) < 0.05:
        return Clause("the picture", "was", "turned upside down", " (rotated by 180°)")
    turn = "counter-clockwise" if degrees > 0 else "clockwise"
    amount = f"{abs(degrees):.1f}" if abs(degrees) >= 0.1 else "less than 0.1"
    amount = "90" if amount == "90.0" else amount
    return Clause("the picture", "was", f"rotated by {amount}° {turn}")


def _say_flip(change: Change, frame: Frame) -> Clause:
    vertical = word(change, "axis") == "vertical"
    return Clause("the picture", "was", "flipped top to bottom" if vertical else "mirrored left to right")


def _say_perspective(change: Change, frame: Frame) -> Clause:
    shift = number(change, "corner_shift_percent")
    detail = "" if shift is None else f": a corner moved by up to {percent(shift)} of the diagonal"
    return Clause("the perspective", "was", "changed", detail)


def _say_stretch(change: Change, frame: Frame) -> Clause:
    factor = number(change, "factor")
    if factor is None or factor <= 0:
        return Clause("the picture", "was", "stretched")
    amount, wider = percent(abs(factor - 1) * 100), factor >= 1
    predicate = f"stretched to be {amount} wider" if wider else f"squeezed to be {amount} narrower"
    return Clause("the picture", "was", predicate, f" for its height than the original (factor {factor:.2f})")


# ---------------------------------------------------------------- style


def _compare_amount(change: Change, more: str, less: str, *, tail: str) -> tuple[str, str]:
    """Return ("about 25 % brighter", " than ... (factor 1.25)") from percent, sign, stops and factor."""
    amount = number(change, "percent")
    adjective = less if direction(change, "percent", "stops") < 0 else more
    stops, factor = number(change, "stops"), number(change, "factor")
    told = [f"{signed(stops, 1)} stops"] if stops is not None else []
    told += [f"factor {factor:.2f}"] if factor is not None else []
    predicate = adjective if amount is None else f"about {percent(abs(amount))} {adjective}"
    return predicate, f" than {tail}" + (f" ({', '.join(told)})" if told else "")


def _say_brightness(change: Change, frame: Frame) -> Clause:
    return Clause("the picture", "is", *_compare_amount(change, "brighter", "darker", tail="the original"))


def _say_contrast(change: Change, frame: Frame) -> Clause:
    return Clause(
        "the contrast", "is", *_compare_amount(change, "stronger", "weaker", tail="in the original")
    )


def _say_saturation(change: Change, frame: Frame) -> Clause:
    words = _compare_amount(change, "more intense", "less intense", tail="in the original")
    return Clause("the colours", "are", *words)


def _say_color_balance(change: Change, frame: Frame) -> Clause:
    by_sign = {1: "warmer", -1: "cooler", 0: "tinted differently"}
    tint = word(change, "tint") or by_sign[direction(change)]
    shifts = [
        f"{channel} {signed(value, 0)} %"
        for channel in ("red", "green", "blue")
        if (value := number(change, f"{channel}_percent")) is not None
    ]
    return Clause(
        "the colours", "are", tint, " than in the original" + (f" ({', '.join(shifts)})" if shifts else "")
    )


def _say_grayscale(change: Change, frame: Frame) -> Clause:
    kinds = {
        "sepia": "turned into brownish sepia tones",
        "tinted": "turned into shades of a single colour",
    }
    return Clause("the picture", "was", kinds.get(word(change, "kind"), "turned into black and white"))


def _say_tone(change: Change, frame: Frame) -> Clause:
    sign = direction(change, "mean_shift_levels")
    lighter = "darkened" if sign < 0 else "brightened"
    kinds = {
        "inverted": ("the colours", "were", "inverted, as in a photographic negative"),
        "posterized": ("the picture", "was", "reduced to a few levels of colour"),
        "vignette": ("the corners", "were", "brightened" if sign > 0 else "darkened"),
        "shadows": ("the dark areas", "were", lighter),
        "highlights": ("the bright areas", "were", lighter),
    }
    clause = kinds.get(word(change, "kind"), ("the balance of light and dark areas", "was", "changed"))
    shift = number(change, "mean_shift_levels")
    told = "" if shift is None else f"; the mean brightness moved by {signed(shift, 0)} of 255 levels"
    return Clause(*clause, told)


def _say_blur(change: Change, frame: Frame) -> Clause:
    sigma = number(change, "sigma_px")
    return Clause(
        "the whole picture", "was", "blurred", "" if sigma is None else f" (by about {plain(sigma, 1)} px)"
    )


def _say_sharpen(change: Change, frame: Frame) -> Clause:
    amount, sigma = number(change, "percent"), number(change, "sigma_px")
    detail = "" if sigma is None else f" (radius about {plain(sigma, 1)} px)"
    by = "" if amount is None else f" by about {percent(abs(amount))}"
    return Clause("the whole picture", "was", f"sharpened{by}", detail)


def _say_noise(change: Change, frame: Frame) -> Clause:
    sigma = number(change, "sigma_levels")
    detail = "" if sigma is None else f" (about {plain(sigma, 1)} of 255 levels)"
    return Clause("grain", "was", "added to the whole picture", detail)


# ---------------------------------------------------------------- content


def _say_composite(change: Change, frame: Frame) -> Clause:
    area = number(change, "area_percent")
    where = f",{_where(change, frame)}" if change.box is not None else ""
    detail = "" if area is None else f"; it fills {size_words(area)} ({percent(area)})"
    return Clause("the original", "was", f"placed inside another picture{where}", detail)


def _say_something(participle: str) -> Callable[[Change, Frame], Clause]:
    def say(change: Change, frame: Frame) -> Clause:
        return Clause("something", "was", f"{participle}{_where(change, frame)}", _covering(change))

    return say


def _say_recolored(change: Change, frame: Frame) -> Clause:
    before, after = word(change, "from_color"), word(change, "to_color")
    colors = f" from {before} to {after}" if before and after and before != after else ""
    hue = number(change, "hue_degrees")
    told = "" if hue is None else f" and the hue turned by {plain(abs(hue), 0)}°"
    covering = _covering(change)
    detail = covering + told if covering else told.replace(" and", ";", 1)
    return Clause("something", "was", f"recoloured{_where(change, frame)}{colors}", detail)


def _say_duplicated(change: Change, frame: Frame) -> Clause:
    box = change.parameters.get("source_box")
    source = _place(tuple(box), frame) if isinstance(box, list | tuple) and len(box) == 4 else None
    target = _place(change.box, frame)
    verb = "moved" if change.parameters.get("moved") is True else "copied"
    if source and target and source != target:
        predicate = f"{verb} from {REGIONS[source]} to {REGIONS[target]}"
    else:
        predicate = f"{verb} to another place{_where(change, frame)}"
    return Clause("a part of the picture", "was", predicate, _covering(change))


def _say_blurred(change: Change, frame: Frame) -> Clause:
    kind, block, sigma = word(change, "kind"), number(change, "block_px"), number(change, "sigma_px")
    participle = {"pixelated": "pixelated", "filled": "covered with a plain colour"}.get(kind, "blurred")
    told = f" with blocks of {plain(block, 0)} px" if block is not None and kind == "pixelated" else ""
    told += f" by about {plain(sigma, 1)} px" if sigma is not None and participle == "blurred" else ""
    return Clause(f"an area{_where(change, frame)}", "was", f"{participle}{told}", _covering(change))


def _say_text(participle: str) -> Callable[[Change, Frame], Clause]:
    def say(change: Change, frame: Frame) -> Clause:
        quoted = quote(change.text_before if participle == "removed" else change.text_after)
        subject = f"the text {quoted}" if quoted else "text"
        return Clause(subject, "was", f"{participle}{_where(change, frame)}", _covering(change))

    return say


def _say_text_changed(change: Change, frame: Frame) -> Clause:
    before, after = quote(change.text_before), quote(change.text_after)
    told = f" from {before} to {after}" if before and after and before != after else ""
    if not told and (before or after):
        told = f" (now {after})" if after else f" (it was {before})"
    return Clause("text", "was", f"changed{_where(change, frame)}{told}", _covering(change))


def _say_background_replaced(change: Change, frame: Frame) -> Clause:
    return Clause("the background", "was", "replaced by another one", _covering(change))


def _say_background_changed(change: Change, frame: Frame) -> Clause:
    kinds = {
        "blurred": "blurred",
        "darkened": "darkened",
        "brightened": "brightened",
        "recolored": "recoloured",
        "desaturated": "made less colourful",
    }
    return Clause("the background", "was", kinds.get(word(change, "kind"), "changed"), _covering(change))


PHRASES: dict[Operation, Callable[[Change, Frame], Clause]] = {
    "crop": _say_crop,
    "pad": _say_pad,
    "rotate": _say_rotate,
    "flip": _say_flip,
    "perspective": _say_perspective,
    "stretch": _say_stretch,
    "brightness": _say_brightness,
    "contrast": _say_contrast,
    "saturation": _say_saturation,
    "color_balance": _say_color_balance,
    "grayscale": _say_grayscale,
    "tone": _say_tone,
    "blur": _say_blur,
    "sharpen": _say_sharpen,
    "noise": _say_noise,
    "composite": _say_composite,
    "object_added": _say_something("added"),
    "object_removed": _say_something("removed"),
    "object_replaced": _say_something("replaced"),
    "object_recolored": _say_recolored,
    "object_duplicated": _say_duplicated,
    "object_blurred": _say_blurred,
    "text_added": _say_text("added"),
    "text_removed": _say_text("removed"),
    "text_changed": _say_text_changed,
    "background_replaced": _say_background_replaced,
    "background_changed": _say_background_changed,
}
