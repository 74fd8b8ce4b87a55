"""Whole-picture tone and colour: of models from simple to complex, the simplest that explains the pair wins.

Every model is a recipe of listed edits with rounded parameters, judged by running the recipe. Local edits are
outliers: fits are reweighted, and what an edit can cost a model is capped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare import palette
from provenance.compare.colorfit import Recipe, Samples, run
from provenance.compare.replay import LUMA
from provenance.records import Change, Pixels

Floats: TypeAlias = NDArray[np.float64]

_SIDE_PX = 200
"""Tone is fitted on a small copy: averaging removes compression and misregistration."""
_MAX_SAMPLES = 1500
_CAP_LEVELS = 14.0
"""A sample that is further off is a local edit; it costs no model more than this."""
_CLIPPED = 0.02
"""Share of a place's pixels."""
_KEPT_PLATEAUS = 0.28
"""Posterizing leaves at least this share of smooth places smooth; noise leaves none, sharpening a few."""
_PENALTY_SHARE = 0.025
_PENALTY_LEVELS = 0.12
"""What one more parameter must gain: a share of the misfit and levels (measured on benign pairs)."""
_WORTH_LEVELS = 0.45
"""What any edit must gain over none."""


@dataclass(frozen=True, slots=True, eq=False)
class ToneFit:
    """The listed tone edits, in recipe order, and how far the picture is from them."""

    changes: tuple[Change, ...]
    misfit_levels: float
    """Mean absolute difference of the small copies after the edits, outliers capped, 0..255."""
    untouched_misfit_levels: float
    """The same without any edit."""


def fit_tone(reference: Pixels, query: Pixels, mask: NDArray[np.bool_]) -> ToneFit:
    """Name and measure the tone edits between aligned pictures [h, w, 3], judged inside `mask`."""
    samples = gather(reference, query, mask)
    if samples is None:
        return ToneFit((), 0.0, 0.0)
    untouched = misfit(samples, [])
    best: Recipe = []
    best_score, best_misfit = untouched, untouched
    for recipes in _recipes(samples):
        candidates = [(recipe, count, misfit(samples, recipe)) for recipe, count in recipes]
        for recipe, count, rest in candidates:
            score = rest * (1 + _PENALTY_SHARE * count) + _PENALTY_LEVELS * count
            needed = best_score if best else untouched - _WORTH_LEVELS
            if score < needed and palette.is_noticeable(recipe, samples):
                best, best_score, best_misfit = recipe, score, rest
        if untouched - min(rest for _, _, rest in candidates) < 0.8 * _WORTH_LEVELS:
            break
    posterized = _posterized(reference, query, mask, best)
    best, best_misfit = posterized or (best, best_misfit)
    gain = (untouched - best_misfit) / max(untouched, 1e-6)
    confidence = round(float(np.clip(0.5 + 0.5 * gain, 0.5, 0.99)), 3)
    changes = tuple(
        Change(operation, confidence, parameters) for operation, parameters in _with_shifts(best, samples)
    )
    return ToneFit(changes, best_misfit, untouched)


def _with_shifts(recipe: Recipe, samples: Samples) -> Recipe:
    """The recipe, each tone with the number of levels by which it moves the picture's mean."""
    means = [float((run(samples, recipe[:k]) @ LUMA).mean()) for k in range(len(recipe) + 1)]
    shifted: Recipe = []
    for (operation, parameters), before, after in zip(recipe, means, means[1:], strict=False):
        if operation == "tone":
            shift = round(after - before, 1)
            sign = 0 if parameters["kind"] == "posterized" else 1 if shift > 0 else -1
            parameters = {**parameters, "mean_shift_levels": shift, "sign": sign}
        shifted.append((operation, parameters))
    return shifted


def gather(reference: Pixels, query: Pixels, mask: NDArray[np.bool_]) -> Samples | None:
    """Pairs of colours from small copies of both pictures, weighted down where their structure disagrees."""
    height, width = mask.shape
    scale = min(1.0, _SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [cv2.resize(side, size, interpolation=cv2.INTER_AREA) for side in (reference, query)]
    inside = cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 252
    if inside.sum() < 16:
        return None
    weights = _structure_agreement(small[0], small[1])
    # A place that is clipped in part is no sample of the tone curve.
    unclipped = cv2.inRange(query, (2, 2, 2), (253, 253, 253))
    partly = cv2.resize(unclipped, size, interpolation=cv2.INTER_AREA) < 255 * (1 - _CLIPPED)
    weights = weights * np.where(partly, 0.1, 1.0)
    rows, columns = np.nonzero(inside)
    step = max(1, len(rows) // _MAX_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    y = ((rows + 0.5) / size[1] * 2 - 1) * size[1]
    x = ((columns + 0.5) / size[0] * 2 - 1) * size[0]
    return Samples(
        before=small[0][rows, columns],
        after=small[1][rows, columns],
        weights=weights[rows, columns].astype(np.float64),
        radius_square=(x * x + y * y) / (size[0] ** 2 + size[1] ** 2),
    )


def _structure_agreement(reference: Pixels, query: Pixels) -> NDArray[np.float32]:
    """Local correlation of the grey levels where both have texture, else one half; 0.02..1."""
    a, b = (cv2.cvtColor(side, cv2.COLOR_RGB2GRAY).astype(np.float32) for side in (reference, query))

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(values, (7, 7)), np.float32)

    variance_a, variance_b = mean(a * a) - mean(a) ** 2, mean(b * b) - mean(b) ** 2
    shared = np.abs(mean(a * b) - mean(a) * mean(b))
    texture = np.sqrt(np.maximum(variance_a, 0) * np.maximum(variance_b, 0))
    agreement = (shared + 8) / (np.maximum(texture, np.maximum(variance_a, variance_b) * 0.2) + 16)
    return np.asarray(np.clip(agreement, 0.02, 1) ** 2, np.float32)


def misfit(samples: Samples, recipe: Recipe) -> float:
    """Mean absolute difference after a recipe, levels, outliers capped."""
    rest = np.abs(run(samples, recipe).astype(np.float64) - samples.after).mean(axis=1)
    return float((np.minimum(rest, _CAP_LEVELS) * samples.weights).sum() / samples.weights.sum())


def _recipes(samples: Samples) -> Iterator[Iterable[tuple[Recipe, int]]]:
    """Candidate recipes with their number of free parameters.

    The most flexible ones come first: where they do not explain more than no edit, nothing simpler can.
    """
    if palette.lost_its_color(samples):
        yield palette.gray_recipes(samples)
        return
    flexible = (
        palette.curve_recipes, palette.matrix_recipes, palette.hue_recipes, palette.vignette_recipes
    )  # fmt: skip
    yield chain.from_iterable(recipes(samples) for recipes in flexible)
    simple = (palette.plain_recipes, palette.color_recipes, palette.odd_recipes)
    yield chain.from_iterable(recipes(samples) for recipes in simple)


def _posterized(
    reference: Pixels, query: Pixels, mask: NDArray[np.bool_], best: Recipe
) -> tuple[Recipe, float] | None:
    """Few levels a channel: where the query's plateaus sit on them, the reference's do not, and it fits."""
    step = max(1, int(np.sqrt(mask.size / _MAX_SAMPLES)))
    thin = mask[::step, ::step]
    before, after = (side[::step, ::step][thin] for side in (reference, query))
    ones = np.ones(len(before))
    pixels = Samples(before, after, ones, ones)
    smooth = misfit(pixels, [edit for edit in best if edit[1].get("kind") != "vignette"]) if len(ones) else 0
    if smooth < 2:
        return None
    flat = _plateau_levels(query, mask)
    near = [recipe for recipe in palette.posterized_recipes() if _sits_on_steps(flat, recipe)]
    if not near:
        return None
    flat_before = _plateau_levels(reference, mask)
    if flat.sum() < max(500, _KEPT_PLATEAUS * flat_before.sum()):
        return None
    for recipe in near:
        rest = misfit(pixels, recipe)
        was, now = (_distance_from_steps(levels, recipe) for levels in (flat_before, flat))
        if now < 0.6 * was and rest < 1.2 * smooth:
            return recipe, rest
    return None


def _plateau_levels(picture: Pixels, mask: NDArray[np.bool_]) -> Floats:
    """[256] how often each level is that of a place that hardly differs from its neighbours."""
    kernel = np.ones((3, 3), np.uint8)
    spread = cv2.subtract(cv2.dilate(picture, kernel), cv2.erode(picture, kernel))
    inside = mask.view(np.uint8)
    counts = np.zeros(256)
    for channel in range(3):
        flat = cv2.bitwise_and(cv2.inRange(cv2.extractChannel(spread, channel), 0, 10), inside)
        counts += cv2.calcHist([picture], [channel], flat, [256], [0, 256]).ravel()
    return counts


def _sits_on_steps(levels: Floats, recipe: Recipe) -> bool:
    """Whether plateaus lie on the steps of a posterized recipe."""
    near = 0.14 if recipe[0][1]["levels"] <= 10 else 0.1
    return _distance_from_steps(levels, recipe) < near


def _distance_from_steps(levels: Floats, recipe: Recipe) -> float:
    """Mean distance of plateaus from the nearest step, in steps: 0.25 by chance, 0 when posterized."""
    count, spread = recipe[0][1]["levels"], recipe[0][1]["spread"]
    # Black and white are plateaus of any picture.
    inner = levels[6:250]
    if inner.sum() < 500:
        return 0.25
    steps = np.arange(6, 250) / (255 / (count - 1) if spread else 256 / count)
    nearest = np.minimum(np.rint(steps), count - 1)
    taken = np.bincount(nearest.astype(int), inner)
    if np.count_nonzero(taken > 1e-4 * inner.sum()) < 2:
        return 0.25
    return float((np.minimum(np.abs(steps - nearest), 0.5) * inner).sum() / inner.sum())
