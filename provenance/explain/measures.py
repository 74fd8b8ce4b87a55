"""What a change carries, read with care: its numbers may be missing, its words are whatever was read."""

from __future__ import annotations

import colorsys
import math
import re
from dataclasses import dataclass

from provenance.explain.quoting import clean_text
from provenance.records import Change

_HUES = ((15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise"), (255, "blue"),
         (290, "purple"), (335, "pink"), (361, "red"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of the query in full-size pixels, the frame that places are named in."""

    width: int
    height: int


def number(change: Change, key: str) -> float | None:
    """Return a measured number, or None when it is missing or not finite."""
    value = change.parameters.get(key)
    try:
        result = float(value) if value is not None else math.nan
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def word(change: Change, key: str) -> str:
    """Return a measured word, cleaned, or "" when it is missing."""
    value = change.parameters.get(key)
    return clean_text(value, limit=40) if isinstance(value, str) else ""


def direction(change: Change, *keys: str) -> str:
    """Return "up" or "down": by the parameter `sign`, else by the first of `keys` that is there."""
    for key in ("sign", *keys):
        value = number(change, key)
        if value is not None:
            return "down" if value < 0 else "up"
    return "up"


def name_color(color: str) -> str:
    """Return a plain word for "#rrggbb", "dark blue"; other words pass as they are."""
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
        return f"{shade}gray"
    return shade + next(name for limit, name in _HUES if hue * 360 < limit)
