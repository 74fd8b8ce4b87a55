"""Plain words for colours."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_HUES = (
    # Upper end of the CIELAB hue angle in degrees, word.
    (20.0, "pink"),
    (52.0, "red"),
    (75.0, "orange"),
    (110.0, "yellow"),
    (175.0, "green"),
    (230.0, "turquoise"),
    (309.0, "blue"),
    (330.0, "purple"),
    (352.0, "magenta"),
    (360.0, "pink"),
)


def lab_of(rgb: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIELAB [3] (L 0..100) of one sRGB colour [3], 0..255."""
    pixel = np.asarray(rgb, np.float32).reshape(1, 1, 3) / np.float32(255)
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB), np.float32).reshape(3)


def color_word(rgb: NDArray[np.floating] | NDArray[np.uint8]) -> str:
    """Name one sRGB colour [3], 0..255, as a person would: "dark blue", "light gray", "brown"."""
    lightness, a, b = (float(v) for v in lab_of(rgb))
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    if chroma < 8 or (chroma < 12 and (lightness < 20 or lightness > 88)):
        return _gray_word(lightness)
    word = next(name for end, name in _HUES if hue <= end)
    if word in ("orange", "yellow", "red") and 30 <= hue <= 95 and lightness < 55 and chroma < 55:
        return "dark brown" if lightness < 28 else "brown"
    if word in ("orange", "yellow") and lightness >= 55 and chroma < 30:
        return "beige"
    if word in ("pink", "red") and lightness > 62 and chroma < 55:
        return "pink"
    if word == "pink" and lightness < 55:
        return "dark red" if lightness < 35 else "red"
    if lightness < 30:
        return f"dark {word}"
    return f"light {word}" if lightness > 80 and chroma < 45 else word


def _gray_word(lightness: float) -> str:
    for end, word in ((12.0, "black"), (35.0, "dark gray"), (65.0, "gray"), (90.0, "light gray")):
        if lightness < end:
            return word
    return "white"


def hue_shift_degrees(before_lab: NDArray[np.floating], after_lab: NDArray[np.floating]) -> float:
    """Turn of the CIELAB hue angle from one colour [3] to another, -180..180; 0 where either is gray."""
    if min(math.hypot(*before_lab[1:]), math.hypot(*after_lab[1:])) < 6:
        return 0.0
    turn = math.atan2(after_lab[2], after_lab[1]) - math.atan2(before_lab[2], before_lab[1])
    return (math.degrees(turn) + 180) % 360 - 180
