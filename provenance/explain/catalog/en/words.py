"""English words for places, sizes, numbers and colours."""

from __future__ import annotations

import colorsys
import math
import re
from collections.abc import Sequence

from provenance.places import Place

PLACES: dict[Place, str] = {
    "upper_left": "in the upper left",
    "top": "at the top",
    "upper_right": "in the upper right",
    "left": "on the left",
    "middle": "in the middle",
    "right": "on the right",
    "lower_left": "in the lower left",
    "bottom": "at the bottom",
    "lower_right": "in the lower right",
    "upper_half": "across the upper half",
    "lower_half": "across the lower half",
    "left_half": "across the left half",
    "right_half": "across the right half",
    "top_edge": "along the top edge",
    "across_upper": "across the upper part",
    "across_middle": "across the middle",
    "across_lower": "across the lower part",
    "bottom_edge": "along the bottom edge",
    "left_edge": "along the left edge",
    "down_left": "down the left side",
    "down_middle": "down the middle",
    "down_right": "down the right side",
    "right_edge": "along the right edge",
    "everywhere": "over most of the picture",
}

REGIONS: dict[Place, str] = {
    "upper_left": "the upper left",
    "top": "the top",
    "upper_right": "the upper right",
    "left": "the left side",
    "middle": "the middle",
    "right": "the right side",
    "lower_left": "the lower left",
    "bottom": "the bottom",
    "lower_right": "the lower right",
    "upper_half": "the upper half",
    "lower_half": "the lower half",
    "left_half": "the left half",
    "right_half": "the right half",
    "top_edge": "the top edge",
    "across_upper": "the upper part",
    "across_middle": "the middle",
    "across_lower": "the lower part",
    "bottom_edge": "the bottom edge",
    "left_edge": "the left edge",
    "down_left": "the left side",
    "down_middle": "the middle",
    "down_right": "the right side",
    "right_edge": "the right edge",
    "everywhere": "most of the picture",
}

_SHARES: tuple[tuple[float, str], ...] = (
    (1.0, "a hundredth"),
    (2.0, "a fiftieth"),
    (3.33, "a thirtieth"),
    (4.0, "a twenty-fifth"),
    (5.0, "a twentieth"),
    (6.67, "a fifteenth"),
    (10.0, "a tenth"),
    (12.5, "an eighth"),
    (16.7, "a sixth"),
    (20.0, "a fifth"),
    (25.0, "a quarter"),
    (33.3, "a third"),
    (40.0, "two fifths"),
    (50.0, "half"),
    (60.0, "three fifths"),
    (66.7, "two thirds"),
    (75.0, "three quarters"),
    (80.0, "four fifths"),
    (90.0, "nine tenths"),
)
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_HUES = ((15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"),
         (290, "purple"), (335, "pink"), (361, "red"))  # fmt: skip


def size_words(area_percent: float) -> str:
    """12.0 -> "about an eighth of the picture"."""
    if area_percent < 0.75:
        return "less than a hundredth of the picture"
    if area_percent > 95:
        return "nearly all of the picture"
    nearest = min(_SHARES, key=lambda share: abs(math.log(share[0] / area_percent)))
    return f"about {nearest[1]} of the picture"


def percent(value: float) -> str:
    """24.6 -> "25 %", 3.14 -> "3.1 %", 99.7 -> "99.7 %", 0.01 -> "less than 0.1 %"."""
    if value < 0.095:
        return "less than 0.1 %"
    if 99 < value < 100:
        return f"{min(value, 99.9):.1f} %"
    return f"{plain(value, 0 if value >= 10 else 1)} %"


def plain(value: float, digits: int) -> str:
    """Return the number with at most `digits` decimals, without an empty fraction: 3.0 stays "3"."""
    return f"{value:.{digits}f}".removesuffix(".0")


def signed(value: float, digits: int) -> str:
    """Return the number with its sign, "+0.3" or "−0.3" (a true minus), "0" without one."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return "0"
    return ("+" if value > 0 else "−") + text


def count_words(count: int) -> str:
    """2 -> "two"; from 10 on in digits."""
    return _COUNTS[count] if 0 <= count < len(_COUNTS) else str(count)


def join_words(items: Sequence[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def name_color(color: str) -> str:
    """Return a plain word for "#rrggbb"; other words pass as they are."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        return color
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, lightness, _ = colorsys.rgb_to_hls(red, green, blue)
    if lightness < 0.08:
        return "black"
    if lightness > 0.94:
        return "white"
    shade = "dark " if lightness < 0.35 else "light " if lightness > 0.7 else ""
    if max(red, green, blue) - min(red, green, blue) < 0.08:
        return f"{shade}grey"
    return shade + next(name for limit, name in _HUES if hue * 360 < limit)
