"""Edits of sharpness and grain over the whole picture: blur, sharpening, noise, denoising."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np

from provenance.evaluate.pairs.draft import Draft
from provenance.evaluate.pairs.objects import Kind
from provenance.evaluate.pairs.stock import Stock
from provenance.evaluate.pairs.tones import Amounts, sharpness
from provenance.evaluate.pairs.truth import STRENGTHS, Strength, TrueEdit
from provenance.records import Pixels

Changed: TypeAlias = tuple[Pixels, str, dict[str, Any]]
"""Pixels, operation, parameters."""
Change: TypeAlias = Callable[[Pixels, float, np.random.Generator], Changed]

# Ratio of the sharpness after to that before: what is between is not seen, hardly, plainly.
SOFTER = (0.9, 0.5, 0.2)
HARDER = (1.12, 1.4, 2.5)


def kind_of(change: Change, amounts: Amounts, *, edges_kept: bool = False) -> Kind:
    """A kind of edit from a function of pixels and an amount; how strong it is, is measured.

    Amounts are at the size pictures are looked at, 1,024 px: larger pictures are edited with more.
    """

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        after, operation, parameters = change(draft.query, float(rng.uniform(*amounts[strength])), rng)
        ratio = sharpness(after) / max(sharpness(draft.query), 1e-3)
        levels = parameters.get("sigma_levels")
        seen = noise_strength(levels) if levels is not None else strength_of(ratio)
        if seen is None or (operation == "blur") != (ratio < 1):
            return None
        if edges_kept:
            # Texture is gone, but no outline is softer: a person sees that a grade less well.
            seen = STRENGTHS[max(0, STRENGTHS.index(seen) - 1)]
        return draft.with_whole(TrueEdit(operation, parameters=parameters, strength=seen), query=after)

    return edit


def strength_of(ratio: float) -> Strength | None:
    """How well softer or harder is seen."""
    grades: tuple[Strength, ...] = ("barely", "visible", "gross")
    passed = [ratio < bound if ratio < 1 else ratio > bound for bound in (SOFTER if ratio < 1 else HARDER)]
    return grades[sum(passed) - 1] if any(passed) else None


def noise_strength(levels: float) -> Strength:
    """How well grain of a standard deviation is seen."""
    return "barely" if levels < 5 else "visible" if levels < 18 else "gross"


def _enlarged(photo: Pixels) -> float:
    return float(max(1.0, max(photo.shape[:2]) / 1024))


def blur(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Gaussian or box blur."""
    sigma = amount * _enlarged(photo)
    if rng.random() < 0.7:
        soft = cv2.GaussianBlur(photo, (0, 0), sigma)
    else:
        side = 2 * max(1, round((np.sqrt(12 * sigma**2 + 1) - 1) / 2)) + 1
        soft, sigma = cv2.blur(photo, (side, side)), float(np.sqrt((side**2 - 1) / 12))
    return np.asarray(soft, np.uint8), "blur", {"sigma_px": round(sigma, 2)}


def shake(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Motion blur in any direction."""
    length = max(3, round(4 * amount * _enlarged(photo)))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
    start, end = (round(length - dx), round(length - dy)), (round(length + dx), round(length + dy))
    cv2.line(kernel, start, end, 1.0, lineType=cv2.LINE_AA)
    return np.asarray(cv2.filter2D(photo, -1, kernel / kernel.sum()), np.uint8), "blur", {}


def denoise(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """Median or bilateral filter: grain and fine texture gone, edges kept."""
    if rng.random() < 0.5:
        side = 2 * max(1, round(amount * _enlarged(photo))) + 1
        return np.asarray(cv2.medianBlur(photo, side), np.uint8), "blur", {}
    reach = max(2.0, 2 * amount * _enlarged(photo))
    return np.asarray(cv2.bilateralFilter(photo, -1, 18 + 22 * amount, min(reach, 8)), np.uint8), "blur", {}


def sharpen(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
    """An unsharp mask."""
    sigma = float(rng.uniform(1.0, 2.2)) * _enlarged(photo)
    soft = cv2.GaussianBlur(photo, (0, 0), sigma).astype(np.float32)
    after = np.clip(np.rint(photo + amount * (photo - soft)), 0, 255).astype(np.uint8)
    return after, "sharpen", {"percent": round(100 * amount), "sigma_px": round(sigma, 2)}


def add_noise(channels: int) -> Change:
    """Grain of grey (one channel) or of colour (three); coarser in large pictures, where fine is not seen."""

    def change(photo: Pixels, amount: float, rng: np.random.Generator) -> Changed:
        height, width = photo.shape[:2]
        scale = _enlarged(photo)
        size = (round(height / scale), round(width / scale), channels)
        noise = rng.normal(0, amount, size).astype(np.float32)
        if scale > 1:
            noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC).reshape(
                height, width, channels
            )
            noise *= amount / max(float(noise.std()), 1e-3)
        after = np.clip(np.rint(photo + noise), 0, 255).astype(np.uint8)
        return after, "noise", {"sigma_levels": round(amount, 1)}

    return change


FOCUS: dict[str, Kind] = {
    "blur": kind_of(blur, {"barely": (0.6, 0.9), "visible": (1.1, 2.2), "gross": (2.8, 6.0)}),
    "motion blur": kind_of(shake, {"barely": (0.8, 1.2), "visible": (1.5, 2.5), "gross": (3.0, 6.0)}),
    "denoised": kind_of(
        denoise, {"barely": (0.6, 1.2), "visible": (1.5, 2.5), "gross": (3.0, 4.0)}, edges_kept=True
    ),
    "sharpen": kind_of(sharpen, {"barely": (0.25, 0.45), "visible": (0.7, 1.5), "gross": (1.8, 3.0)}),
    "grey noise": kind_of(
        add_noise(1), {"barely": (2.5, 5.0), "visible": (6.0, 16.0), "gross": (20.0, 40.0)}
    ),
    "colour noise": kind_of(
        add_noise(3), {"barely": (2.5, 5.0), "visible": (6.0, 16.0), "gross": (20.0, 40.0)}
    ),
}
