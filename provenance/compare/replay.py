"""Run the listed whole-picture edits again, with their listed numbers: the recipe anyone could repeat.

Each edit works on uint8 sRGB and rounds and clips as an editor does. Geometry is not here: the reference has
been brought into the query's frame (`align`) and given its border (`framing`) before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenance.records import Change, Pixels

_WIDE_PX = 15.0
LUMA = np.array([0.299, 0.587, 0.114])
"""ITU-R BT.601, as Pillow and most editors weigh grey."""


def replay(reference: Pixels, changes: Iterable[Change], *, working_scale: float = 1.0) -> Pixels:
    """Apply the tone and style edits of `changes`, in their order, to an aligned reference [h, w, 3].

    Framing, local edits and noise (which nobody can repeat) are passed over. Lengths in the parameters are
    full-size pixels of the query; `working_scale` is working pixels per full-size pixel.
    """
    pixels = reference
    for change in changes:
        if change.label == 0:
            pixels = apply_edit(pixels, change.operation, change.parameters, scale=working_scale)
    return pixels


def apply_edit(
    pixels: Pixels, operation: str, parameters: Mapping[str, Any], *, scale: float = 1.0
) -> Pixels:
    """One edit of tone or style on uint8 [h, w, 3] or [n, 1, 3]; any other leaves the pixels as they are."""
    if operation == "blur":
        return _blur(pixels, scale * float(parameters["sigma_px"]))
    if operation == "sharpen":
        return _sharpen(pixels, float(parameters["percent"]) / 100, scale * float(parameters["sigma_px"]))
    if operation == "tone" and parameters["kind"] == "vignette":
        return _vignette(pixels, parameters["falloff_percent"])
    if operation == "color_balance" and "hue_degrees" in parameters:
        return _turn_hue(pixels, float(parameters["hue_degrees"]))
    if operation == "saturation" and "about" in parameters:
        return _saturate(pixels, float(parameters["factor"]), str(parameters["about"]))
    matrix = color_matrix(operation, parameters)
    if matrix is not None:
        return np.asarray(cv2.transform(pixels, matrix), np.uint8)
    table = tone_table(operation, parameters)
    if table is None:
        return pixels
    if operation == "grayscale":
        gray = np.zeros((3, 4))
        gray[:, :3] = LUMA
        pixels = np.asarray(cv2.transform(pixels, gray), np.uint8)
    return np.asarray(cv2.LUT(pixels, table), np.uint8)


def color_matrix(operation: str, parameters: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """The [3, 4] affine colour map of an edit; None where it is none."""
    matrix = np.hstack([np.eye(3), np.zeros((3, 1))])
    if operation == "brightness" and "gamma" not in parameters:
        if "offset_levels" in parameters:
            matrix[:, 3] = parameters["offset_levels"]
        else:
            matrix[:, :3] *= 1 + parameters["percent"] / 100
    elif operation == "contrast":
        factor = parameters["factor"]
        matrix[:, :3] *= factor
        matrix[:, 3] = (1 - factor) * parameters["pivot_level"]
    elif operation == "saturation" and "about" not in parameters:
        factor = parameters["factor"]
        matrix[:, :3] = factor * np.eye(3) + (1 - factor) * LUMA
    elif operation == "color_balance" and "matrix" in parameters:
        matrix = np.array(parameters["matrix"], np.float64)
    elif operation == "color_balance" and not {"curve_rgb", "hue_degrees"} & set(parameters):
        amounts = np.array([parameters[f"{name}_percent"] for name in ("red", "green", "blue")]) / 100
        if parameters.get("added"):
            matrix[:, 3] = 255 * amounts
        else:
            matrix[:, :3] *= (1 + amounts)[:, None]
    elif operation == "grayscale" and "curve_rgb" not in parameters:
        matrix[:, :3] = LUMA
    else:
        return None
    return matrix


def tone_table(operation: str, parameters: Mapping[str, Any]) -> Pixels | None:
    """The look-up table [256, 1, 3] of an edit that works level by level; None where it does not."""
    levels = np.arange(256, dtype=np.float64)
    if operation == "brightness" and "gamma" in parameters:
        table = np.repeat((255 * (levels / 255) ** parameters["gamma"])[:, None], 3, axis=1)
    elif "curve_rgb" in parameters:
        points = np.array(parameters["curve_rgb"], np.float64)
        table = np.column_stack([np.interp(levels, points[:, 0], points[:, k]) for k in (1, 2, 3)])
    elif operation == "tone" and parameters["kind"] == "inverted":
        table = np.repeat(255 - levels[:, None], 3, axis=1)
    elif operation == "tone" and parameters["kind"] == "posterized":
        table = np.repeat(_staircase(levels, parameters)[:, None], 3, axis=1)
    else:
        return None
    return np.asarray(np.clip(np.rint(table), 0, 255)[:, None, :], np.uint8)


def _staircase(levels: NDArray[np.float64], parameters: Mapping[str, Any]) -> NDArray[np.float64]:
    """Levels rounded down to the start of their step, or spread from black to white."""
    count = parameters["levels"]
    step = np.floor(levels * count / 256)
    return np.asarray(step * (255 / (count - 1) if parameters["spread"] else 256 / count), np.float64)


def _blur(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian; a wide one on a smaller copy, where nothing is lost and the time does not grow with it."""
    if sigma <= _WIDE_PX:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)
    height, width = pixels.shape[:2]
    small = (max(1, round(width * _WIDE_PX / sigma)), max(1, round(height * _WIDE_PX / sigma)))
    reduced = cv2.GaussianBlur(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), (0, 0), _WIDE_PX)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _sharpen(pixels: Pixels, amount: float, sigma: float) -> Pixels:
    """Unsharp masking without a threshold."""
    return np.asarray(cv2.addWeighted(pixels, 1 + amount, _blur(pixels, sigma), -amount, 0), np.uint8)


def _turn_hue(pixels: Pixels, degrees: float) -> Pixels:
    """All hues turned, saturation and value as they were."""
    hsv = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360
    return np.asarray(np.rint(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).clip(0, 255), np.uint8)


def _saturate(pixels: Pixels, factor: float, about: str) -> Pixels:
    """Channels pulled to or from the grey that the lightest ("value") or the middle of them makes."""
    grays = gray_of(pixels.astype(np.float32), about)
    return np.asarray(np.clip(np.rint(grays + factor * (pixels - grays)), 0, 255), np.uint8)


def gray_of(pixels: NDArray[np.floating[Any]], about: str) -> NDArray[np.floating[Any]]:
    """[..., 1] the grey that colours [..., 3] keep: the "value" of HSV, or the "lightness" of HSL."""
    lightest = pixels.max(axis=-1, keepdims=True)
    middle = (lightest + pixels.min(axis=-1, keepdims=True)) / 2
    return np.asarray(lightest if about == "value" else middle)


def _vignette(pixels: Pixels, falloff_percent: Iterable[float]) -> Pixels:
    """A gain that changes with the distance from the centre."""
    gain = radial_gain(pixels.shape[:2], falloff_percent)
    return np.asarray(np.clip(np.rint(pixels * gain[:, :, None]), 0, 255), np.uint8)


def radial_gain(shape: tuple[int, ...], falloff_percent: Iterable[float]) -> NDArray[np.float32]:
    """[h, w] gains 1 + a r^2 + b r^4 from two percentages; r is 0 at the centre and 1 in the corners."""
    height, width = shape[:2]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1) ** 2 * height**2
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1) ** 2 * width**2
    square = (y[:, None] + x[None, :]) / (height**2 + width**2)
    first, second = (np.float32(share / 100) for share in falloff_percent)
    return np.asarray(np.maximum(1 + first * square + second * square * square, 0), np.float32)


def psnr_db(query: Pixels, replayed: Pixels, mask: NDArray[np.bool_]) -> float | None:
    """Peak signal-to-noise ratio over `mask`; None where both are equal there (infinite)."""
    if not mask.any():
        return 0.0
    distance = float(cv2.norm(query, replayed, cv2.NORM_L2, mask.astype(np.uint8)))
    mean_square = distance**2 / (3 * int(mask.sum()))
    return None if mean_square == 0 else round(float(10 * np.log10(255.0**2 / mean_square)), 2)
