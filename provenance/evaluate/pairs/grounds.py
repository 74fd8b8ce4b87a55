"""Edits of all but the subject: the background replaced, blurred, darkened, brightened, without colour."""

from __future__ import annotations

import cv2
import numpy as np

from provenance.evaluate.edits.layers import cut_out
from provenance.evaluate.edits.picture import fill
from provenance.evaluate.pairs.draft import Alpha, Draft, blend
from provenance.evaluate.pairs.objects import Kind, turn_hue
from provenance.evaluate.pairs.stock import Stock
from provenance.evaluate.pairs.truth import Strength

LEAST_SHARE = 0.2
LEAST_DETAIL = 0.3
AMOUNTS: dict[Strength, tuple[float, float]] = {
    "barely": (0.08, 0.2),
    "visible": (0.3, 0.6),
    "gross": (0.65, 1.0),
}


def change(kind: str) -> Kind:
    """The background "blurred", "darkened", "brightened", "recolored" or "desaturated"."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        photo, alpha = draft.query, background(draft, rng)
        amount = float(rng.uniform(*AMOUNTS[strength]))
        if kind == "blurred":
            sigma = (0.004 + 0.02 * amount) * max(draft.size)
            layer = np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8)
        elif kind == "desaturated":
            gray = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
            layer = blend(photo, gray, np.full(alpha.shape, min(1.0, 0.4 + amount), np.float32))
        elif kind == "recolored":
            layer = turn_hue(photo, float(rng.choice([-1, 1]) * (20 + 150 * amount)), 1.0 + 0.6 * amount)
        else:
            gamma = (1 + 1.8 * amount) ** (1 if kind == "darkened" else -1)
            layer = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)[photo]
        made = draft.with_local("background_changed", blend(photo, layer, alpha), parameters={"kind": kind})
        # Of a grey or empty background little can change: what does is no background edit to anyone.
        return made if made is not None and np.mean(made.edited) > LEAST_SHARE else None

    return edit


def replace_background(
    draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator
) -> Draft | None:
    """Another photo behind the subject; hardly visible is no such edit."""
    layer, alpha = fill(stock.other(rng), *draft.size), background(draft, rng)
    steps = cv2.morphologyEx(
        cv2.cvtColor(draft.query, cv2.COLOR_RGB2GRAY), cv2.MORPH_GRADIENT, np.ones((3, 3))
    )
    # By a blank subject nobody knows the picture again.
    if float(steps[alpha < 0.5].sum()) < LEAST_DETAIL * float(steps.sum()):
        return None
    return draft.with_local("background_replaced", blend(draft.query, layer, alpha))


def background(draft: Draft, rng: np.random.Generator) -> Alpha:
    """[h, w] 1 behind the subject, which is what stands out, or an ellipse in the middle."""
    width, height = draft.size
    if rng.random() < 0.6:
        subject = cut_out(draft.query).astype(np.float32)
    else:
        subject = np.zeros((height, width), np.float32)
        center = (int(width * rng.uniform(0.35, 0.65)), int(height * rng.uniform(0.45, 0.6)))
        axes = (int(width * rng.uniform(0.17, 0.28)), int(height * rng.uniform(0.25, 0.38)))
        cv2.ellipse(subject, center, axes, 0, 0, 360, 1.0, -1)
    sigma = max(0.8, max(width, height) / 500) * float(rng.uniform(0.6, 2.0))
    return np.asarray(np.clip(1.0 - cv2.GaussianBlur(subject, (0, 0), sigma), 0, 1), np.float32)
