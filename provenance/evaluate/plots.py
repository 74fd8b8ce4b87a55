"""The reliability diagram of a retrieval run."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from provenance.evaluate.metrics import ReliabilityBin, expected_calibration_error

SIDE_PX, MARGIN_PX, COUNTS_PX = 480, 64, 110
INK, SOFT, BAR, GAP = (30, 30, 34), (205, 205, 210), (66, 112, 178), (222, 132, 96)


def draw_reliability(bins: Sequence[ReliabilityBin], title: str) -> Image.Image:
    """The reliability diagram: accuracy over confidence with the diagonal, and the count in each bin."""
    width, height = SIDE_PX + 2 * MARGIN_PX, SIDE_PX + COUNTS_PX + 3 * MARGIN_PX
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    left, top, bottom = MARGIN_PX, MARGIN_PX, MARGIN_PX + SIDE_PX
    title = f"{title}, expected calibration error {expected_calibration_error(bins):.4f}"
    draw.text((width // 2, MARGIN_PX // 2), title, font=ImageFont.load_default(15), fill=INK, anchor="mm")
    for tick in range(0, 11, 2):
        at = round(SIDE_PX * tick / 10)
        draw.line((left, bottom - at, left + SIDE_PX, bottom - at), fill=SOFT)
        draw.text((left - 8, bottom - at), f"{tick / 10:.1f}", font=font, fill=INK, anchor="rm")
        draw.text((left + at, bottom + 8), f"{tick / 10:.1f}", font=font, fill=INK, anchor="ma")
    largest = max((one.count for one in bins), default=1)
    base = bottom + MARGIN_PX + COUNTS_PX
    for one in bins:
        x0, x1 = left + round(one.low * SIDE_PX) + 2, left + round(one.high * SIDE_PX) - 2
        reached, said = bottom - round(one.accuracy * SIDE_PX), bottom - round(one.confidence * SIDE_PX)
        draw.rectangle((x0, reached, x1, bottom), fill=BAR)
        draw.rectangle((x0, min(reached, said), x1, max(reached, said)), outline=GAP, width=2)
        draw.rectangle((x0, base - round(one.count / largest * (COUNTS_PX - 20)), x1, base), fill=SOFT)
        draw.text(((x0 + x1) // 2, base + 4), str(one.count), font=font, fill=INK, anchor="ma")
    draw.line((left, bottom, left + SIDE_PX, top), fill=INK)
    draw.line((left, top, left, bottom, left + SIDE_PX, bottom), fill=INK)
    below = "bars: share that is right, over confidence; orange: distance; below: answers in each bin"
    draw.text((width // 2, height - MARGIN_PX // 2), below, font=font, fill=INK, anchor="mm")
    return image
