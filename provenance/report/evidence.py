"""The pictures behind a report: where the pair differs, and which region belongs to which sentence."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from provenance.records import Comparison, Pixels
from provenance.report.lineup import OUTSIDE

REGION_COLOR = (230, 72, 20)
"""Orange-red: stands out on photos, and is told from grey by readers who do not see red and green apart."""
# Strength of the difference -> colour and opacity, amber over red to deep purple.
_STEPS = (0.0, 0.12, 0.4, 0.7, 1.0)
_RAMP = ((255, 221, 87), (255, 221, 87), (250, 140, 22), (215, 38, 61), (110, 16, 90))
_OPACITIES = (0.0, 0.4, 0.6, 0.68, 0.72)
_SMALL_HOLE = 0.002
"""Share of the picture below which a hole in a region is not outlined."""


def heat_map(comparison: Comparison) -> Pixels:
    """Return the query in grey with the strength of the changes over it, uint8 [h, w, 3].

    Unchanged is plain grey, weak is amber, strong is purple; outside the overlap is tinted blue.
    """
    gray = cv2.cvtColor(comparison.query, cv2.COLOR_RGB2GRAY).astype(np.float32)
    base = np.repeat((60 + 0.65 * gray)[..., None], 3, axis=2)
    outside = ~comparison.overlap
    base[outside] = 0.45 * base[outside] + 0.55 * np.array(OUTSIDE, np.float32)
    strength = np.clip(np.nan_to_num(comparison.change_map), 0, 1)
    opacity = np.interp(strength, _STEPS, _OPACITIES)[..., None]
    color = np.stack([np.interp(strength, _STEPS, channel) for channel in zip(*_RAMP, strict=True)], axis=2)
    blended: Pixels = np.clip(base * (1 - opacity) + color * opacity, 0, 255).astype(np.uint8)
    return blended


def outlined(comparison: Comparison, numbers: Mapping[int, int] | None = None) -> Pixels:
    """Return the query with a numbered outline around each changed region, uint8 [h, w, 3].

    `numbers` gives the number shown for each label of `comparison.labels`; by default the label itself.
    Labels without a number are left out.
    """
    regions = trace_regions(comparison.labels, margin=choose_margin(comparison.labels))
    if numbers is None:
        numbers = {label: label for label in regions}
    image = Image.fromarray(comparison.query)
    draw = ImageDraw.Draw(image)
    unit = max(image.size) / 1000
    width = max(round(3 * unit), 2)
    for label, number in numbers.items():
        polygons = regions.get(label, [])
        for polygon in polygons:
            path = [(float(x), float(y)) for x, y in (*polygon, polygon[0])]
            draw.line(path, fill=(255, 255, 255), width=width * 2 + 1, joint="curve")
            draw.line(path, fill=REGION_COLOR, width=width, joint="curve")
        if polygons:
            _draw_badge(draw, image.size, polygons[0], str(number), radius=max(14 * unit, 8))
    return np.asarray(image)


def trace_regions(labels: NDArray[np.int32], *, margin: int = 0) -> dict[int, list[NDArray[np.float32]]]:
    """Return the outlines of each label, the largest first, as float32 [n, 2] (x, y) working pixels.

    `margin` in pixels keeps the outline off the region and joins near parts, such as the letters of a line.
    Holes are outlined too (fill with the even-odd rule), but not the small ones.
    """
    regions: dict[int, list[NDArray[np.float32]]] = {}
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    for label in np.unique(labels[labels > 0]):
        mask = cv2.dilate((labels == label).astype(np.uint8), kernel)
        contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        kept = [
            contour
            for contour, (*_, parent) in zip(contours, hierarchy[0], strict=True)
            if parent < 0 or cv2.contourArea(contour) > _SMALL_HOLE * mask.size
        ]
        kept.sort(key=cv2.contourArea, reverse=True)
        traced = [cv2.approxPolyDP(contour, 1.0, True).reshape(-1, 2) for contour in kept]
        regions[int(label)] = [polygon.astype(np.float32) for polygon in traced if len(polygon) >= 3]
    return {label: polygons for label, polygons in regions.items() if polygons}


def choose_margin(labels: NDArray[np.int32]) -> int:
    """Return a margin for outlines, 1 % of the long side: clear of the region, but still tied to it."""
    return max(int(max(labels.shape)) // 100, 1)


def _draw_badge(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    polygon: NDArray[np.float32],
    text: str,
    *,
    radius: float,
) -> None:
    """Draw a number in a disc at the upper left of the region, inside the picture."""
    x = min(max(float(polygon[:, 0].min()), radius), size[0] - radius)
    y = min(max(float(polygon[:, 1].min()), radius), size[1] - radius)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=REGION_COLOR, outline=(255, 255, 255))
    draw.text((x, y), text, fill=(255, 255, 255), anchor="mm", font=ImageFont.load_default(radius * 1.2))
