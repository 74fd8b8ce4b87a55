"""Candidate tone recipes: listed edits with rounded parameters, fitted to pairs of colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from provenance.compare.colorfit import (
    KNOTS,
    Floats,
    LinearFit,
    Recipe,
    Samples,
    control_points,
    curve_parameters,
    fit_curve,
    run,
    solve,
)
from provenance.compare.replay import LUMA
from provenance.records import Operation, Pixels

_CHANNELS = ("red", "green", "blue")

# Smallest edits that are named (measured on benign pairs; a person sees about these).
_MIN_BRIGHTNESS_PERCENT = 2.0
_MIN_CONTRAST_PERCENT = 4.0
_MIN_SATURATION_PERCENT = 11.0
_MIN_BALANCE_LEVELS = 2.5
_MIN_HUE_DEGREES = 6.0
_MIN_CURVE_LEVELS = 4.0
_MIN_VIGNETTE = 0.1


def lost_its_color(samples: Samples) -> bool:
    """True where the query has no colour, or one hue for all, and the reference had colours."""
    before, after = _chroma(samples.before), _chroma(samples.after)
    order = samples.weights > 0.3
    if order.sum() < 16:
        return False
    had = float(np.percentile(before[order], 75))
    return had > 8 and float(np.percentile(after[order], 80)) < max(3.0, 0.12 * had)


def _chroma(colors: Pixels) -> Floats:
    return np.asarray(np.ptp(colors.astype(np.float64), axis=1), np.float64)


def posterized_recipes() -> Iterator[Recipe]:
    """Few levels a channel, rounded down (as Pillow does) or spread from black to white."""
    for levels in (2, 3, 4, 5, 6, 8, 10, 12, 16):
        for spread in (False, True):
            named = {"kind": "posterized", "mean_shift_levels": 0.0, "sign": 0}
            yield [("tone", named | {"levels": levels, "spread": spread})]


def gray_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """Greyscale, alone and with a change of its levels."""
    gray: Recipe = [("grayscale", {"kind": "gray"})]
    yield gray, 1
    for recipe, count in plain_recipes(_after(samples, gray), color=False):
        yield gray + recipe, 1 + count
    grayed = _after(samples, gray)
    curve = fit_curve(grayed, common=True)
    yield [*gray, ("tone", curve_parameters(curve))], 6


def _after(samples: Samples, recipe: Recipe) -> Samples:
    """The samples with a recipe already applied to the first side."""
    return replace(samples, before=run(samples, recipe))


def plain_recipes(samples: Samples, *, color: bool = True) -> Iterator[tuple[Recipe, int]]:
    """Brightness, contrast, saturation: one at a time, then together."""
    fit = LinearFit(samples)
    mean = fit.mean
    yield [brightness(mean, gain=fit.gain())], 1
    yield [brightness(mean, offset=fit.offset())], 1
    yield [brightness(mean, gamma=fit.gamma())], 1
    yield [contrast(fit.slope_about(mean), mean)], 1
    yield [contrast(fit.slope_about(128.0), 128.0)], 1
    slope, offset = fit.line()
    yield _brightness_and_contrast(slope, offset, fit.luma), 2
    if not color:
        return
    factor = fit.saturation()
    yield [saturation(factor)], 1
    for about in ("value", "lightness"):
        yield [saturation(fit.saturation_about(about), about=about)], 1
    gain, factor = fit.gain_and_saturation()
    yield [brightness(mean, gain=gain), saturation(factor)], 2
    slope, offset, factor = fit.line_and_saturation()
    yield [*_brightness_and_contrast(slope, offset, fit.luma), saturation(factor)], 3
    for pivot in (mean, 128.0):
        slope, factor = fit.slope_and_saturation(pivot)
        yield [contrast(slope, pivot), saturation(factor)], 2


def color_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """Colour balance as gains or as offsets, alone and with a saturation."""
    fit = LinearFit(samples)
    for added in (False, True):
        amounts = fit.channel_offsets() / 255 if added else fit.channel_gains() - 1
        balance = _balance(amounts, fit.mean, added=added)
        yield balance, 3
        inner = LinearFit(_after(samples, balance))
        yield [*balance, saturation(inner.saturation())], 4
        slope, offset = inner.line()
        yield [*balance, *_brightness_and_contrast(slope, offset, inner.luma)], 5


def matrix_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """Any mixing of the channels that leaves more than one hue: a turned hue, swapped channels."""
    fit = LinearFit(samples)
    matrix = fit.matrix()
    levels = fit.x @ matrix[:, :3].T + matrix[:, 3] - fit.x
    rounded = [[round(float(value), 3) for value in row] for row in matrix]
    strengths = np.linalg.svd(matrix[:, :3], compute_uv=False)
    if strengths[1] > 0.15 * strengths[0]:
        yield (
            [("color_balance", _balance_parameters(levels.mean(axis=0) / 255, extra={"matrix": rounded}))],
            9,
        )


def hue_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """All hues turned, alone and with a saturation."""
    degrees = round(LinearFit(samples).hue_degrees(), 1)
    if abs(degrees) < _MIN_HUE_DEGREES:
        return
    turned = run(samples, [("color_balance", {"hue_degrees": degrees})])
    levels = turned.astype(np.float64) - samples.before
    extra = {"hue_degrees": degrees}
    recipe: Recipe = [("color_balance", _balance_parameters(levels.mean(axis=0) / 255, extra=extra))]
    yield recipe, 1
    yield [*recipe, saturation(LinearFit(_after(samples, recipe)).saturation())], 2


def curve_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """One tone curve for all channels, then with a saturation, then a curve a channel."""
    common = fit_curve(samples, common=True)
    recipe: Recipe = [("tone", curve_parameters(common))]
    yield recipe, 5
    yield [*recipe, saturation(LinearFit(_after(samples, recipe)).saturation())], 6
    each = fit_curve(samples, common=False)
    levels = np.column_stack([np.interp(samples.before[:, k], KNOTS, each[:, k]) for k in range(3)])
    shift = np.average(levels - samples.before, axis=0, weights=samples.weights)
    neutral = float(shift @ LUMA)
    if float(np.ptp(shift)) < 2 * _MIN_BALANCE_LEVELS:
        curved: Recipe = [("tone", curve_parameters(each))]
    else:
        extra = {"curve_rgb": control_points(each)}
        curved = [("color_balance", _balance_parameters((shift - neutral) / 255, extra=extra))]
    yield curved, 9
    yield [*curved, saturation(LinearFit(_after(samples, curved)).saturation())], 10


def vignette_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """A gain that falls or grows towards the corners, alone and with a brightness."""
    before, after = samples.before.astype(np.float64) @ LUMA, samples.after.astype(np.float64) @ LUMA
    weights = samples.weights * ((before > 12) & (after > 3) & (after < 250))
    if (weights > 0.1).sum() < 64:
        return
    square = samples.radius_square
    radial = np.stack([square, square**2]) * before
    first, second = solve(radial, after - before, weights)
    yield from _vignette([], float(first), float(second), before, 2)
    level, first, second = solve(np.vstack([before, radial]), after, weights)
    level = float(level)
    start: Recipe = [brightness(float(before.mean()), gain=level)]
    yield from _vignette(start, float(first) / level, float(second) / level, before, 3)


def _vignette(
    start: Recipe, first: float, second: float, before: Floats, count: int
) -> Iterator[tuple[Recipe, int]]:
    steps = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    gains = 1 + first * steps + second * steps**2
    even = np.all(np.diff(gains) < 0.03) or np.all(np.diff(gains) > -0.03)
    if abs(gains[-1] - 1) < _MIN_VIGNETTE or not even:
        return
    shift = float((gains.mean() - 1) * before.mean())
    named = {"kind": "vignette", "mean_shift_levels": round(shift, 1), "sign": _sign(shift)}
    falloff = [round(100 * first, 1), round(100 * second, 1)]
    yield [*start, ("tone", named | {"falloff_percent": falloff})], count


def odd_recipes(samples: Samples) -> Iterator[tuple[Recipe, int]]:
    """Inverted, posterized, and toned to one hue."""
    before, after = samples.before.astype(np.float64), samples.after.astype(np.float64)
    shift = float(np.average((after - before) @ LUMA, weights=samples.weights))
    named = {"mean_shift_levels": round(shift, 1), "sign": 1 if shift > 0 else -1}
    yield [("tone", {"kind": "inverted", **named})], 1
    gray: Recipe = [("grayscale", {"kind": "gray"})]
    curve = fit_curve(_after(samples, gray), common=False)
    middle = curve[2:7].mean(axis=0)
    sepia = middle[0] > middle[1] + 4 and middle[1] > middle[2] + 2
    yield [("grayscale", {"kind": "sepia" if sepia else "tinted", "curve_rgb": control_points(curve)})], 8


def _sign(value: float) -> int:
    return 1 if value > 0 else -1


def brightness(
    mean: float, *, gain: float = 1.0, offset: float | None = None, gamma: float | None = None
) -> tuple[Operation, dict[str, Any]]:
    """A change of brightness as a gain, an offset in levels, or a gamma; `mean` is the mean level before."""
    level = max(mean, 1.0)
    extra: dict[str, Any] = {}
    after = gain * level
    if offset is not None:
        after, extra = level + offset, {"offset_levels": round(offset, 1)}
    if gamma is not None:
        after, extra = 255 * (level / 255) ** gamma, {"gamma": round(gamma, 3)}
    percent = 100 * (after / level - 1)
    stops = np.log2(_linear_light(max(after, 0.5)) / _linear_light(level))
    named = {"percent": round(percent, 1), "stops": round(float(stops), 2), "sign": _sign(percent)}
    return "brightness", named | extra


def _linear_light(level: float) -> float:
    """The sRGB transfer function, unclipped (IEC 61966-2-1)."""
    share = level / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def contrast(factor: float, pivot: float) -> tuple[Operation, dict[str, Any]]:
    """A change of slope about a level that stays."""
    factor = round(factor, 3)
    named = {"percent": round(100 * (factor - 1), 1), "factor": factor, "sign": _sign(factor - 1)}
    return "contrast", named | {"pivot_level": round(pivot, 1)}


def saturation(factor: float, *, about: str = "") -> tuple[Operation, dict[str, Any]]:
    """A change of the distance from the grey of equal luma, or from another one, see `gray_of`."""
    factor = round(max(factor, 0.0), 3)
    named = {"percent": round(100 * (factor - 1), 1), "factor": factor, "sign": _sign(factor - 1)}
    return "saturation", named | ({"about": about} if about else {})


def _brightness_and_contrast(slope: float, offset: float, luma: Floats) -> Recipe:
    """A line taken apart: a gain, then a contrast about the mean that the gain leaves; one where it does.

    The gain clips before the mean is taken, as in an editor, so its size has to be searched.
    """
    mean = float(luma.mean())
    if abs(slope - 1) > 0.02:
        pivot = offset / (1 - slope)
        if abs(pivot - mean) < 8 or abs(pivot - 128) < 8:
            return [contrast(slope, pivot)]
    gains = np.exp(np.linspace(-1.2, 1.2, 161))
    few = luma[:: max(1, len(luma) // 500)]
    means = np.minimum(gains[:, None] * few, 255).mean(axis=1)
    wrong = (1 - slope / gains) * means - offset
    crossings = np.nonzero(np.diff(np.sign(wrong)) != 0)[0]
    if len(crossings) == 0:
        return [brightness(mean, gain=max(slope + offset / max(mean, 1.0), 0.05))]
    k = int(min(crossings, key=lambda i: abs(i - 80)))
    share = wrong[k] / (wrong[k] - wrong[k + 1])
    gain, pivot = (float(v[k] + share * (v[k + 1] - v[k])) for v in (gains, means))
    return [brightness(mean, gain=gain), contrast(slope / gain, pivot)]


def _balance(amounts: Floats, mean: float, *, added: bool) -> Recipe:
    """Shares by channel; what all three have in common is brightness."""
    common = 0.0
    if np.all(amounts > 0.05) or np.all(amounts < -0.05):
        common = float(amounts @ LUMA)
    if not common:
        return [("color_balance", _balance_parameters(amounts, extra={"added": True} if added else {}))]
    if added:
        first = brightness(mean, offset=255 * common)
        return [first, ("color_balance", _balance_parameters(amounts - common, extra={"added": True}))]
    return [
        brightness(mean, gain=1 + common),
        ("color_balance", _balance_parameters((1 + amounts) / (1 + common) - 1, extra={})),
    ]


def _balance_parameters(amounts: Floats, *, extra: dict[str, Any]) -> dict[str, Any]:
    """Percent by channel, and the tint in a word."""
    red, green, blue = (float(value) for value in amounts)
    warmth, greenness = red - blue, green - (red + blue) / 2
    if abs(warmth) >= abs(greenness):
        tint, sign = ("warmer", 1) if warmth > 0 else ("cooler", -1)
    else:
        tint, sign = ("greener", 0) if greenness > 0 else ("more magenta", 0)
    percents = {
        f"{name}_percent": round(100 * value, 1)
        for name, value in zip(_CHANNELS, (red, green, blue), strict=True)
    }
    return {"sign": sign, "tint": tint, **percents, **extra}


def is_noticeable(recipe: Recipe, samples: Samples) -> bool:
    """True where every edit of a recipe is large enough to be named."""
    least = {
        "brightness": _MIN_BRIGHTNESS_PERCENT * (1.0 if len(recipe) == 1 else 1.75),
        "contrast": _MIN_CONTRAST_PERCENT,
        "saturation": _MIN_SATURATION_PERCENT,
    }
    for operation, parameters in recipe:
        if operation in least and abs(parameters["percent"]) < least[operation]:
            return False
        if operation == "color_balance" and "hue_degrees" not in parameters:
            amounts = np.array([parameters[f"{name}_percent"] for name in _CHANNELS])
            mean = (
                255.0 if "added" in parameters or "curve_rgb" in parameters else float(samples.before.mean())
            )
            if "matrix" not in parameters and np.ptp(amounts) / 100 * mean < _MIN_BALANCE_LEVELS:
                return False
        if operation == "tone" and "curve_rgb" in parameters:
            points = np.array(parameters["curve_rgb"], np.float64)
            if np.abs(points[:, 1:] - points[:, :1]).max() < _MIN_CURVE_LEVELS:
                return False
    return True
