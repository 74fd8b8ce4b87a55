"""Reweighted fits of one picture's colours to another's: gains, lines, matrices, curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.compare.replay import LUMA, apply_edit, gray_of
from provenance.records import Operation, Pixels

Recipe: TypeAlias = list[tuple[Operation, dict[str, Any]]]
Floats: TypeAlias = NDArray[np.float64]

KNOTS = np.linspace(0, 255, 9)
"""Levels at which tone curves are fitted and listed."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Colours of the same places before and after, uint8 [n, 3]."""

    before: Pixels
    after: Pixels
    weights: Floats
    """[n] trust in each, 0..1."""
    radius_square: Floats
    """[n] squared distance from the centre of the frame, 1 in its corners."""


def run(samples: Samples, recipe: Recipe) -> Pixels:
    """A recipe applied to the first side, uint8 [n, 3]."""
    pixels = samples.before[:, None, :]
    for operation, parameters in recipe:
        if parameters.get("kind") == "vignette":
            first, second = (share / 100 for share in parameters["falloff_percent"])
            gain = 1 + first * samples.radius_square + second * samples.radius_square**2
            pixels = np.clip(np.rint(pixels * gain[:, None, None]), 0, 255).astype(np.uint8)
        else:
            pixels = apply_edit(pixels, operation, parameters)
    return np.asarray(pixels[:, 0, :], np.uint8)


def solve(design: Floats, values: Floats, weights: Floats) -> Floats:
    """Weighted least squares [k] with Tukey reweighting: outliers have no say. `design` is [k, n]."""
    trust = weights
    solution = np.zeros(len(design))
    trusted = np.flatnonzero(weights >= 0.3 * weights.max())
    ridge = np.eye(len(design))
    for _ in range(5):
        former = solution
        weighted = design * trust
        # einsum, not @: on a busy machine the threads of BLAS cost more than these few rows.
        normal = np.einsum("in,jn->ij", weighted, design)
        normal += 1e-8 * max(float(normal.trace()), 1.0) * ridge
        solution = np.linalg.solve(normal, np.einsum("in,n->i", weighted, values))
        rest = np.abs(np.einsum("in,i->n", design, solution) - values)
        scale = 4.7 * max(0.8, 1.4826 * _median(rest[trusted]))
        trust = weights * np.clip(1 - (rest / scale) ** 2, 0, 1) ** 2
        if trust.sum() < 1e-3 * weights.sum() or np.allclose(solution, former, rtol=1e-4, atol=1e-5):
            break
    return np.asarray(solution, np.float64)


def _median(values: Floats) -> float:
    """The upper median; a tenth of the time of `np.median`."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])


class LinearFit:
    """Reweighted linear fits of after = f(before) that share their masks and sums."""

    def __init__(self, samples: Samples) -> None:
        self.x = samples.before.astype(np.float64)
        self.y = samples.after.astype(np.float64)
        self.luma = self.x @ LUMA
        self.mean = float(np.average(self.luma, weights=samples.weights))
        self.weights = samples.weights[:, None] * ((self.y > 2) & (self.y < 253))

    def _solve(self, *columns: Floats, target: Floats | None = None) -> Floats:
        design = np.stack([np.broadcast_to(column, self.x.shape).ravel() for column in columns])
        values = self.y if target is None else target
        return solve(design, values.ravel(), self.weights.ravel())

    def gain(self) -> float:
        """after = gain * before."""
        return float(self._solve(self.x)[0])

    def offset(self) -> float:
        """after = before + offset, levels."""
        return float(self._solve(np.ones_like(self.x), target=self.y - self.x)[0])

    def gamma(self) -> float:
        """Regression of the logarithms, weighted towards the middle of the scale."""
        x, y = np.log(self.x.clip(4, 251) / 255), np.log(self.y.clip(4, 251) / 255)
        weights = self.weights * (self.x / 255 * (1 - self.x / 255)) ** 2
        weights[(self.x < 10) | (self.x > 245)] = 0
        scale = 60.0
        return float(solve(scale * x.reshape(1, -1), scale * y.ravel(), weights.ravel() + 1e-9)[0])

    def slope_about(self, pivot: float) -> float:
        """Slope of a line through (pivot, pivot)."""
        return float(self._solve(self.x - pivot, target=self.y - pivot)[0])

    def line(self) -> tuple[float, float]:
        """(slope, offset) of after = slope * before + offset."""
        slope, offset = self._solve(self.x, np.ones_like(self.x))
        return float(slope), float(offset)

    def saturation(self) -> float:
        """Factor on the distance from the grey of equal luma."""
        luma = self.luma[:, None]
        return float(self._solve(self.x - luma, target=self.y - luma)[0])

    def saturation_about(self, about: str) -> float:
        """Factor on the distance from another grey, see `gray_of`."""
        gray = gray_of(self.x, about)
        return float(self._solve(self.x - gray, target=self.y - gray)[0])

    def hue_degrees(self) -> float:
        """The turn of all hues, -180..180: the weighted circular median of what has colour on both sides."""
        (hue, chroma), (turned, kept) = (_hue_and_chroma(side) for side in (self.x, self.y))
        weights = self.weights.min(axis=1) * np.minimum(chroma, kept) * (np.minimum(chroma, kept) > 16)
        if weights.sum() == 0:
            return 0.0
        turn = turned - hue
        middle = np.degrees(np.angle((weights * np.exp(1j * np.radians(turn))).sum()))
        off = (turn - middle + 180) % 360 - 180
        order = np.argsort(off)
        place = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
        return float((middle + off[order[place]] + 180) % 360 - 180)

    def gain_and_saturation(self) -> tuple[float, float]:
        """A gain, then a saturation."""
        own, shared = self._solve(self.x, self.luma[:, None])
        return float(own + shared), float(own / max(own + shared, 1e-3))

    def slope_and_saturation(self, pivot: float) -> tuple[float, float]:
        """A slope about `pivot`, then a saturation."""
        own, shared = self._solve(self.x - pivot, self.luma[:, None] - pivot, target=self.y - pivot)
        return float(own + shared), float(own / max(own + shared, 1e-3))

    def line_and_saturation(self) -> tuple[float, float, float]:
        """(slope, offset, saturation factor)."""
        own, shared, offset = self._solve(self.x, self.luma[:, None], np.ones_like(self.x))
        return float(own + shared), float(offset), float(own / max(own + shared, 1e-3))

    def channel_gains(self) -> Floats:
        """[3] a gain a channel."""
        return np.array([solve(self.x[:, k][None], self.y[:, k], self.weights[:, k])[0] for k in range(3)])

    def channel_offsets(self) -> Floats:
        """[3] an offset a channel, levels."""
        one, moved = np.ones((1, len(self.x))), self.y - self.x
        return np.array([solve(one, moved[:, k], self.weights[:, k])[0] for k in range(3)])

    def matrix(self) -> Floats:
        """[3, 4] affine colour map."""
        design = np.vstack([self.x.T, np.ones(len(self.x))])
        return np.array([solve(design, self.y[:, k], self.weights[:, k]) for k in range(3)])


def _hue_and_chroma(colors: Floats) -> tuple[Floats, Floats]:
    """[n] degrees as in HSV, and the distance between the strongest and the weakest channel."""
    hsv = cv2.cvtColor((colors / 255).astype(np.float32)[:, None], cv2.COLOR_RGB2HSV)
    return np.asarray(hsv[:, 0, 0], np.float64), np.asarray(np.ptp(colors, axis=1), np.float64)


def fit_curve(samples: Samples, *, common: bool) -> Floats:
    """Knots [9, 3] of piecewise linear curves, robust, smoothed where few samples say anything."""
    x, y = samples.before.astype(np.float64), samples.after.astype(np.float64)
    if common:
        knots = _fit_channel(x.ravel(), y.ravel(), np.repeat(samples.weights, 3))
        return np.repeat(knots[:, None], 3, axis=1)
    return np.column_stack([_fit_channel(x[:, k], y[:, k], samples.weights) for k in range(3)])


def _fit_channel(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Hat functions on the knots with a weak pull towards straightness."""
    step = KNOTS[1]
    cell = np.minimum((x / step).astype(int), 7)
    share = x / step - cell
    places = np.arange(len(x))
    design = np.zeros((9, len(x) + 7))
    design[cell, places], design[cell + 1, places] = 1 - share, share
    pull = np.sqrt(0.002 * weights.sum())
    for k in range(7):
        design[k : k + 3, len(x) + k] = pull * np.array([0.25, -0.5, 0.25])
    values = np.concatenate([y, np.zeros(7)])
    return np.clip(solve(design, values, np.concatenate([weights, np.ones(7)])), 0, 255)


def control_points(curve: Floats) -> list[list[int]]:
    """Control points [x, r, g, b] as listed in the parameters."""
    return [[round(float(x)), *(round(float(v)) for v in row)] for x, row in zip(KNOTS, curve, strict=True)]


def curve_parameters(curve: Floats) -> dict[str, Any]:
    """A tone curve named by the part of the scale that it moves."""
    moved = (curve - KNOTS[:, None]) @ LUMA
    low, high = moved[1:4], moved[5:8]
    mean = float(moved[1:8].mean())
    kind = "curve"
    if np.abs(high).max() < 0.25 * np.abs(low).max():
        kind, mean = "shadows", float(low.mean())
    elif np.abs(low).max() < 0.25 * np.abs(high).max():
        kind, mean = "highlights", float(high.mean())
    named = {"kind": kind, "mean_shift_levels": round(mean, 1), "sign": 1 if mean > 0 else -1}
    return named | {"curve_rgb": control_points(curve)}
