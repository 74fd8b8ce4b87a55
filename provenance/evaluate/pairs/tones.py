"""Edits of every pixel's levels: brightness, contrast, colour, curves, filters, vignette."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from provenance.evaluate.pairs.draft import Draft
from provenance.evaluate.pairs.objects import Kind, turn_hue
from provenance.evaluate.pairs.stock import Stock
from provenance.evaluate.pairs.truth import Strength, TrueEdit
from provenance.records import Pixels

Floats: TypeAlias = NDArray[np.float64]
Amounts: TypeAlias = dict[Strength, tuple[float, float]]
Changed: TypeAlias = tuple[Floats, list[dict[str, Any]]]
"""Levels before they are clipped, and what to say of each edit."""
Change: TypeAlias = Callable[[Pixels, float, np.random.Generator], Changed]

LUMA = np.array([0.299, 0.587, 0.114])
FAMILY = ("brightness", "contrast", "saturation", "color_balance", "tone")
# Mean difference in levels below which a whole-picture edit is not seen, hardly, plainly.
LEAST, VISIBLE, GROSS = 2.0, 7.0, 28.0
GENTLE: Amounts = {"barely": (0.025, 0.06), "visible": (0.14, 0.32), "gross": (0.4, 0.7)}
STRONG: Amounts = {"barely": (0.06, 0.18), "visible": (0.3, 0.6), "gross": (0.65, 0.95)}
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


def kind_of(change: Change, amounts: Amounts = GENTLE) -> Kind:
    """A kind of edit from a function of pixels and an amount; how strong it is, is measured."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        levels, edits = change(draft.query, float(rng.uniform(*amounts[strength])), rng)
        if any(one["operation"] == "grayscale" for one in edits) and not _is_colored(draft.query):
            return None
        after = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        seen = strength_of(draft.query, after)
        if seen is None:
            return None
        shift = float((after.astype(np.float64) - draft.query).mean(axis=(0, 1)) @ LUMA)
        made = []
        for one in edits:
            truth = dict(one)
            parameters = dict(truth.pop("parameters", {}))
            if truth["operation"] == "tone":
                parameters |= {"mean_shift_levels": round(shift, 1), "sign": sign(shift)}
            graded = truth.pop("strength", None if truth.get("optional") else seen)
            made.append(TrueEdit(parameters=parameters, strength=graded, **truth))
        return draft.with_whole(*made, query=after)

    return edit


def _is_colored(photo: Pixels) -> bool:
    """Whether there is a colour to lose."""
    return float(np.ptp(photo[::4, ::4].astype(np.int16), axis=2).mean()) > 12


def strength_of(before: Pixels, after: Pixels) -> Strength | None:
    """How well a change of all levels is seen."""
    step = max(1, max(before.shape) // 400)
    mean = float(np.abs(before[::step, ::step].astype(np.int16) - after[::step, ::step]).mean())
    if mean < LEAST:
        return None
    return "barely" if mean < VISIBLE else "visible" if mean < GROSS else "gross"


def sign(value: float) -> int:
    """+1 or -1."""
    return 1 if value > 0 else -1


def factor_of(amount: float, rng: np.random.Generator) -> float:
    """More or less by an amount."""
    return 1 + amount if rng.random() < 0.5 else 1 / (1 + amount)


def brighten(way: str) -> Change:
    """Brighter or darker by a "gain", an "offset", or a "gamma"."""

    def change(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
        mean = float(photo.mean(axis=(0, 1)) @ LUMA)
        extra: dict[str, Any] = {}
        if way == "gain":
            gain = factor_of(amount, rng)
            after, percent = photo * gain, 100 * (gain - 1)
        else:
            if way == "offset":
                offset = float(rng.choice([-1, 1]) * 130 * amount)
                after, extra["offset_levels"] = photo + offset, round(offset, 1)
            else:
                gamma = (1 + 1.2 * amount) ** int(rng.choice([-1, 1]))
                after, extra["gamma"] = 255 * (photo / 255.0) ** gamma, round(gamma, 3)
            percent = 100 * (float(np.clip(after, 0, 255).mean(axis=(0, 1)) @ LUMA) / mean - 1)
        parameters = {"percent": round(percent, 1), "sign": sign(percent)} | extra
        return np.asarray(after, np.float64), [{"operation": "brightness", "parameters": parameters}]

    return change


def stretch_contrast(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """A slope about the mean or about the middle."""
    factor = factor_of(1.3 * amount, rng)
    pivot = float(photo.mean(axis=(0, 1)) @ LUMA) if rng.random() < 0.6 else 128.0
    parameters = {
        "percent": round(100 * (factor - 1), 1),
        "factor": round(factor, 3),
        "sign": sign(factor - 1),
    }
    return np.asarray(pivot + (photo - pivot) * factor, np.float64), [
        {"operation": "contrast", "parameters": parameters | {"pivot_level": round(pivot, 1)}}
    ]


def saturate(up: bool) -> Change:
    """Colours stretched from, or pulled towards, grey."""

    def change(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
        factor = 1 + 1.2 * amount if up else 1 - 0.85 * amount
        grey = (photo @ LUMA)[..., None]
        parameters = {
            "percent": round(100 * (factor - 1), 1),
            "factor": round(factor, 3),
            "sign": 1 if up else -1,
        }
        return grey + (photo - grey) * factor, [{"operation": "saturation", "parameters": parameters}]

    return change


def warm(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Warmer, cooler, greener or more magenta, by gains or by levels added."""
    direction = float(rng.choice([-1, 1]))
    warmth = rng.random() < 0.7
    shares = (
        direction * 0.7 * amount * (np.array([1.0, 0.1, -1.0]) if warmth else np.array([-0.5, 1.0, -0.5]))
    )
    if rng.random() < 0.6:
        after, extra = photo * (1 + shares), {}
    else:
        shares = 0.5 * shares
        after, extra = photo + 255 * shares, {"added": True}
    tint = (
        ("warmer" if direction > 0 else "cooler")
        if warmth
        else "greener"
        if direction > 0
        else "more magenta"
    )
    parameters = {"sign": int(direction) if warmth else 0, "tint": tint}
    percents = zip(("red_percent", "green_percent", "blue_percent"), shares, strict=True)
    return after, [
        {
            "operation": "color_balance",
            "parameters": parameters
            | {name: round(100 * float(share), 1) for name, share in percents}
            | extra,
        }
    ]


def turn_hues(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """All hues turned."""
    degrees = float(rng.choice([-1, 1]) * 150 * amount)
    return turn_hue(photo, degrees).astype(np.float64), [
        {"operation": "color_balance", "accepted": ("tone",)},
        *_optional("saturation", "brightness", "contrast", "tone"),
    ]


def lose_color(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Grey, sepia, or another single hue."""
    kind = str(rng.choice(["gray", "gray", "sepia", "tinted"]))
    if kind == "sepia":
        after = photo @ SEPIA.T
    else:
        grey = (photo @ LUMA)[..., None]
        after = np.repeat(grey, 3, axis=2)
        if kind == "tinted":
            after = after * np.array(
                [(0.75, 0.9, 1.1), (0.8, 1.05, 0.85), (1.1, 0.85, 1.0)][int(rng.integers(3))]
            )
    edits: list[dict[str, Any]] = [{"operation": "grayscale", "parameters": {"kind": kind}}]
    if kind != "gray":
        edits += _optional("brightness", "contrast", "tone", "color_balance")
    return after, edits


def bend(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """An S-curve, or its inverse: more or less contrast in the middle."""
    x = np.arange(256) / 255
    # Steeper would turn back on itself.
    curve = x - float(rng.choice([-1, 1])) * 0.155 * amount * np.sin(2 * np.pi * x)
    return (255 * curve)[photo], [
        {"operation": "tone", "accepted": ("contrast",), "parameters": {"kind": "curve"}},
        *_optional("brightness", "contrast", "saturation"),
    ]


def lift_shadows(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Shadows opened or closed, or lights brought down or up."""
    x = np.arange(256) / 255
    shadows = rng.random() < 0.5
    curve = x + float(rng.choice([-1, 1])) * 0.24 * amount * (
        x * (1 - x) ** 3 * 4 if shadows else x**3 * (1 - x) * 4
    )
    return (255 * curve)[photo], [
        {
            "operation": "tone", "accepted": ("brightness", "contrast"),
            "parameters": {"kind": "shadows" if shadows else "highlights"},
        },
        *_optional("brightness", "contrast", "saturation"),
    ]  # fmt: skip


def fade(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Blacks lifted to grey, as in old prints."""
    black, white = 255 * 0.45 * amount, 255 * (1 - 0.1 * amount)
    return black + photo * (white - black) / 255, [
        {"operation": "contrast", "accepted": ("tone",), "parameters": {"sign": -1}},
        *_optional("brightness", "saturation", "tone"),
    ]


def filter_colors(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """A phone's filter: shadows and lights tinted, faded blacks, other contrast and saturation."""
    levels = photo / 255.0
    luma = (levels @ LUMA)[..., None]
    shadows, lights = rng.uniform(-0.3, 0.3, (2, 3)) * amount
    mixed = luma + (levels - luma) * (1 + amount * rng.uniform(-0.6, 0.6))
    tinted = mixed + shadows * (1 - luma) + lights * luma
    faded = 0.2 * amount * rng.random()
    after = faded + (1 - faded) * ((tinted - 0.5) * (1 + 0.4 * amount * rng.uniform(-0.5, 1)) + 0.5)
    return np.asarray(after * 255, np.float64), [
        {"operation": "color_balance", "accepted": FAMILY},
        *_optional(*FAMILY),
    ]


def invert(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """The negative."""
    return np.asarray(255.0 - photo, np.float64), [{"operation": "tone", "parameters": {"kind": "inverted"}}]


def posterize(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """A few levels a channel."""
    bits = 4 if amount < 0.3 else 3 if amount < 0.6 else 2
    after = np.asarray(ImageOps.posterize(Image.fromarray(photo), bits), np.float64)
    # Of sixteen steps a person sees no steps at a glance.
    strength: Strength = "barely" if bits == 4 else "visible" if bits == 3 else "gross"
    return after, [{"operation": "tone", "parameters": {"kind": "posterized"}, "strength": strength}]


def vignette(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Corners darker, seldom lighter."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    square = (x * x * width**2 + y * y * height**2) / (width**2 + height**2)
    falloff = (-0.95 if rng.random() < 0.85 else 0.6) * amount
    power = float(rng.uniform(0.8, 1.6))
    return np.asarray(photo * (1 + falloff * square**power)[..., None], np.float64), [
        {"operation": "tone", "parameters": {"kind": "vignette"}},
        *_optional("brightness"),
    ]


def _optional(*operations: str) -> list[dict[str, Any]]:
    return [{"operation": operation, "optional": True} for operation in operations]


TONES: dict[str, Kind] = {
    **{f"brightness by {way}": kind_of(brighten(way)) for way in ("gain", "offset", "gamma")},
    "contrast": kind_of(stretch_contrast),
    "more colour": kind_of(saturate(True), STRONG),
    "less colour": kind_of(saturate(False), STRONG),
    "color balance": kind_of(warm),
    "hue turned": kind_of(turn_hues, STRONG),
    "one colour": kind_of(lose_color, STRONG),
    "curve": kind_of(bend, STRONG),
    "shadows or lights": kind_of(lift_shadows, STRONG),
    "faded": kind_of(fade, STRONG),
    "filter": kind_of(filter_colors, STRONG),
    "inverted": kind_of(invert),
    "posterized": kind_of(posterize, STRONG),
    "vignette": kind_of(vignette, STRONG),
}


def sharpness(photo: Pixels) -> float:
    """Mean square of the steps between neighbours, at the size pictures are looked at."""
    scale = min(1.0, 1024 / max(photo.shape[:2]))
    gray = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    return float(np.mean(np.diff(small, axis=0) ** 2) + np.mean(np.diff(small, axis=1) ** 2))
