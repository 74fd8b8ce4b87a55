"""What happened in one changed region, judged by evidence from both sides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.colors import color_word, hue_shift_degrees, lab_of
from provenance.records import Operation, Pixels

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A changed region with its surroundings, both sides; L a b scaled like 8-bit levels."""

    query: Float
    """[h, w, 3] Lab, L 0..255."""
    predicted: Float
    inside: Mask
    """[h, w] the region."""
    ring: Mask
    """[h, w] unchanged pixels around it."""
    query_rgb: Pixels
    predicted_rgb: Pixels


@dataclass(frozen=True, slots=True)
class Evidence:
    """Measurements of one region; `q_` of the query, `p_` of the predicted (unedited) side."""

    q_jump: float
    """Colour step across the region's outline, levels."""
    p_jump: float
    q_edge: float
    """Gradient along the outline, levels a pixel."""
    p_edge: float
    q_detail: float
    """Mean gradient inside."""
    p_detail: float
    ring_detail: float
    q_ring: float
    """Distance of the colours inside from those around, 0..1 (Hellinger)."""
    p_ring: float
    structure: float
    """Correlation of the two sides' gradients inside, -1..1."""
    energy: float
    """Fine structure of the query over that of the predicted side."""
    coarse: float
    """Difference of the low-passed sides over the whole difference, 0..1."""
    q_spread: float
    """Standard deviation of lightness inside, levels."""
    p_spread: float
    shift: float
    """Mean colour shift over all of the difference, 0..1: 1 for a pure recolouring."""
    chroma_share: float
    """Share of the difference that is in a and b."""
    difference: float
    """Mean RGB difference inside, levels."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An operation with its own parameters and how sure it is."""

    operation: Operation
    confidence: float
    parameters: dict[str, Any]


def cut_crop(
    query: Pixels, predicted: Pixels, inside: Mask, unchanged: Mask, box: tuple[int, int, int, int]
) -> Crop:
    """Cut the surroundings of `box` (working pixels) out of both sides."""
    x0, y0, x1, y1 = box
    margin = int(np.clip(0.25 * max(x1 - x0, y1 - y0), 10, 48))
    h, w = inside.shape
    place = np.s_[max(0, y0 - margin) : min(h, y1 + margin), max(0, x0 - margin) : min(w, x1 + margin)]
    near = cv2.dilate(inside[place].astype(np.uint8), np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) > 0
    one, other = (
        cv2.GaussianBlur(cv2.cvtColor(side[place], cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), 0.8)
        for side in (query, predicted)
    )
    return Crop(one, other, inside[place], near & unchanged[place], query[place], predicted[place])


def measure_evidence(crop: Crop) -> Evidence:
    """Measure one region on both sides."""
    inside = crop.inside
    core = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    if np.count_nonzero(core) < 0.3 * np.count_nonzero(inside):
        core = inside
    outline = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    outline[[0, -1], :] = outline[:, [0, -1]] = False
    if not outline.any():
        outline = inside
    (qx, qy, q_size), (px, py, p_size) = (_gradient(side) for side in (crop.query, crop.predicted))
    wide = np.ones((5, 5), np.uint8)
    difference = crop.query - crop.predicted
    power = float(np.mean(difference[core] ** 2)) + 1e-6
    mean_shift = difference[core].mean(axis=0)
    return Evidence(
        q_jump=_jump(crop.query, inside, crop.ring, outline),
        p_jump=_jump(crop.predicted, inside, crop.ring, outline),
        q_edge=float(cv2.dilate(q_size, wide)[outline].mean()),
        p_edge=float(cv2.dilate(p_size, wide)[outline].mean()),
        q_detail=float(q_size[core].mean()),
        p_detail=float(p_size[core].mean()),
        ring_detail=float(p_size[crop.ring].mean()) if crop.ring.any() else 0.0,
        q_ring=_color_distance(crop.query, core, crop.ring),
        p_ring=_color_distance(crop.predicted, core, crop.ring),
        structure=_gradient_correlation((qx, qy), (px, py), core),
        energy=_fine_energy(crop.query, core) / _fine_energy(crop.predicted, core),
        coarse=_coarse_share(crop, core),
        q_spread=float(crop.query[..., 0][core].std()),
        p_spread=float(crop.predicted[..., 0][core].std()),
        shift=float(math.sqrt(np.mean(mean_shift**2) / power)),
        chroma_share=float(np.mean(difference[core][:, 1:] ** 2) * 2 / (3 * power)),
        difference=float(np.abs(crop.query_rgb.astype(np.int16) - crop.predicted_rgb)[inside].mean()),
    )


def _gradient(lab: Float) -> tuple[Float, Float, Float]:
    """Sobel gradient of the lightness (levels a pixel) and the size of the strongest channel's."""
    gx, gy = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.125)
    return gx[..., 0], gy[..., 0], np.sqrt(gx**2 + gy**2).max(axis=2)


def _jump(lab: Float, inside: Mask, ring: Mask, outline: Mask) -> float:
    """Mean step between the colours just inside and just outside of the outline, levels."""
    means = []
    known = outline.copy()
    for side in (inside, ring):
        weight = side.astype(np.float32)
        total = cv2.GaussianBlur(weight, (0, 0), 3)
        known &= total > 0.02
        means.append(
            cv2.GaussianBlur(lab * weight[..., None], (0, 0), 3) / np.maximum(total, 0.02)[..., None]
        )
    if not known.any():
        return 0.0
    return float(np.linalg.norm(means[0][known] - means[1][known], axis=1).mean())


def _color_distance(lab: Float, inside: Mask, ring: Mask) -> float:
    """Hellinger distance of the Lab histograms inside and around, 0..1."""
    if np.count_nonzero(ring) < 20 or np.count_nonzero(inside) < 20:
        return 0.5
    index = (lab * np.array([1 / 24, 1 / 12, 1 / 12], np.float32)).astype(np.int32)
    index = np.clip(index[..., 0] * 484 + index[..., 1] * 22 + index[..., 2], 0, 11 * 484 + 483)
    one, other = (
        np.bincount(index[side], minlength=11 * 484 + 484) / np.count_nonzero(side) for side in (inside, ring)
    )
    return float(math.sqrt(max(0.0, 1.0 - float(np.sqrt(one * other).sum()))))


def _gradient_correlation(one: tuple[Float, Float], other: tuple[Float, Float], core: Mask) -> float:
    """Correlation of two gradient fields over `core`."""
    (ax, ay), (bx, by) = ((x[core], y[core]) for x, y in (one, other))
    both = float(np.dot(ax, bx) + np.dot(ay, by))
    size = math.sqrt(float(np.dot(ax, ax) + np.dot(ay, ay)) * float(np.dot(bx, bx) + np.dot(by, by)))
    return both / size if size > 1e-6 else 0.0


def _fine_energy(lab: Float, core: Mask) -> float:
    """Mean square of the structure finer than about 2 px, plus what encoding leaves."""
    light = lab[..., 0]
    fine = light - cv2.GaussianBlur(light, (0, 0), 2.0)
    return float(np.mean(fine[core] ** 2)) + 1.0


def _coarse_share(crop: Crop, core: Mask) -> float:
    """Low-passed difference over the whole difference, 0..1."""
    difference = crop.query - crop.predicted
    sigma = max(2.0, 0.12 * math.sqrt(np.count_nonzero(core)))
    weight = crop.inside.astype(np.float32)
    total = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 0.05)
    smooth = cv2.GaussianBlur(difference * weight[..., None], (0, 0), sigma) / total[..., None]
    return float(math.sqrt(np.mean(smooth[core] ** 2) / (np.mean(difference[core] ** 2) + 1e-6)))


# Weights of a logistic regression that tells "added" (+) from "removed" (-); fitted on 163 pasted and
# painted-out objects of benchmarks/edits_local.py, 98 % right on held-out folds.
_ADDED_WEIGHTS = (1.4, 1.5, 1.0, 1.3)
_UNSURE = 0.45
"""Scores below this tell neither."""


def classify_region(crop: Crop, evidence: Evidence, *, full_scale: float) -> Finding:
    """Name what happened in a region; `full_scale` is full-size query pixels a working pixel."""
    e = evidence
    if e.energy < 0.45 and e.coarse < 0.45 and e.shift < 0.35 and e.q_detail < 0.75 * e.p_detail:
        return _name_hidden(crop, e, full_scale)
    if e.structure > 0.6 or (e.structure > 0.35 and e.shift > 0.85 and e.coarse > 0.85):
        return _name_recolored(crop, e)
    if _is_filled(e):
        sure = 0.55 + 0.4 * min(1.0, (14 - e.q_spread) / 10)
        return Finding("object_blurred", sure, {"kind": "filled"})
    return _name_content(e)


def added_score(e: Evidence) -> float:
    """Positive where the query shows an object in front of what the other side shows, negative the other way."""
    features = (
        math.log((e.q_jump + 3) / (e.p_jump + 3)),
        math.log((e.q_edge + 3) / (e.p_edge + 3)),
        math.log((e.q_detail + 2) / (e.p_detail + 2)),
        e.q_ring - e.p_ring,
    )
    return sum(weight * feature for weight, feature in zip(_ADDED_WEIGHTS, features, strict=True))


def _name_content(e: Evidence) -> Finding:
    score = added_score(e)
    both_stand_out = min(e.q_ring, e.p_ring) > 0.5 and min(e.q_jump, e.p_jump) > 22
    if abs(score) < _UNSURE or (abs(score) < 1.5 and both_stand_out):
        return Finding("object_replaced", 0.75 if both_stand_out else 0.5, {})
    sure = 1 / (1 + math.exp(-1.2 * abs(score)))
    return Finding("object_added" if score > 0 else "object_removed", min(0.97, sure), {})


def _is_filled(e: Evidence) -> bool:
    """One flat colour, unlike the surroundings, over something that was not flat."""
    flat = e.q_spread < 14 and e.q_detail < max(2.0, 0.75 * e.p_detail)
    return flat and e.p_spread > 15 and e.q_ring > 0.85 and e.q_jump > 15


def _name_hidden(crop: Crop, e: Evidence, full_scale: float) -> Finding:
    sure = min(0.95, 0.6 + 0.5 * (0.45 - e.coarse) + 0.3 * max(0.0, e.structure))
    block, teeth = _block_size(crop)
    if teeth > 1.7:
        return Finding(
            "object_blurred", sure, {"kind": "pixelated", "block_px": round(block * full_scale, 1)}
        )
    sigma = _blur_sigma(crop)
    return Finding("object_blurred", sure, {"kind": "blurred", "sigma_px": round(sigma * full_scale, 1)})


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
    """Side of the query's blocks in working pixels, and how clearly its edges repeat (1 = not at all)."""
    light = cv2.cvtColor(crop.query_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sizes = np.arange(3.0, 48.0, 0.25)
    scores = np.zeros(len(sizes))
    for axis in (0, 1):
        steps = np.abs(np.diff(light, axis=axis))
        inside = crop.inside[1:] if axis == 0 else crop.inside[:, 1:]
        amount = inside.sum(axis=1 - axis)
        profile = (steps * inside).sum(axis=1 - axis) / np.maximum(amount, 1)
        profile = profile[amount > 0.3 * amount.max()]
        scores += 0.5 * np.array([_comb_score(profile, size) for size in sizes])
    if scores.max() <= 0:
        return 0.0, 0.0
    # Multiples of the block fit as well: the smallest good one is meant.
    place = int(np.argmax(scores >= 0.85 * scores.max()))
    nearby = slice(place, place + 4)
    place += int(np.argmax(scores[nearby]))
    return float(sizes[place]), float(scores[place])


def _comb_score(profile: NDArray[np.floating], size: float) -> float:
    """Mean of `profile` at the best-placed teeth `size` apart, over its mean."""
    teeth = int(len(profile) / size)
    if teeth < 3:
        return 0.0
    comb = np.rint(np.arange(teeth)[None, :] * size + np.arange(int(size))[:, None]).astype(int)
    comb = np.minimum(comb, len(profile) - 1)
    return float(profile[comb].mean(axis=1).max() / (profile.mean() + 0.2))


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
