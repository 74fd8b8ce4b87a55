"""What is left after alignment and the whole-picture fit: a change map and a mask, blind to encoding.

Three measures, each divided by the threshold that encoding, resizing and misregistration of this very pair
ask for, so that 1 means "just too much to be benign":

    level    luma and chroma, both sides lightly blurred, beyond the other side's range over small shifts
    shade    the same at a coarse scale, where little noise is left: soft shadows, faint recolouring
    texture  local energy of fine structure: blurring, pixelation, smooth in-painting

Noise is estimated from the pair itself as a function of local activity, because compression errs most where
there is most to encode; only the smaller 60 % of the differences count, so that edits do not raise the bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Pixels

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LEVEL_FLOOR = 9.0
"""Luma levels (0..255) that JPEG 30 and half a pixel of misregistration leave on flat ground."""
CHROMA_FLOOR = 8.0
"""Cr and Cb levels; chroma is subsampled in most files, and so errs more and wider."""
SHADE_FLOOR = 5.0
TEXTURE_FLOOR = 0.9
"""Natural logarithm of the energy ratio."""
ACTIVITY_FLOOR = 3.0
"""Levels of fine structure that must have come or gone to be seen."""
WHOLE_EDIT_ERROR = 0.35
"""Share of a whole-picture edit by which its prediction may err."""
TEXTURED = 5.0
NOISE_FACTOR = 2.2
SEED, GROW = 1.0, 0.55
_BINS = 10
_HALF_NORMAL_LOWER_60 = 0.3965
"""Mean of the smaller 60 % of |N(0, 1)|."""


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """The unexplained difference of a pair; arrays are [h, w] at working size."""

    strength: Float
    """Largest of the three measures; 1 = threshold, 0 outside the overlap."""
    changed: Mask
    """Strength over the growing threshold, connected to pixels over the seeding one."""
    level: Float
    texture: Float
    """Signed: negative where the query has less fine structure."""
    textured: Mask
    """Where the predicted side has fine structure that blurring would take away."""
    noise_levels: float
    """Standard deviation of the benign difference, luma levels of 255."""


def measure_residual(
    query: Pixels,
    predicted: Pixels,
    overlap: Mask,
    *,
    error_px: float = 0.5,
    unedited: Pixels | None = None,
) -> Residual:
    """Measure where `query` differs from `predicted` beyond what encoding and `error_px` explain.

    `unedited` is the reference before the whole-picture edits that `predicted` carries. Few parameters stand
    for such an edit, so the prediction may err by a share of what it changed there.
    """
    predicted = np.where(overlap[..., None], predicted, query)
    query_ycc, predicted_ycc = (cv2.cvtColor(side, cv2.COLOR_RGB2YCrCb) for side in (query, predicted))
    slack = _whole_edit_slack(predicted, unedited, overlap)
    h, w = overlap.shape
    query_activity, predicted_activity = (_activity(side[..., 0]) for side in (query_ycc, predicted_ycc))
    half_overlap = _resize_mask(overlap, predicted_activity.shape)
    predicted_activity = _with_added_noise(predicted_activity, query_activity, half_overlap)
    half_busy = _activity_bins(cv2.max(query_activity, predicted_activity))
    busy = np.asarray(cv2.resize(half_busy, (w, h), interpolation=cv2.INTER_NEAREST), np.uint8)

    level, noise = _level_strength(query_ycc, predicted_ycc, busy, overlap, slack, error_px)
    shade = _shade_strength(query_ycc, predicted_ycc, overlap, slack)
    texture = _texture_strength(query_activity, predicted_activity, half_busy, half_overlap, noise)
    texture = np.asarray(cv2.resize(texture, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)
    textured = _resize_mask(predicted_activity > TEXTURED, (h, w))
    strength = cv2.max(cv2.max(level, shade), np.abs(texture))
    strength[~overlap] = 0
    return Residual(strength, _hysteresis(strength), level, texture, textured, noise)


def _whole_edit_slack(predicted: Pixels, unedited: Pixels | None, overlap: Mask) -> Bytes | None:
    """[h, w, 3] levels of Y, Cr, Cb by which a predicted whole-picture edit may err; None without one."""
    if unedited is None or cv2.norm(predicted, unedited, cv2.NORM_INF, overlap.astype(np.uint8)) == 0:
        return None
    one, other = (cv2.cvtColor(side, cv2.COLOR_RGB2YCrCb) for side in (predicted, unedited))
    change = cv2.absdiff(one, other)
    change[~overlap] = 0
    return np.asarray(cv2.convertScaleAbs(cv2.blur(change, (9, 9)), alpha=WHOLE_EDIT_ERROR), np.uint8)


def _with_added_noise(predicted: Float, query: Float, overlap: Mask) -> Float:
    """Activity of the predicted side with the noise that the query has everywhere."""
    if not overlap.any():
        return predicted
    added = max(0.0, float(np.quantile((query**2 - predicted**2)[overlap], 0.2)))
    return np.asarray(cv2.sqrt(predicted**2 + np.float32(added)), np.float32)


def _activity(lightness: Bytes) -> Float:
    """Local RMS of fine structure, levels, at half size."""
    plain = lightness.astype(np.float32)
    fine = plain - cv2.blur(cv2.blur(plain, (5, 5)), (5, 5))
    # Running sums leave tiny negative values on flat ground.
    half = tuple(max(1, side // 2) for side in lightness.shape[::-1])
    power = cv2.resize(fine * fine, half, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.sqrt(cv2.max(cv2.blur(cv2.blur(power, (5, 5)), (3, 3)), 0)), np.float32)


def _resize_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    resized = cv2.resize(mask.astype(np.uint8), shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized > 0, np.bool_)


def _activity_bins(activity: Float) -> Bytes:
    """Index of the activity's bin, two a doubling, 0.._BINS - 1."""
    return np.clip(2.0 * np.log2(np.maximum(activity, 1.0)), 0, _BINS - 1).astype(np.uint8)


def _level_strength(
    query_ycc: Bytes, predicted_ycc: Bytes, busy: Bytes, overlap: Mask, slack: Bytes | None, error_px: float
) -> tuple[Float, float]:
    """Difference beyond the other side's local range, in thresholds; and the noise in luma levels."""
    reach = 3 if error_px <= 1.0 else 5
    strengths, noises = [], []
    for channel, sigma, floor in ((0, 1.2, LEVEL_FLOOR), (1, 2.0, CHROMA_FLOOR), (2, 2.0, CHROMA_FLOOR)):
        width = reach if channel == 0 else reach + 2
        kernel = np.ones((width, width), np.uint8)
        one = cv2.GaussianBlur(query_ycc[..., channel], (0, 0), sigma)
        other = cv2.GaussianBlur(predicted_ycc[..., channel], (0, 0), sigma)
        outside = cv2.max(_outside_range(one, other, kernel), _outside_range(other, one, kernel))
        if slack is not None:
            outside = cv2.subtract(outside, slack[..., channel])
        noise = _noise_by_bin(cv2.absdiff(one, other), busy, overlap)
        noises.append(float(noise.mean()))
        inverse = (1.0 / (floor + NOISE_FACTOR * noise)).astype(np.float32)
        strengths.append(outside * cv2.LUT(busy, _table(inverse)))
    return np.asarray(cv2.max(cv2.max(strengths[0], strengths[1]), strengths[2]), np.float32), noises[0]


def _outside_range(values: Bytes, others: Bytes, kernel: Bytes) -> Bytes:
    """How far `values` lie outside the range that `others` take around the pixel."""
    above = cv2.subtract(values, cv2.dilate(others, kernel))
    below = cv2.subtract(cv2.erode(others, kernel), values)
    return np.asarray(cv2.max(above, below), np.uint8)


def _noise_by_bin(difference: Bytes, busy: Bytes, overlap: Mask) -> NDArray[np.float64]:
    """Standard deviation of the benign difference for each activity bin, capped at what encoders do."""
    step = 2
    inside = overlap[::step, ::step]
    index = busy[::step, ::step][inside].astype(np.int64) * 256 + difference[::step, ::step][inside]
    counts = np.bincount(index, minlength=_BINS * 256).reshape(_BINS, 256).astype(np.float64)
    noise = np.zeros(_BINS)
    levels = np.arange(256)
    for place in range(_BINS):
        # A thinly filled bin leans on its neighbours.
        row = counts[place] + 0.1 * counts[max(0, place - 1) : place + 2].sum(axis=0)
        total = row.sum()
        if total < 20:
            noise[place] = noise[place - 1] if place else 0.0
            continue
        below = np.diff(np.minimum(np.cumsum(row), 0.6 * total), prepend=0.0)
        noise[place] = (below * levels).sum() / (0.6 * total) / _HALF_NORMAL_LOWER_60
    ceiling = 1.5 + 0.75 * np.arange(_BINS)
    return np.asarray(np.minimum(noise, ceiling), np.float64)


def _table(values: NDArray[np.floating]) -> Float:
    """A 256-entry lookup table, the last value repeated."""
    return np.concatenate([values, np.full(256 - len(values), values[-1])]).astype(np.float32)


def _shade_strength(query_ycc: Bytes, predicted_ycc: Bytes, overlap: Mask, slack: Bytes | None) -> Float:
    """Coarse difference in thresholds; edges get slack for misregistration."""
    h, w = overlap.shape
    size = (max(8, w // 4), max(8, h // 4))
    one, other = (
        cv2.GaussianBlur(cv2.resize(side, size, interpolation=cv2.INTER_AREA), (0, 0), 1.5).astype(np.float32)
        for side in (query_ycc, predicted_ycc)
    )
    kernel = np.ones((3, 3), np.uint8)
    edges = 0.2 * np.minimum(*(cv2.dilate(side, kernel) - cv2.erode(side, kernel) for side in (one, other)))
    if slack is not None:
        edges += cv2.resize(slack, size, interpolation=cv2.INTER_AREA)
    difference = np.maximum(np.abs(one - other) - edges, 0)
    # A whole-picture fit may be a little off everywhere: only what sticks out of that is a local change.
    inside = _resize_mask(overlap, size[::-1])
    usual = np.quantile(difference[inside], 0.5, axis=0) if inside.any() else np.zeros(3)
    floor = np.float32(SHADE_FLOOR) + 1.5 * np.minimum(usual, 6.0).astype(np.float32)
    strength = (difference / floor).max(axis=2).astype(np.float32)
    return np.asarray(cv2.resize(strength, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _texture_strength(
    query_activity: Float, predicted_activity: Float, busy: Bytes, overlap: Mask, noise: float
) -> Float:
    """Gain (+) or loss (-) of fine structure in thresholds."""
    still = np.float32((1.0 + noise) ** 2)
    ratio = np.log((query_activity**2 + still) / (predicted_activity**2 + still))
    gain = query_activity - predicted_activity
    center, spread = np.zeros(_BINS, np.float32), np.zeros(_BINS, np.float32)
    sample, where = ratio[::2, ::2][overlap[::2, ::2]], busy[::2, ::2][overlap[::2, ::2]]
    for place in range(_BINS):
        values = sample[where == place]
        if len(values) >= 30:
            center[place] = np.clip(np.median(values), -0.5, 0.3)
            distance = np.sort(np.abs(values - center[place]))
            spread[place] = distance[: max(1, int(0.6 * len(distance)))].mean() / _HALF_NORMAL_LOWER_60
    inverse = 1.0 / (TEXTURE_FLOOR + 3.0 * np.minimum(spread, 0.35))
    relative = (ratio - cv2.LUT(busy, _table(center))) * cv2.LUT(busy, _table(inverse))
    absolute = gain / np.float32(ACTIVITY_FLOOR + noise)
    smaller = np.minimum(np.abs(relative), np.abs(absolute))
    return np.where(relative * absolute > 0, np.sign(relative) * smaller, 0).astype(np.float32)


def _hysteresis(strength: Float) -> Mask:
    """Pixels over GROW in components that hold a pixel over SEED."""
    count, labels = cv2.connectedComponents((strength > GROW).astype(np.uint8), connectivity=8)
    seeded = np.bincount(labels[strength > SEED], minlength=count) >= 3
    seeded[0] = False
    return np.asarray(seeded[labels], np.bool_)
