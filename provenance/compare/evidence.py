"""Measurements of one changed region, on both sides, that tell what happened there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Box, Pixels

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]
_MAX_SIDE = 384
"""Longer crops are shrunk to this before measuring."""


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
    scale: float
    """Pixels of the crop per working pixel; big regions are looked at smaller."""


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
    """Spread of the lightness inside (15th to 85th percentile as a standard deviation), levels."""
    p_spread: float
    shift: float
    """Mean colour shift over all of the difference, 0..1: 1 for a pure recolouring."""
    chroma_share: float
    """Share of the difference that is in a and b."""
    difference: float
    """Mean RGB difference inside, levels."""


def cut_crop(query: Pixels, predicted: Pixels, inside: Mask, unchanged: Mask, box: Box) -> Crop:
    """Cut the surroundings of `box` (working pixels) out of both sides."""
    x0, y0, x1, y1 = box
    margin = int(np.clip(0.25 * max(x1 - x0, y1 - y0), 10, 48))
    h, w = inside.shape
    place = np.s_[max(0, y0 - margin) : min(h, y1 + margin), max(0, x0 - margin) : min(w, x1 + margin)]
    sides, masks = [query[place], predicted[place]], [inside[place], unchanged[place]]
    scale = min(1.0, _MAX_SIDE / max(masks[0].shape))
    if scale < 1.0:
        size = (round(masks[0].shape[1] * scale), round(masks[0].shape[0] * scale))
        sides = [np.asarray(cv2.resize(side, size, interpolation=cv2.INTER_AREA), np.uint8) for side in sides]
        masks = [cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for m in masks]
    reach = 2 * round(margin * scale) + 1
    near = cv2.dilate(masks[0].astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    one, other = (
        cv2.GaussianBlur(cv2.cvtColor(side, cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), 0.8)
        for side in sides
    )
    return Crop(one, other, masks[0], near & masks[1], sides[0], sides[1], scale)


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
        q_spread=_spread(crop.query[..., 0][core]),
        p_spread=_spread(crop.predicted[..., 0][core]),
        shift=float(math.sqrt(np.mean(mean_shift**2) / power)),
        chroma_share=float(np.mean(difference[core][:, 1:] ** 2) * 2 / (3 * power)),
        difference=float(np.abs(crop.query_rgb.astype(np.int16) - crop.predicted_rgb)[inside].mean()),
    )


def _gradient(lab: Float) -> tuple[Float, Float, Float]:
    """Sobel gradient of the lightness (levels a pixel) and the size of the strongest channel's."""
    gx, gy = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.125)
    return gx[..., 0], gy[..., 0], np.sqrt(gx**2 + gy**2).max(axis=2)


def _spread(values: Float) -> float:
    """Standard deviation of a Gaussian with the same middle 70 %."""
    low, high = np.percentile(values, (15, 85))
    return float(high - low) / 2.073


def _jump(lab: Float, inside: Mask, ring: Mask, outline: Mask) -> float:
    """Mean step between the colours just inside and just outside of the outline, levels."""
    sides = []
    known = outline.copy()
    for side in (inside, ring):
        total, colors = _local_mean(side.astype(np.float32), 9), _local_mean(lab * side[..., None], 9)
        known &= total > 0.02
        sides.append((colors, total))
    if not known.any():
        return 0.0
    one, other = (colors[known] / total[known][:, None] for colors, total in sides)
    return float(np.linalg.norm(one - other, axis=1).mean())


def _local_mean(values: Float, width: int) -> Float:
    """Weighted mean around each pixel: two box filters, whose cost does not grow with `width`."""
    half = width // 2 | 1
    return np.asarray(cv2.blur(cv2.blur(values, (width, width)), (half, half)), np.float32)


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
    fine = light - _local_mean(light, 5)
    return float(np.mean(fine[core] ** 2)) + 1.0


def _coarse_share(crop: Crop, core: Mask) -> float:
    """Low-passed difference over the whole difference, 0..1."""
    difference = crop.query - crop.predicted
    width = 2 * round(max(2.0, 0.12 * math.sqrt(np.count_nonzero(core)))) + 1
    total = np.maximum(_local_mean(crop.inside.astype(np.float32), width), 0.05)
    smooth = _local_mean(difference * crop.inside[..., None], width)[core] / total[core][:, None]
    return float(math.sqrt(np.mean(smooth**2) / (np.mean(difference[core] ** 2) + 1e-6)))
