"""What happened in one changed region, judged by evidence from both sides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.colors import color_word, hue_shift_degrees, lab_of
from provenance.compare.evidence import Crop, Evidence
from provenance.records import Operation


@dataclass(frozen=True, slots=True)
class Finding:
    """An operation with its own parameters and how sure it is."""

    operation: Operation
    confidence: float
    parameters: dict[str, Any]


# Weights of a logistic regression that tells "added" (+) from "removed" (-); fitted on 381 pasted and
# painted-out objects of benchmarks/edits_local.py, 99 % right on held-out folds.
_ADDED_WEIGHTS = (1.3, 1.4, 1.1, 3.6)
_UNSURE = 0.6
"""Scores below this tell neither."""


def classify_region(crop: Crop, evidence: Evidence, *, full_scale: float) -> Finding:
    """Name what happened in a region; `full_scale` is full-size query pixels a working pixel."""
    e = evidence
    if _is_hidden(e) or (e.structure > 0.1 and e.coarse < 0.65 and e.shift < 0.35):
        block, teeth = _block_size(crop)
        if teeth > (3.0 if _is_hidden(e) else 4.0):
            parameters = {"kind": "pixelated", "block_px": round(block * full_scale / crop.scale, 1)}
            return Finding("object_blurred", _hidden_confidence(e), parameters)
    if _is_hidden(e):
        sigma = _blur_sigma(crop)
        parameters = {"kind": "blurred", "sigma_px": round(sigma * full_scale / crop.scale, 1)}
        return Finding("object_blurred", _hidden_confidence(e), parameters)
    if e.structure > 0.6 or (e.structure > 0.35 and e.shift > 0.85 and e.coarse > 0.85):
        return _name_recolored(crop, e)
    if _is_filled(e):
        return Finding("object_blurred", 0.6 + 0.05 * (7 - e.q_spread), {"kind": "filled"})
    return _name_content(e)


def added_score(e: Evidence) -> float:
    """Positive where the query shows an object in front of what the other side shows, else negative."""
    features = (
        math.log((e.q_jump + 3) / (e.p_jump + 3)),
        math.log((e.q_edge + 3) / (e.p_edge + 3)),
        math.log((e.q_detail + 2) / (e.p_detail + 2)),
        e.q_ring - e.p_ring,
    )
    return sum(weight * feature for weight, feature in zip(_ADDED_WEIGHTS, features, strict=True))


def _name_content(e: Evidence) -> Finding:
    score = added_score(e)
    replaced = _replaced_score(e, score)
    if replaced > 0:
        return Finding("object_replaced", min(0.9, 0.6 + 0.2 * replaced), {})
    if abs(score) < _UNSURE:
        return Finding("object_replaced", 0.5, {})
    sure = 1 / (1 + math.exp(-abs(score)))
    return Finding("object_added" if score > 0 else "object_removed", min(0.97, sure), {})


def _replaced_score(e: Evidence, added: float) -> float:
    """Positive where both sides stand out from the surroundings; a logistic regression as above, 37 swaps."""
    outline = min(e.q_edge, e.p_edge) / (e.ring_detail + 2)
    return 13 * min(e.q_ring, e.p_ring) + 3.1 * math.log(outline + 0.05) - min(4.0, abs(added)) - 7.7


def _hidden_score(e: Evidence) -> float:
    """Positive where the query keeps the coarse content and the place of the edges."""
    return 0.52 - e.coarse + 0.6 * (e.structure - 0.1)


def _is_hidden(e: Evidence) -> bool:
    """The same content with its fine structure gone."""
    return _hidden_score(e) > 0.02 and e.energy < 0.5 and e.shift < 0.4 and e.q_detail < 0.75 * e.p_detail


def _is_filled(e: Evidence) -> bool:
    """One flat colour, unlike the surroundings, over something that was not flat."""
    flat = e.q_spread < 7 and e.q_detail < max(2.0, 0.9 * e.p_detail)
    return flat and e.p_spread > 10 and e.q_ring > 0.85


def _hidden_confidence(e: Evidence) -> float:
    return float(np.clip(0.6 + 0.8 * _hidden_score(e), 0.5, 0.95))


def _blur_sigma(crop: Crop) -> float:
    """Standard deviation of the Gaussian that turns the predicted side into the query's, working pixels."""
    light, goal = crop.predicted[..., 0], crop.query[..., 0]
    best, best_error = 1.0, math.inf
    for sigma in (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0):
        error = float(np.abs(cv2.GaussianBlur(light, (0, 0), sigma) - goal)[crop.inside].mean())
        if error < best_error:
            best, best_error = sigma, error
    return best


def _block_size(crop: Crop) -> tuple[float, float]:
    """Side of the query's blocks in working pixels, and how far its steps stand out (1 = not at all)."""
    light = cv2.cvtColor(crop.query_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # The outline of the region is a step of its own.
    inner = cv2.erode(crop.inside.astype(np.uint8), np.ones((7, 7), np.uint8), borderValue=0) > 0
    sizes = np.arange(4.5, 64.0, 0.25)
    scores = np.ones(len(sizes))
    for axis in (0, 1):
        steps = np.abs(np.diff(light, axis=axis))
        chosen = (inner[1:] & inner[:-1]) if axis == 0 else (inner[:, 1:] & inner[:, :-1])
        amount = chosen.sum(axis=1 - axis)
        if not amount.any():
            return 0.0, 0.0
        profile = (steps * chosen).sum(axis=1 - axis) / np.maximum(amount, 1)
        profile = profile[amount > 0.3 * amount.max()]
        scores *= [_comb_score(profile, size) for size in sizes]
    scores = np.sqrt(scores)
    if scores.max() <= 0:
        return 0.0, 0.0
    # Multiples of the block fit as well: the smallest good one is meant.
    place = int(np.argmax(scores >= 0.8 * scores.max()))
    nearby = slice(place, place + 4)
    place += int(np.argmax(scores[nearby]))
    return float(sizes[place]), float(scores[place])


def _comb_score(profile: NDArray[np.floating], size: float) -> float:
    """Mean of `profile` at the best-placed teeth `size` apart, over its mean well away from them.

    Pixelation has steps between its blocks and next to none inside them; a blurred place has soft slopes,
    which are as steep two pixels beside a tooth as on it.
    """
    teeth = int(len(profile) / size)
    if teeth < 2:
        return 0.0
    beside = 1 if size < 9 else 2
    comb = np.rint(np.arange(teeth)[None, :] * size + np.arange(int(size))[:, None]).astype(int)
    comb = np.minimum(comb, len(profile) - 1)
    on = cv2.dilate(profile, np.ones((3, 1), np.uint8)).ravel()[comb].mean(axis=1)
    around = np.convolve(profile, np.ones(2 * beside + 1), mode="same")[comb].sum(axis=1)
    away = (profile.sum() - around) / max(len(profile) - (2 * beside + 1) * teeth, 1)
    return float((on / (np.maximum(away, 0) + 0.5)).max())


def mean_colors(crop: Crop) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean sRGB [3] of the predicted and the query side where they differ most."""
    difference = np.abs(crop.query - crop.predicted).sum(axis=2)
    chosen = crop.inside & (difference >= np.median(difference[crop.inside]))
    return crop.predicted_rgb[chosen].mean(axis=0), crop.query_rgb[chosen].mean(axis=0)


def _name_recolored(crop: Crop, e: Evidence) -> Finding:
    before, after = mean_colors(crop)
    parameters = {
        "from_color": color_word(before),
        "to_color": color_word(after),
        "hue_degrees": round(hue_shift_degrees(lab_of(before), lab_of(after))),
    }
    return Finding("object_recolored", min(0.95, 0.35 + 0.6 * max(e.structure, 0.5)), parameters)
