"""Edits of the frame: crop, pad, rotate, flip, stretch, perspective; pages around the picture, and insets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from provenance.evaluate.edits import pages
from provenance.evaluate.edits.picture import TracedPicture
from provenance.evaluate.pairs.draft import Draft, Matrix, bounds, project_box, scaling, shifting
from provenance.evaluate.pairs.objects import Kind
from provenance.evaluate.pairs.stock import Stock, fonts, load_font
from provenance.evaluate.pairs.truth import Strength, TrueEdit
from provenance.evaluate.pairs.words import WORDS
from provenance.records import Box, Pixels

Page: TypeAlias = Callable[[TracedPicture, np.random.Generator, Sequence[Pixels]], TracedPicture]
COLORS = ((0, 0, 0), (255, 255, 255), (128, 128, 128), (30, 60, 140), (225, 200, 150), (160, 20, 30))
STAYS = ("text_added", "object_added", "object_replaced", "text_changed", "background_replaced", "composite")


def crop(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """Parts cut off some sides."""
    low, high = {"barely": (0.012, 0.03), "visible": (0.05, 0.18), "gross": (0.2, 0.35)}[strength]
    cuts = rng.uniform(low, high, 4) * (rng.random(4) < 0.6)
    if not cuts.any():
        cuts[int(rng.integers(4))] = rng.uniform(low, high)
    width, height = draft.size
    x0, y0 = round(cuts[0] * width), round(cuts[1] * height)
    x1, y1 = width - round(cuts[2] * width), height - round(cuts[3] * height)
    return cut(draft, (x0, y0, x1, y1), strength)


def crop_square(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """The largest square, anywhere along the long side."""
    width, height = draft.size
    side = min(width, height)
    if max(width, height) < 1.1 * side:
        return None
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    return cut(draft, (x, y, x + side, y + side), "gross")


def cut(draft: Draft, box: Box, strength: Strength) -> Draft:
    """What lies in a box, while query and reference have one frame."""
    x0, y0, x1, y1 = box
    width, height = draft.size
    there = project_box(box, draft.reference_from_query, (draft.reference.shape[1], draft.reference.shape[0]))
    parameters = {
        "kept_percent": round(100 * (x1 - x0) * (y1 - y0) / (width * height), 1),
        "left_percent": round(100 * x0 / width, 1),
        "top_percent": round(100 * y0 / height, 1),
        "right_percent": round(100 * (width - x1) / width, 1),
        "bottom_percent": round(100 * (height - y1) / height, 1),
    }
    edit = TrueEdit("crop", reference_box=there, parameters=parameters, strength=strength)
    return draft.moved(np.ascontiguousarray(draft.query[y0:y1, x0:x1]), shifting(-x0, -y0), edit)


def pad(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """A plain border on all sides, on two, or on one."""
    low, high = {"barely": (0.008, 0.02), "visible": (0.03, 0.1), "gross": (0.15, 0.35)}[strength]
    width, height = draft.size
    edge = max(3, round(max(width, height) * rng.uniform(low, high)))
    sides = [
        [edge] * 4, [edge, 0, edge, 0], [0, edge, 0, edge], [0, edge, 0, 0], [0, 0, 0, edge], [edge, 0, 0, 0]
    ][int(rng.choice(6, p=[0.4, 0.1, 0.2, 0.1, 0.1, 0.1]))]  # fmt: skip
    return surround(draft, sides, COLORS[int(rng.integers(len(COLORS)))], strength)


def surround(draft: Draft, sides: Sequence[int], color: tuple[int, int, int], strength: Strength) -> Draft:
    """A border of one colour, pixels on the left, top, right, bottom."""
    left, top, right, bottom = sides
    width, height = draft.size
    page = np.full((height + top + bottom, width + left + right, 3), 0, np.uint8) + np.array(color, np.uint8)
    page[top : top + height, left : left + width] = draft.query
    names = ("left_px", "top_px", "right_px", "bottom_px")
    parameters: dict[str, Any] = dict(zip(names, sides, strict=True))
    parameters["color"] = "#" + "".join(f"{level:02x}" for level in color)
    edit = TrueEdit(
        "pad", (left, top, left + width, top + height), parameters=parameters, strength=strength,
        accepted=("composite",) if strength == "gross" else (),
    )  # fmt: skip
    return draft.moved(page, shifting(left, top), edit)


def caption(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """A meme: a plain bar above or below, with words on it."""
    width, height = draft.size
    bar = max(28, round(height * rng.uniform(0.1, 0.22)))
    above = bool(rng.random() < 0.6)
    paper, ink = ((255, 255, 255), "black") if rng.random() < 0.7 else ((0, 0, 0), "white")
    framed = surround(draft, [0, bar if above else 0, 0, 0 if above else bar], paper, "gross")
    picture = Image.fromarray(framed.query)
    font = load_font(fonts()[int(rng.integers(len(fonts())))], max(10, min(bar // 2, width // 14)))
    words = " ".join(str(word) for word in rng.choice(WORDS, 3, replace=False))
    draw = ImageDraw.Draw(picture)
    at = (width // 2, bar // 2 if above else height + bar // 2)
    draw.text(at, words, font=font, fill=ink, anchor="mm")
    _, top, _, bottom = draw.textbbox(at, words, font=font, anchor="mm")
    made = framed.with_local(
        "text_added", np.asarray(picture), text_after=words, text_px=round(bottom - top), script="latin"
    )
    if made is None:
        return None
    last = made.done[-1]
    return replace(made, done=(*made.done[:-1], replace(last, edit=replace(last.edit, reference_box=None))))


def stretch(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """Wider or narrower."""
    low, high = {"barely": (1.015, 1.035), "visible": (1.06, 1.2), "gross": (1.25, 1.6)}[strength]
    factor = float(rng.uniform(low, high)) ** int(rng.choice([-1, 1]))
    width, height = draft.size
    size = (round(width * factor), height) if rng.random() < 0.5 else (width, round(height / factor))
    measured = size[0] / size[1] * height / width
    edit = TrueEdit("stretch", parameters={"factor": round(measured, 4)}, strength=strength)
    pixels = np.asarray(Image.fromarray(draft.query).resize(size, Image.Resampling.BICUBIC))
    return draft.moved(pixels, scaling(draft.size, size), edit)


def rotate(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """Turned by some degrees: cut to what is whole, in its old frame, or on a larger page."""
    low, high = {"barely": (0.4, 0.9), "visible": (1.5, 9.0), "gross": (12.0, 35.0)}[strength]
    degrees = round(float(rng.choice([-1, 1]) * rng.uniform(low, high)), 2)
    width, height = draft.size
    matrix = np.vstack(
        [cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0), [0, 0, 1]]
    )
    edit = TrueEdit("rotate", parameters={"degrees": degrees}, strength=strength)
    sine, cosine = abs(np.sin(np.radians(degrees))), abs(np.cos(np.radians(degrees)))
    way = int(rng.integers(3))
    if way == 2:
        size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
        matrix = shifting((size[0] - width) / 2, (size[1] - height) / 2) @ matrix
        return _warp(draft, matrix, size, rng, edit).with_optional("pad")
    if way == 1:
        return _warp(draft, matrix, draft.size, rng, edit).with_optional("crop").with_optional("pad")
    keep = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    x, y = int(np.ceil(width * (1 - keep) / 2)) + 1, int(np.ceil(height * (1 - keep) / 2)) + 1
    size = (width - 2 * x, height - 2 * y)
    if min(size) < 0.4 * min(draft.size):
        return None
    return _warp(draft, shifting(-x, -y) @ matrix, size, rng, edit).with_optional("crop")


def turn(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """A quarter or half turn."""
    width, height = draft.size
    quarters = int(rng.integers(1, 4))
    matrix = (
        np.array([[0, 1, 0], [-1, 0, width - 1], [0, 0, 1.0]]),
        np.array([[-1, 0, width - 1], [0, -1, height - 1], [0, 0, 1.0]]),
        np.array([[0, -1, height - 1], [1, 0, 0], [0, 0, 1.0]]),
    )[quarters - 1]
    degrees = (90.0, 180.0, -90.0)[quarters - 1]
    pixels = np.ascontiguousarray(np.rot90(draft.query, quarters))
    return draft.moved(pixels, matrix, TrueEdit("rotate", parameters={"degrees": degrees}, strength="gross"))


def flip(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """Mirrored."""
    width, height = draft.size
    edit = TrueEdit("flip", parameters={"axis": "horizontal"}, strength="gross")
    if rng.random() < 0.7:
        matrix = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1.0]])
        return draft.moved(np.ascontiguousarray(draft.query[:, ::-1]), matrix, edit)
    matrix = np.array([[1, 0, 0], [0, -1, height - 1], [0, 0, 1.0]])
    edit = replace(edit, parameters={"axis": "vertical"})
    return draft.moved(np.ascontiguousarray(draft.query[::-1]), matrix, edit)


def tilt(*, outward: bool) -> Kind:
    """Another point of view: corners drawn in with a plain ground around, or out beyond the frame."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        low, high = {"barely": (0.01, 0.02), "visible": (0.04, 0.09), "gross": (0.12, 0.2)}[strength]
        width, height = draft.size
        corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
        inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * rng.uniform(0, 1, (4, 2))
        moved = corners + (-1 if outward else 1) * inward * rng.uniform(low, high) * (width, height)
        matrix = np.asarray(cv2.getPerspectiveTransform(corners, moved.astype(np.float32)), np.float64)
        seen = corners.astype(np.float64)
        if outward:
            seen = cv2.perspectiveTransform(seen[None], np.linalg.inv(matrix))[0]
        shift = _corner_shift(matrix, seen) / float(np.hypot(width, height))
        if shift < 0.4:
            return None
        measured: Strength = "barely" if shift < 1.2 else "visible" if shift < 5 else "gross"
        edit = TrueEdit(
            "perspective", parameters={"corner_shift_percent": round(shift, 2)}, strength=measured
        )
        made = _warp(draft, matrix, draft.size, rng, edit)
        for operation in ("crop", "pad", "rotate", "stretch"):
            # A tilted plane is turned, squeezed and cut as well.
            made = made.with_optional(operation)
        return made

    return edit


def on_page(page: Page, *, plain: bool) -> Kind:
    """The picture on something larger; `plain` pages are a border with writing as much as another picture."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        traced = page(TracedPicture.whole(draft.query), rng, [stock.other(rng) for _ in range(3)])
        visible = traced.visible
        box = bounds(visible)
        if min(box[2] - box[0], box[3] - box[1]) < 60:
            return None
        area = round(100 * float(visible.mean()), 1)
        edit = TrueEdit(
            "composite", box, parameters={"area_percent": area}, strength="gross",
            accepted=("pad",) if plain else (),
        )  # fmt: skip
        made = draft.moved(traced.pixels, _placement(traced, box, draft.size), edit)
        whole = TrueEdit("pad", optional=True) if plain else None
        strips = (
            (0, 0, traced.width, box[1]), (0, box[3], traced.width, traced.height),
            (0, 0, box[0], traced.height), (box[2], 0, traced.width, traced.height),
        )  # fmt: skip
        extra = [
            TrueEdit("text_added", strip, accepted=STAYS, optional=True)
            for strip in strips
            if strip[2] > strip[0] and strip[3] > strip[1]
        ]
        return made.with_whole(*extra, *([whole] if whole else []))

    return edit


def _placement(traced: TracedPicture, box: Box, size: tuple[int, int]) -> Matrix:
    """Where the pixels of the old picture lie on the page: a scale and a shift, fitted."""
    x0, y0, x1, y1 = box
    middle = ((x0 + x1) // 2, (y0 + y1) // 2)
    old_x = traced.origin[middle[1], x0:x1, 0] * size[0] - 0.5
    old_y = traced.origin[y0:y1, middle[0], 1] * size[1] - 0.5
    ax, bx = np.polyfit(old_x, np.arange(x0, x1), 1)
    ay, by = np.polyfit(old_y, np.arange(y0, y1), 1)
    return np.array([[ax, 0, bx], [0, ay, by], [0, 0, 1]], np.float64)


def _warp(
    draft: Draft, matrix: Matrix, size: tuple[int, int], rng: np.random.Generator, edit: TrueEdit
) -> Draft:
    color = COLORS[int(rng.integers(3))]
    pixels = cv2.warpPerspective(draft.query, matrix, size, flags=cv2.INTER_CUBIC, borderValue=color)
    return draft.moved(np.asarray(pixels, np.uint8), matrix, edit)


def _corner_shift(matrix: Matrix, corners: NDArray[np.float64]) -> float:
    """How far the corners of what is seen lie from where a turn and a stretch would put them.

    The turn and the stretch are those in the middle; percent of the diagonal.
    """
    middle = corners.mean(axis=0)
    step = middle + np.array([[0, 0], [1, 0], [0, 1]])
    there = cv2.perspectiveTransform(step[None], matrix)[0]
    linear = (there[1:] - there[0]).T
    width, height = np.linalg.norm(linear, axis=0)
    # Both axes have their say in how far it is turned.
    axis = linear[:, 0] / width + np.array([linear[1, 1], -linear[0, 1]]) / height
    cosine, sine = axis / np.linalg.norm(axis)
    plain = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([width, height])
    shifts = cv2.perspectiveTransform(corners[None], matrix)[0] - corners @ plain.T
    furthest = np.linalg.norm(shifts - shifts.mean(axis=0), axis=1).max()
    return float(100 * furthest)


FRAMES: dict[str, Kind] = {
    "crop": crop,
    "square": crop_square,
    "pad": pad,
    "meme": caption,
    "stretch": stretch,
    "rotate": rotate,
    "quarter turn": turn,
    "flip": flip,
    "perspective": tilt(outward=False),
    "perspective and cut": tilt(outward=True),
    "screenshot": on_page(lambda p, r, o: pages.capture_page(p, r), plain=True),
    "post": on_page(lambda p, r, o: pages.capture_post(p, r, dark=bool(r.integers(2))), plain=True),
    "browser": on_page(pages.capture_browser, plain=True),
    "inset": on_page(lambda p, r, o: pages.inset(p, r, o, share=(0.45, 0.75)), plain=False),
    "inset in video": on_page(lambda p, r, o: pages.inset_in_video(p, r, o, area=0.3), plain=False),
}
