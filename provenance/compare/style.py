"""Whole-picture blur, sharpening and noise, each against "not needed".

Blur and sharpening are one family: query = prediction + a (prediction - blurred prediction), a = -1 for a
blur and a > 0 for an unsharp mask. It is fitted on textured tiles, so that a blurred object cannot pass for a
blurred picture; noise is what smooth tiles have more of than the prediction (Immerkær 1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Change, Pixels

Floats: TypeAlias = NDArray[np.float32]

_TILE = 48
_TILES = 36
_SIGMAS_PX = (0.5, 0.7, 0.9, 1.2, 1.6, 2.1, 2.8, 3.7, 5.0, 7.0, 10.0)
_SHARPEN_SIGMAS_PX = (0.7, 1.0, 1.5, 2.2, 3.5)
_MIN_BLUR_PX = 0.72
"""Encoders blur by up to 0.6, with bilinear resizing 0.75 (measured on benign pairs)."""
_MIN_SHARPEN = 0.25
_MIN_NOISE_LEVELS = 1.5
"""In four of five smooth tiles; pictures encoded twice reach 0.5, resized ones 1.5."""
_MAX_ECHO = 1.2
"""Gain of the reference's own grain; encoding twice can double it, noise leaves it alone."""
_GRAIN_TILE = 16
_MIN_BLUR_GAIN = 0.25
_MIN_SHARPEN_GAIN = 0.12
"""Share of the tiles' difference that a blur or a sharpening must remove; benign pairs reach 0.37 for blurs
that are too small to count, and 0.09."""
_UNTOUCHED = (0.85, 1.15)
"""Ratio of gradient energies within which nothing was done to the focus."""
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6


@dataclass(frozen=True, slots=True)
class StyleFit:
    """The listed style edits and the measurements behind them."""

    changes: tuple[Change, ...]
    sharpness_ratio: float
    """Gradient energy of the query over the prediction's in textured tiles; 1 where nothing was done."""
    noise_levels: float
    """Noise in the query beyond the prediction's, 0 where there is less."""


def fit_style(
    predicted: Pixels, query: Pixels, mask: NDArray[np.bool_], *, working_scale: float, enlarged: float = 1.0
) -> StyleFit:
    """Measure blur, sharpening and noise of aligned pictures [h, w, 3] inside `mask`.

    `working_scale` is working pixels per full-size pixel; `enlarged` how many working pixels a pixel of the
    reference takes: where more than one, what lies below it is interpolation, not blur.
    """
    before, after = (cv2.cvtColor(side, cv2.COLOR_RGB2GRAY).astype(np.float32) for side in (predicted, query))
    tiles = _unedited(before, after, _tiles(before, mask))
    if len(tiles) < 4:
        return StyleFit((), 1.0, 0.0)
    contrast = np.array([before[tile].std() for tile in tiles])
    order = np.argsort(contrast)
    textured = [tiles[i] for i in order[::-1][: min(_TILES, max(4, len(tiles) // 2))]]
    ratios = np.array([_energy(after[t]) / max(_energy(before[t]), 1e-3) for t in textured])
    ratio = float(np.median(ratios))
    changes: list[Change] = []
    focus = None
    # A picture with a sharp subject in it was not blurred as a whole.
    if np.percentile(ratios, 85) < _UNTOUCHED[0] or ratio > _UNTOUCHED[1]:
        focus = _fit_focus(before, after, textured, working_scale, enlarged)
    if focus is not None:
        changes.append(focus)
    same = np.zeros(mask.shape, np.bool_)
    for tile in tiles:
        same[tile] = True
    noise, everywhere = _added_noise(before, after, mask & same)
    resized = abs(float(np.log(enlarged))) > 0.02
    if everywhere >= _MIN_NOISE_LEVELS + 0.6 * resized and not (
        focus is not None and focus.operation == "sharpen"
    ):
        confidence = round(1 - 0.5 * float(np.exp(1 - everywhere / _MIN_NOISE_LEVELS)), 3)
        changes.append(Change("noise", confidence, {"sigma_levels": round(noise, 1)}))
    return StyleFit(tuple(changes), ratio, noise)


def _tiles(picture: Floats, mask: NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """Whole tiles inside the mask, at most a few hundred, spread over the picture."""
    height, width = picture.shape
    side = min(_TILE, max(16, min(height, width) // 4))
    rows, columns = range(0, height - side + 1, side), range(0, width - side + 1, side)
    tiles = [np.s_[y : y + side, x : x + side] for y in rows for x in columns]
    return [tile for tile in tiles if mask[tile].all()]


def _energy(tile: Floats) -> float:
    return float(np.mean(np.diff(tile, axis=0) ** 2) + np.mean(np.diff(tile, axis=1) ** 2))


def _fit_focus(
    before: Floats, after: Floats, tiles: list[tuple[slice, slice]], working_scale: float, enlarged: float
) -> Change | None:
    """The blur or sharpening that brings the prediction nearest to the query in most tiles."""
    left = _differences(before, after, tiles)
    blurs = {sigma: _differences(_blurred(before, sigma), after, tiles) for sigma in _SIGMAS_PX}
    gains = {sigma: _typical_gain(left, rest) for sigma, rest in blurs.items()}
    sigma = max(gains, key=lambda key: gains[key])
    if gains[sigma] > _MIN_BLUR_GAIN:
        fine = _between(sigma, _SIGMAS_PX)
        gains |= {s: _typical_gain(left, _differences(_blurred(before, s), after, tiles)) for s in fine}
        sigma = max(gains, key=lambda key: gains[key])
        resized = abs(float(np.log(enlarged))) > 0.02
        if sigma < (_MIN_BLUR_PX + 0.2 * resized) * max(1.0, enlarged):
            return None
        confidence = round(float(np.clip(0.5 + 0.6 * (gains[sigma] - _MIN_BLUR_GAIN), 0.5, 0.99)), 3)
        return Change("blur", confidence, {"sigma_px": round(sigma / working_scale, 2)})
    return _fit_sharpening(before, after, tiles, left, working_scale)


def _fit_sharpening(
    before: Floats, after: Floats, tiles: list[tuple[slice, slice]], left: Floats, working_scale: float
) -> Change | None:
    best_gain, best_amount, best_sigma = 0.0, 0.0, 0.0
    for sigma in _SHARPEN_SIGMAS_PX:
        detail = before - _blurred(before, sigma)
        amount = _typical_amount(detail, before, after, tiles)
        sharpened = np.clip(before + amount * detail, 0, 255)
        gain = _typical_gain(left, _differences(sharpened, after, tiles))
        if gain > best_gain:
            best_gain, best_amount, best_sigma = gain, amount, sigma
    # Lanczos and its like overshoot by a third within a pixel.
    least = _MIN_SHARPEN if best_sigma > 1.2 else 2 * _MIN_SHARPEN
    if best_gain < _MIN_SHARPEN_GAIN or best_amount < least:
        return None
    confidence = round(float(np.clip(0.5 + 0.6 * (best_gain - _MIN_SHARPEN_GAIN), 0.5, 0.99)), 3)
    percent = round(100 * best_amount)
    return Change(
        "sharpen", confidence, {"percent": percent, "sigma_px": round(best_sigma / working_scale, 2)}
    )


def _typical_amount(detail: Floats, before: Floats, after: Floats, tiles: list[tuple[slice, slice]]) -> float:
    """How many times `detail` was added: the median over the tiles of a fit to their strongest edges.

    Encoders swallow added fine detail and masks spare faint edges, so weak ones would tell of too little;
    black and white pixels can take no more.
    """
    amounts = []
    for tile in tiles:
        d, change = detail[tile], after[tile] - before[tile]
        strong = (np.abs(d) >= np.percentile(np.abs(d), 85)) & (after[tile] > 2) & (after[tile] < 253)
        power = float((d[strong] ** 2).sum())
        amounts.append(float((d[strong] * change[strong]).sum()) / max(power, 1e-3))
    return float(np.median(amounts))


def _differences(before: Floats, after: Floats, tiles: list[tuple[slice, slice]]) -> Floats:
    """Root mean square difference of each tile, its mean level aside."""
    return np.array([float((after[t] - before[t]).std()) for t in tiles], np.float32)


def _typical_gain(left: Floats, rest: Floats) -> float:
    """Median over the tiles of the share of the difference that is gone."""
    return float(np.median(1 - rest / np.maximum(left, 0.5)))


def _between(sigma: float, grid: tuple[float, ...]) -> list[float]:
    place = grid.index(sigma)
    low = grid[place - 1] if place else 0.3
    high = grid[place + 1] if place + 1 < len(grid) else 1.4 * sigma
    return [float(s) for s in np.linspace(low, high, 9)[1:-1]]


def _blurred(picture: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _added_noise(before: Floats, after: Floats, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Noise the query has beyond the prediction, levels: in the median smooth tile, and in four of five.

    Grain is everywhere, and follows nothing: what encoders, sharpening and resizing add is either only where
    there is texture, or an echo of the grain that the reference has already.
    """
    height, width = (side // _GRAIN_TILE * _GRAIN_TILE for side in before.shape)
    if min(height, width) == 0:
        return 0.0, 0.0

    def tile_means(picture: Floats) -> Floats:
        size = (width // _GRAIN_TILE, height // _GRAIN_TILE)
        cut = picture[:height, :width]
        return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.float32).ravel()

    grain = [cv2.filter2D(side, cv2.CV_32F, _IMMERKAER) for side in (before, after)]
    was, now, shared = (tile_means(grain[i] * grain[j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    usable = mask & (after > 4) & (after < 251)
    inside = np.flatnonzero(tile_means(usable.astype(np.float32)) > 0.9)
    if len(inside) < 20:
        return 0.0, 0.0
    smoothest = inside[np.argsort(was[inside])[: max(20, len(inside) // 3)]]
    was, now, shared = was[smoothest], now[smoothest], shared[smoothest]
    echo = float(np.median(shared / np.maximum(was, 1e-3)))
    alike = float(np.median(shared**2 / np.maximum(was * now, 1e-3)))
    if np.median(now) < np.median(was) or (echo > _MAX_ECHO and alike > 0.3):
        return 0.0, 0.0
    new = now - shared**2 / np.maximum(was, 1e-3)
    nearly_all = max(float(np.percentile(new - was, 20)), 0.0)
    return float(np.sqrt(np.median(new))), float(np.sqrt(nearly_all))


def _unedited(before: Floats, after: Floats, tiles: list[tuple[slice, slice]]) -> list[tuple[slice, slice]]:
    """The tiles whose level and coarse structure are the same on both sides."""
    a, b = _blurred(before, 3.0), _blurred(after, 3.0)
    kept = []
    for tile in tiles:
        if abs(float(a[tile].mean() - b[tile].mean())) > 16:
            continue
        x, y = a[tile] - a[tile].mean(), b[tile] - b[tile].mean()
        power = float(np.sqrt((x * x).sum() * (y * y).sum()))
        if float((x * y).sum()) > 0.6 * power - 1.0 * x.size:
            kept.append(tile)
    return kept
