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
"""A multiple of `_GRAIN_TILE`, and so of the side of a coarse cell."""
_TILES = 36
_CELL = 4
"""Side of the cells whose means are the coarse structure, pixels."""
_PAST_THE_PEAK = 0.1
_SIGMAS_PX = (0.5, 0.7, 0.9, 1.2, 1.6, 2.1, 2.8, 3.7, 5.0, 7.0, 10.0)
_SHARPEN_SIGMAS_PX = (0.7, 1.0, 1.5, 2.2, 3.5)
_MIN_BLUR_PX = 0.72
"""Encoders blur by up to 0.6, with bilinear resizing 0.75 (measured on benign pairs)."""
_MIN_SHARPEN = 0.25
_MIN_NOISE_LEVELS = (1.5, 0.65)
"""In four of five smooth tiles, at full and at half size, where encoders leave more of it (measured: unedited
pictures reach 1.1 and 0.5, at full size resized ones 1.5)."""
_MAX_ECHO = 1.2
"""Gain of the reference's own grain; encoding twice can double it, noise leaves it alone."""
_GRAIN_TILE = 16
_MIN_BLUR_GAIN = 0.25
_MIN_SHARPEN_GAIN = 0.12
"""Share of the tiles' difference that a blur or a sharpening must remove; benign pairs reach 0.37 for blurs
that are too small to count, and 0.09."""
_UNTOUCHED = (0.85, 1.15)
"""Ratio of gradient energies within which nothing was done to the focus."""
_ENCODER_QUALITY = 30
_SMOOTHED = (0.74, 0.55)
"""Ratio over that of the prediction saved as JPEG of `_ENCODER_QUALITY`, which no unedited picture leaves
(measured: 0.80, resized ones 0.61); filters that spare edges do."""
_MIN_SLOPE = 0.2
"""Share by which detail has grown in four of five tiles; unedited pictures reach 0.1."""
_MAX_SPARED = 0.75
"""Loss of strong detail over that of faint detail, up to which edges were spared on purpose."""
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6


@dataclass(frozen=True, slots=True)
class StyleFit:
    """The listed style edits and the measurements behind them."""

    changes: tuple[Change, ...]
    sharpness_ratio: float
    """Gradient energy of the query over the prediction's in textured tiles; 1 where nothing was done."""
    noise_levels: float
    """Noise in the query beyond the prediction's, 0 where there is less."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tiles:
    """Places [n, 2] (top, left) of square tiles, and the grey levels of both sides to cut them from."""

    before: Floats
    after: Floats
    places: NDArray[np.intp]
    side: int

    def cut(self, picture: Floats, margin: int = 0) -> Floats:
        """The tiles of a picture with `margin` more pixels on every side, [n, side, side]."""
        if margin:
            picture = cv2.copyMakeBorder(picture, *(margin,) * 4, cv2.BORDER_REFLECT_101)
        size = self.side + 2 * margin
        windows = np.lib.stride_tricks.sliding_window_view(picture, (size, size))
        return np.asarray(windows[self.places[:, 0], self.places[:, 1]], np.float32)

    def blurred(self, sigma: float) -> Floats:
        """The tiles of the prediction after a Gaussian blur."""
        reach = int(np.ceil(3 * sigma))
        wide = self.cut(self.before, reach)
        kernel = (2 * reach + 1, 2 * reach + 1)
        # One tall picture: what a tile's neighbours spill into it stays in the margin.
        tall = cv2.GaussianBlur(wide.reshape(-1, wide.shape[2]), kernel, sigma)
        return np.asarray(tall.reshape(wide.shape)[:, reach:-reach, reach:-reach], np.float32)


def fit_style(
    predicted: Pixels, query: Pixels, mask: NDArray[np.bool_], *, working_scale: float, enlarged: float = 1.0
) -> StyleFit:
    """Measure blur, sharpening and noise of aligned pictures [h, w, 3] inside `mask`.

    `working_scale` is working pixels per full-size pixel; `enlarged` how many working pixels a pixel of the
    reference takes: where more than one, what lies below it is interpolation, not blur.
    """
    before, after = (cv2.cvtColor(side, cv2.COLOR_RGB2GRAY).astype(np.float32) for side in (predicted, query))
    side = min(_TILE, max(_GRAIN_TILE, min(mask.shape) // 4 // _GRAIN_TILE * _GRAIN_TILE))
    same = _unedited(before, after, mask, side)
    if np.count_nonzero(same) < 4:
        return StyleFit((), 1.0, 0.0)
    textured = _textured(before, after, same, side)
    ratios = _gain(textured.cut(before), textured.cut(after))
    ratio = float(np.median(ratios))
    changes: list[Change] = []
    focus = None
    smoothed = ratio < _UNTOUCHED[0] and _is_smoothed(textured, ratios, _is_resized(enlarged))
    if np.percentile(ratios, 85) < _UNTOUCHED[0] or ratio > _UNTOUCHED[1] or smoothed:
        focus = _fit_focus(textured, working_scale, enlarged, smoothed=smoothed)
    if focus is not None:
        changes.append(focus)
    noise, certainty = _added_noise(before, after, same, side, resized=_is_resized(enlarged))
    if certainty >= 1 and not (focus is not None and focus.operation == "sharpen"):
        confidence = round(1 - 0.5 * float(np.exp(1 - certainty)), 3)
        changes.append(Change("noise", confidence, {"sigma_levels": round(noise, 1)}))
    return StyleFit(tuple(changes), ratio, noise)


def _is_resized(enlarged: float) -> bool:
    return abs(float(np.log(enlarged))) > 0.02


def _is_smoothed(tiles: _Tiles, ratios: Floats, resized: bool) -> bool:
    """Whether more fine detail is gone than an encoder would take from this very picture."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _ENCODER_QUALITY]
    _, file = cv2.imencode(".jpg", tiles.before.astype(np.uint8), quality)
    encoded = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.float32)
    kept = _gain(tiles.cut(tiles.before), tiles.cut(encoded))
    typical, sharpest = np.percentile(ratios / np.maximum(kept, 0.05), (50, 85))
    # A picture with a sharp subject in it was not smoothed as a whole.
    return bool(typical < _SMOOTHED[resized] and sharpest < 1)


def _unedited(before: Floats, after: Floats, mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """[rows, columns] the whole tiles inside the mask whose level and coarse structure are the same."""
    rows, columns = before.shape[0] // side, before.shape[1] // side
    if min(rows, columns) == 0:
        return np.zeros((rows, columns), np.bool_)
    cells = side // _CELL
    coarse = [
        cv2.GaussianBlur(_block_means(one, rows * cells, columns * cells, _CELL), (0, 0), 0.7)
        for one in (before, after)
    ]

    def means(values: Floats) -> Floats:
        return _block_means(values, rows, columns, cells)

    a, b = (means(one) for one in coarse)
    (var_a, covariance), (_, var_b) = (
        [means(one * other) - means(one) * means(other) for other in coarse] for one in coarse
    )
    power = np.sqrt(np.maximum(var_a, 0) * np.maximum(var_b, 0))
    inside = _block_means(mask.astype(np.float32), rows, columns, side) > 1 - 0.5 / side**2
    return np.asarray(inside & (np.abs(a - b) <= 16) & (covariance > 0.6 * power - 1.0), np.bool_)


def _block_means(values: Floats, rows: int, columns: int, side: int) -> Floats:
    """[rows, columns] means of square blocks, from the top left."""
    cut = values[: rows * side, : columns * side]
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _textured(before: Floats, after: Floats, same: NDArray[np.bool_], side: int) -> _Tiles:
    """The unedited tiles with the most contrast, at most half of them."""
    level, square = (
        _block_means(values, same.shape[0], same.shape[1], side) for values in (before, before * before)
    )
    contrast = (square - level * level)[same]
    count = min(_TILES, max(4, len(contrast) // 2))
    strongest = np.argsort(-contrast, kind="stable")[:count]
    return _Tiles(before, after, np.argwhere(same)[strongest] * side, side)


def _gain(before: Floats, after: Floats) -> Floats:
    """[n] gradient energy of each tile after over that before."""
    energies = [
        (np.diff(tiles, axis=1) ** 2).mean(axis=(1, 2)) + (np.diff(tiles, axis=2) ** 2).mean(axis=(1, 2))
        for tiles in (before, after)
    ]
    return np.asarray(energies[1] / np.maximum(energies[0], 1e-3), np.float32)


def _fit_focus(tiles: _Tiles, working_scale: float, enlarged: float, *, smoothed: bool) -> Change | None:
    """The blur or sharpening that brings the prediction nearest to the query in most tiles.

    Where detail is known to have been `smoothed` away, any blur that is nearer than none is named.
    """
    after = tiles.cut(tiles.after)
    left = _differences(tiles.cut(tiles.before), after)
    gains: dict[float, float] = {}

    def measure(sigma: float) -> None:
        gains[sigma] = _typical_gain(left, _differences(tiles.blurred(sigma), after))

    for sigma in _SIGMAS_PX:
        measure(sigma)
        if gains[sigma] < max(gains.values()) - _PAST_THE_PEAK:
            break
    sigma = max(gains, key=lambda key: gains[key])
    if gains[sigma] <= (0 if smoothed else _MIN_BLUR_GAIN):
        return _fit_sharpening(tiles, after, left, working_scale)
    for fine in _between(sigma, _SIGMAS_PX):
        measure(fine)
    sigma = max(gains, key=lambda key: gains[key])
    if not smoothed and sigma < (_MIN_BLUR_PX + 0.2 * _is_resized(enlarged)) * max(1.0, enlarged):
        return None
    confidence = round(float(np.clip(0.5 + 0.6 * (gains[sigma] - _MIN_BLUR_GAIN), 0.5, 0.99)), 3)
    before = tiles.cut(tiles.before)
    detail = before - tiles.blurred(1.0)
    bar = np.percentile(np.abs(detail), 85, axis=(1, 2), keepdims=True)
    strong, faint = (
        float(np.median(_slopes(detail, before, after, where)))
        for where in (np.abs(detail) >= bar, np.abs(detail) < bar)
    )
    kind = {"kind": "denoised"} if strong > _MAX_SPARED * faint else {}
    return Change("blur", confidence, {"sigma_px": round(sigma / working_scale, 2)} | kind)


def _fit_sharpening(tiles: _Tiles, after: Floats, left: Floats, working_scale: float) -> Change | None:
    before = tiles.cut(tiles.before)
    best_gain, best_amount, best_sigma = 0.0, 0.0, 0.0
    grown = []
    for sigma in _SHARPEN_SIGMAS_PX:
        detail = before - tiles.blurred(sigma)
        grown.append(float(np.percentile(_slopes(detail, before, after), 20)))
        amount = _typical_amount(detail, before, after)
        gain = _typical_gain(left, _differences(np.clip(before + amount * detail, 0, 255), after))
        if gain > best_gain:
            best_gain, best_amount, best_sigma = gain, amount, sigma
    # Lanczos and its like overshoot by a third within a pixel.
    least = _MIN_SHARPEN if best_sigma > 1.2 else 2 * _MIN_SHARPEN
    # More contrast makes all detail grow alike, sharpening the finest most.
    surely = grown[1] > _MIN_SLOPE and grown[0] > grown[3] + 0.05
    if best_amount < least or not (best_gain >= _MIN_SHARPEN_GAIN or surely):
        return None
    confidence = round(float(np.clip(0.5 + 0.6 * (best_gain - _MIN_SHARPEN_GAIN), 0.5, 0.99)), 3)
    percent = round(100 * best_amount)
    return Change(
        "sharpen", confidence, {"percent": percent, "sigma_px": round(best_sigma / working_scale, 2)}
    )


def _slopes(detail: Floats, before: Floats, after: Floats, where: NDArray[np.bool_] | None = None) -> Floats:
    """[n] how many times `detail` was added to each tile, all of it or `where`; less than 0: taken away."""
    usable = (after > 2) & (after < 253)
    if where is not None:
        usable &= where
    power = (detail**2 * usable).sum(axis=(1, 2))
    shared = (detail * (after - before) * usable).sum(axis=(1, 2))
    return np.asarray(shared / np.maximum(power, 1e-3), np.float32)


def _typical_amount(detail: Floats, before: Floats, after: Floats) -> float:
    """How many times `detail` was added: the median over the tiles of a fit to their strongest edges.

    Encoders swallow added fine detail and masks spare faint edges, so weak ones would tell of too little;
    black and white pixels can take no more.
    """
    bar = np.percentile(np.abs(detail), 85, axis=(1, 2), keepdims=True)
    return float(np.median(_slopes(detail, before, after, np.abs(detail) >= bar)))


def _differences(before: Floats, after: Floats) -> Floats:
    """[n] root mean square difference of each tile, its mean level aside."""
    return np.asarray((after - before).std(axis=(1, 2)), np.float32)


def _typical_gain(left: Floats, rest: Floats) -> float:
    """Median over the tiles of the share of the difference that is gone."""
    return float(np.median(1 - rest / np.maximum(left, 0.5)))


def _between(sigma: float, grid: tuple[float, ...]) -> list[float]:
    place = grid.index(sigma)
    low = grid[place - 1] if place else 0.3
    high = grid[place + 1] if place + 1 < len(grid) else 1.4 * sigma
    return [float(s) for s in np.linspace(low, high, 9)[1:-1]]


def _added_noise(
    before: Floats, after: Floats, same: NDArray[np.bool_], side: int, *, resized: bool
) -> tuple[float, float]:
    """Noise the query has beyond the prediction, levels, and how sure it is: 1 is just enough to be named.

    `same` [rows, columns] are the tiles of `side` pixels to look at.
    """
    parts = side // _GRAIN_TILE
    rows, columns = same.shape[0] * parts, same.shape[1] * parts
    usable = _block_means(cv2.inRange(after, 4.5, 250.5).astype(np.float32), rows, columns, _GRAIN_TILE)
    inside = np.repeat(np.repeat(same, parts, axis=0), parts, axis=1) & (usable > 0.9 * 255)
    if np.count_nonzero(inside) < 20:
        return 0.0, 0.0
    half = _GRAIN_TILE // 2
    halves = [_block_means(picture, rows * half, columns * half, 2) for picture in (before, after)]
    fine, all_fine = _grain_beyond(before, after, inside, _GRAIN_TILE)
    coarse, all_coarse = _grain_beyond(halves[0], halves[1], inside, half)
    certainties = (all_fine / (_MIN_NOISE_LEVELS[0] + 0.6 * resized), all_coarse / _MIN_NOISE_LEVELS[1])
    # White noise is half as strong at half the size.
    return (fine if certainties[0] >= 1 else max(fine, 2 * coarse)), max(certainties)


def _grain_beyond(before: Floats, after: Floats, inside: NDArray[np.bool_], tile: int) -> tuple[float, float]:
    """New grain in levels: in the median smooth tile, and in four of five.

    Grain is everywhere, and follows nothing: what encoders, sharpening and resizing add is either only where
    there is texture, or an echo of the grain that the reference has already.
    """
    grain = [cv2.filter2D(picture, cv2.CV_32F, _IMMERKAER) for picture in (before, after)]
    was, now, shared = (
        _block_means(grain[i] * grain[j], inside.shape[0], inside.shape[1], tile)[inside]
        for i, j in ((0, 0), (1, 1), (0, 1))
    )
    smoothest = np.argsort(was)[: max(20, len(was) // 3)]
    was, now, shared = was[smoothest], now[smoothest], shared[smoothest]
    echo = float(np.median(shared / np.maximum(was, 1e-3)))
    alike = float(np.median(shared**2 / np.maximum(was * now, 1e-3)))
    if np.median(now) < np.median(was) or (echo > _MAX_ECHO and alike > 0.3):
        return 0.0, 0.0
    new = now - shared**2 / np.maximum(was, 1e-3)
    nearly_all = max(float(np.percentile(new - was, 20)), 0.0)
    return float(np.sqrt(np.median(new))), float(np.sqrt(nearly_all))
