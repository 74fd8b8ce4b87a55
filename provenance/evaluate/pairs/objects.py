"""Edits of objects: added, removed, replaced, recoloured, duplicated, moved, enlarged, hidden.

Each takes the draft, how strong the edit shall be, the stock and a random generator, and returns the draft
after one try, or None where the picture does not allow it there; `kinds.py` tries again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from provenance.evaluate.pairs.draft import Alpha, Draft, Mask, blend
from provenance.evaluate.pairs.stock import CutOut, Stock
from provenance.evaluate.pairs.truth import Strength
from provenance.records import Pixels

Kind: TypeAlias = Callable[[Draft, Strength, Stock, np.random.Generator], Draft | None]

# Long side of an object, share of the picture's short side.
SIDES: dict[Strength, tuple[float, float]] = {
    "barely": (0.02, 0.06),
    "visible": (0.08, 0.25),
    "gross": (0.3, 0.6),
}
# Ways to paint an object out, with what is as true of the place: it holds a copy, or is smudged over.
FILLS: dict[str, tuple[str, ...]] = {
    "telea": (),
    "ns": (),
    "patch": ("object_duplicated",),
    "clone": ("object_duplicated",),
    "blur": ("object_blurred",),
}


def add(*, soft: bool) -> Kind:
    """Paste a cut-out, its edge hard or feathered."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        thing = _cut_out(draft, strength, stock, rng)
        if soft:
            thing = feather(thing, rng)
        after, _ = _paste(draft.query, thing, _place(draft, thing.size, rng))
        return draft.with_local("object_added", after, noun=thing.noun)

    return edit


def remove_pasted(fill: str | None) -> Kind:
    """An object of the reference is gone: painted out by a fill, or (None) as if it had never been there."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        thing = _cut_out(draft, strength, stock, rng)
        if rng.random() < 0.4:
            thing = feather(thing, rng)
        at = _place(draft, thing.size, rng)
        before, alpha = _paste(draft.query, thing, at)
        reference, _ = _paste(draft.reference, thing, at)
        after = draft.query if fill is None else paint_out(before, alpha > 0.02, fill, rng)
        if after is None:
            return None
        return draft.with_local(
            "object_removed", after, before=before, reference=reference, noun=thing.noun,
            accepted=FILLS.get(fill or "", ()),
        )  # fmt: skip

    return edit


def remove_natural(fill: str) -> Kind:
    """Something of the photo itself is painted out."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        alpha = blob(draft, strength, rng)
        inside = alpha > 0.5
        ring = (cv2.dilate(inside.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0) & ~inside
        # Only what stands out from its surroundings is an object that can be missed.
        apart = np.abs(draft.query[inside].mean(axis=0) - draft.query[ring].mean(axis=0)).max()
        if apart < 25 or draft.query[ring].std(axis=0).mean() > 45:
            return None
        after = paint_out(draft.query, alpha > 0.02, fill, rng)
        return after if after is None else draft.with_local("object_removed", after, accepted=FILLS[fill])

    return edit


def replace_object(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """One cut-out where another one was."""
    first = _cut_out(draft, strength, stock, rng)
    second = stock.cut_out(rng, max(first.size))
    room = (max(first.size[0], second.size[0]), max(first.size[1], second.size[1]))
    x, y = _place(draft, room, rng)
    places = [(x + (room[0] - one.size[0]) // 2, y + (room[1] - one.size[1]) // 2) for one in (first, second)]
    before, old = _paste(draft.query, first, places[0])
    reference, _ = _paste(draft.reference, first, places[0])
    after, new = _paste(draft.query, second, places[1])
    both, either = (old > 0.5) & (new > 0.5), (old > 0.5) | (new > 0.5)
    shared = both.sum() / max(1, int(either.sum()))
    if shared < 0.5 or not _stands_out(draft.query, before, old) or not _stands_out(draft.query, after, new):
        return None
    return draft.with_local(
        "object_replaced", after, before=before, reference=reference, noun=second.noun
    )  # fmt: skip


def enlarge(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """An object made larger or smaller where it stands."""
    thing = _cut_out(draft, strength, stock, rng)
    factor = float(rng.uniform(1.3, 1.9))
    size = (round(thing.size[0] * factor), round(thing.size[1] * factor))
    large = CutOut(
        np.asarray(cv2.resize(thing.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8),
        np.clip(cv2.resize(thing.alpha, size, interpolation=cv2.INTER_LINEAR), 0, 1).astype(np.float32),
        thing.noun,
    )
    if max(large.size) > 0.85 * min(draft.size):
        return None
    x, y = _place(draft, large.size, rng)
    inner = (x + (size[0] - thing.size[0]) // 2, y + (size[1] - thing.size[1]) // 2)
    sides = [(thing, inner), (large, (x, y))]
    if rng.random() < 0.3:
        sides.reverse()
    before, old = _paste(draft.query, *sides[0])
    reference, _ = _paste(draft.reference, *sides[0])
    after, new = _paste(draft.query, *sides[1])
    if not _stands_out(draft.query, before, old) or not _stands_out(draft.query, after, new):
        return None
    grown = sides[1][0] is large
    return draft.with_local(
        "object_replaced", after, before=before, reference=reference, noun=thing.noun,
        accepted=("object_duplicated", "object_added" if grown else "object_removed"),
    )  # fmt: skip


def recolor(*, whole_object: bool) -> Kind:
    """Another hue: of a cut-out, or of a part of the photo."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        before, reference = draft.query, draft.reference
        noun = None
        if whole_object:
            thing = _cut_out(draft, strength, stock, rng)
            at = _place(draft, thing.size, rng)
            before, alpha = _paste(draft.query, thing, at)
            reference, _ = _paste(draft.reference, thing, at)
            noun = thing.noun
        else:
            alpha = blob(draft, strength, rng)
        degrees = float(rng.choice([-1, 1]) * rng.uniform(40, 170))
        after = blend(before, turn_hue(before, degrees, float(rng.uniform(1.0, 1.5))), alpha)
        return draft.with_local("object_recolored", after, before=before, reference=reference, noun=noun)

    return edit


def tone_locally(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
    """A part made brighter or darker, as with a dodge or burn brush."""
    alpha = blob(draft, strength, rng, soft=True)
    amount = float(rng.uniform(0.3, 0.6)) if strength == "gross" else float(rng.uniform(0.15, 0.4))
    gamma = np.exp(rng.choice([-1, 1]) * 2.2 * amount)
    curve = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    after = blend(draft.query, curve[draft.query], alpha)
    return draft.with_local("object_recolored", after, accepted=("background_changed",))


def duplicate(*, move: bool, natural: bool = False) -> Kind:
    """The same object a second time, or somewhere else than it was."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        if natural:
            return _duplicate_natural(draft, strength, rng)
        thing = _cut_out(draft, strength, stock, rng)
        first, second = _place(draft, thing.size, rng), _place(draft, thing.size, rng)
        width, height = thing.size
        if abs(first[0] - second[0]) < width + 6 and abs(first[1] - second[1]) < height + 6:
            return None
        before, old = _paste(draft.query, thing, first)
        reference, _ = _paste(draft.reference, thing, first)
        after, new = _paste(draft.query if move else before, thing, second)
        if not _stands_out(draft.query, before, old) or not _stands_out(before, after, new):
            return None
        source = [first[0], first[1], first[0] + width, first[1] + height]
        # The copy is the edit; what was left behind is a part of a move that may be named on its own.
        made = draft.with_local(
            "object_duplicated", after if not move else _paste(before, thing, second)[0],
            before=before, reference=reference, noun=thing.noun,
            parameters={"source_box": source, "moved": move},
            accepted=("object_added",) if move else (),
        )  # fmt: skip
        if made is None or not move:
            return made
        return made.with_local("object_removed", after, optional=True)

    return edit


def hide(kind: str) -> Kind:
    """A part made unrecognisable: blurred, pixelated, or filled with one colour."""

    def edit(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> Draft | None:
        photo, side = draft.query, min(draft.size)
        low, high = SIDES[strength]
        extent = side * (low + high) / 2
        parameters: dict[str, object] = {"kind": kind}
        alpha = blob(draft, strength, rng, soft=kind == "blurred" and bool(rng.random() < 0.5))
        if kind == "blurred":
            sigma = float(max(1.5, extent * rng.uniform(0.05, 0.16)))
            layer = np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8)
            parameters["sigma_px"] = round(sigma, 2)
        elif kind == "pixelated":
            block = max(4, round(extent * rng.uniform(0.06, 0.2)))
            alpha = _block_aligned(alpha, block)
            layer = mosaic(photo, block)
            parameters["block_px"] = block
        else:
            color = [(0, 0, 0), (255, 255, 255), (200, 30, 30), (128, 128, 128)][int(rng.integers(4))]
            layer = np.full_like(photo, 0) + np.array(color, np.uint8)
            if photo[alpha > 0.5].std(axis=0).mean() < 20:
                return None
        return draft.with_local("object_blurred", blend(photo, layer, alpha), parameters=parameters)

    return edit


def paint_out(photo: Pixels, hole: Mask, fill: str, rng: np.random.Generator) -> Pixels | None:
    """Fill a hole from around it; None where no fitting patch is found, or a smudge would not do."""
    reach = max(3, round(0.004 * max(photo.shape)))
    wide = cv2.dilate(hole.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    if fill in ("telea", "ns"):
        return _inpaint(photo, wide, cv2.INPAINT_TELEA if fill == "telea" else cv2.INPAINT_NS)
    if fill == "blur":
        ring = (cv2.dilate(wide, np.ones((15, 15), np.uint8)) > 0) & (wide == 0)
        # Between busy surroundings a smudge is a new thing.
        if photo[ring].std(axis=0).mean() > 40:
            return None
        # The surroundings bleed in, as with a smudge brush: blur of what is known, over its weight.
        sigma = max(3.0, 0.35 * float(np.sqrt(np.count_nonzero(wide))))
        known = (wide == 0).astype(np.float32)
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        sums = cv2.GaussianBlur(photo * known[..., None], (0, 0), sigma)
        layer = np.clip(sums / np.maximum(weight, 1e-4)[..., None], 0, 255).astype(np.uint8)
        return blend(photo, layer, cv2.GaussianBlur(wide.astype(np.float32), (0, 0), reach / 2))
    return _patch(photo, wide > 0, clone=fill == "clone", rng=rng)


def _inpaint(photo: Pixels, hole: Mask, method: int) -> Pixels:
    """OpenCV's inpainting, on a small copy of the surroundings: its time grows with the hole's area."""
    x, y, width, height = cv2.boundingRect(hole.astype(np.uint8))
    margin = 20 + max(width, height) // 4
    left, top = max(0, x - margin), max(0, y - margin)
    part = np.s_[top : y + height + margin, left : x + width + margin]
    cut, mask = photo[part], hole[part].astype(np.uint8)
    scale = min(1.0, 360 / max(cut.shape[:2]))
    size = (max(8, round(cut.shape[1] * scale)), max(8, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    small_mask = (cv2.resize(mask * 255, size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    filled = cv2.inpaint(small, small_mask, 4, method)
    large = cv2.resize(filled, (cut.shape[1], cut.shape[0]), interpolation=cv2.INTER_CUBIC)
    result = photo.copy()
    result[part] = blend(
        cut, np.asarray(large, np.uint8), cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
    )
    return result


def _patch(photo: Pixels, hole: Mask, *, clone: bool, rng: np.random.Generator) -> Pixels | None:
    """A piece of the same picture whose rim fits best over the hole; `clone` blends it in by gradients."""
    height, width = hole.shape
    x, y, w, h = cv2.boundingRect(hole.astype(np.uint8))
    ring = (cv2.dilate(hole.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~hole
    best: tuple[float, int, int] | None = None
    for _ in range(60):
        dx, dy = int(rng.integers(-x, width - x - w + 1)), int(rng.integers(-y, height - y - h + 1))
        if abs(dx) < w + 4 and abs(dy) < h + 4:
            continue
        rows, columns = np.nonzero(ring)
        inside = (rows + dy >= 0) & (rows + dy < height) & (columns + dx >= 0) & (columns + dx < width)
        there = photo[rows[inside] + dy, columns[inside] + dx].astype(np.int16)
        cost = float(np.abs(there - photo[rows[inside], columns[inside]]).mean())
        if best is None or cost < best[0]:
            best = (cost, dx, dy)
    if best is None or best[0] > (28 if clone else 20):
        return None
    layer = np.roll(photo, (-best[2], -best[1]), (0, 1))
    if clone:
        middle = (x + w // 2, y + h // 2)
        mask = hole.astype(np.uint8) * 255
        if x < 2 or y < 2 or x + w > width - 2 or y + h > height - 2:
            return None
        return np.asarray(cv2.seamlessClone(layer, photo, mask, middle, cv2.NORMAL_CLONE), np.uint8)
    return blend(photo, layer, cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.5))


def turn_hue(photo: Pixels, degrees: float, saturation: float = 1.0) -> Pixels:
    """All hues turned on the colour circle, colours made stronger by a factor."""
    hsv = cv2.cvtColor(photo, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + degrees / 2) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 255)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)


def mosaic(photo: Pixels, block: int) -> Pixels:
    """Squares of `block` pixels, each of one colour."""
    height, width = photo.shape[:2]
    columns, rows = -(-width // block), -(-height // block)
    whole = cv2.copyMakeBorder(
        photo, 0, rows * block - height, 0, columns * block - width, cv2.BORDER_REFLECT
    )
    small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (columns * block, rows * block), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large[:height, :width], np.uint8)


def blob(draft: Draft, strength: Strength, rng: np.random.Generator, *, soft: bool | None = None) -> Alpha:
    """A tilted ellipse or a box as alpha; its edge soft, hard, or by chance."""
    width, height = draft.size
    low, high = SIDES[strength]
    rx = max(5, round(min(draft.size) * rng.uniform(low, high) / 2))
    ry = max(5, round(rx * rng.uniform(0.6, 1.3)))
    x, y = _place(draft, (2 * rx, 2 * ry), rng)
    alpha = np.zeros((height, width), np.float32)
    if rng.random() < 0.35:
        alpha[y : y + 2 * ry, x : x + 2 * rx] = 1
    else:
        cv2.ellipse(alpha, (x + rx, y + ry), (rx, ry), float(rng.uniform(-15, 15)), 0, 360, 1.0, -1)
    soft = bool(rng.random() < 0.4) if soft is None else soft
    sigma = max(1.0, 0.12 * min(rx, ry)) if soft else 0.6
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.float32)


def feather(thing: CutOut, rng: np.random.Generator) -> CutOut:
    """The cut-out with a soft edge, softened inwards: outside it has no pixels."""
    sigma = max(1.0, max(thing.size) * float(rng.uniform(0.012, 0.03)))
    edge = cv2.copyMakeBorder(thing.alpha, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0.0)
    soft = np.minimum(edge, cv2.GaussianBlur(cv2.erode(edge, np.ones((3, 3))), (0, 0), sigma))
    return CutOut(thing.pixels, np.ascontiguousarray(soft[1:-1, 1:-1], np.float32), thing.noun)


def _block_aligned(alpha: Alpha, block: int) -> Alpha:
    """The squares of a mosaic that lie for the most part inside."""
    height, width = alpha.shape
    size = (-(-width // block), -(-height // block))
    whole = cv2.copyMakeBorder(
        alpha, 0, size[1] * block - height, 0, size[0] * block - width, cv2.BORDER_CONSTANT, value=0.0
    )
    squares = (cv2.resize(whole, size, interpolation=cv2.INTER_AREA) > 0.4).astype(np.float32)
    large = cv2.resize(squares, (size[0] * block, size[1] * block), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large[:height, :width], np.float32)


def _cut_out(draft: Draft, strength: Strength, stock: Stock, rng: np.random.Generator) -> CutOut:
    low, high = SIDES[strength]
    return stock.cut_out(rng, max(12, round(min(draft.size) * rng.uniform(low, high))))


def _place(draft: Draft, size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """The upper left corner (x, y) of a box of `size`, a little inside the picture."""
    corner = []
    for whole, part in zip(draft.size, size, strict=True):
        edge = max(2, whole // 40)
        corner.append(int(rng.integers(edge, max(edge + 1, whole - part - edge))))
    return corner[0], corner[1]


def _paste(photo: Pixels, thing: CutOut, at: tuple[int, int]) -> tuple[Pixels, Alpha]:
    """The photo with a cut-out in it, and its alpha [h, w]; what sticks out is lost."""
    height, width = photo.shape[:2]
    full, layer = np.zeros((height, width), np.float32), photo.copy()
    x, y = at
    w, h = min(thing.size[0], width - x), min(thing.size[1], height - y)
    full[y : y + h, x : x + w] = thing.alpha[:h, :w]
    layer[y : y + h, x : x + w] = thing.pixels[:h, :w]
    return blend(photo, layer, full), full


def _stands_out(without: Pixels, with_it: Pixels, alpha: Alpha) -> bool:
    """Whether an object can be told from the ground it was put on."""
    inside = alpha > 0.5
    if not inside.any():
        return False
    difference = np.abs(without.astype(np.int16) - with_it).max(axis=2)[inside]
    return bool(np.mean(difference > 25) > 0.5)


def _duplicate_natural(draft: Draft, strength: Strength, rng: np.random.Generator) -> Draft | None:
    """A part of the photo itself a second time."""
    photo = draft.query
    alpha = blob(draft, strength, rng)
    x, y, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    at = _place(draft, (width, height), rng)
    shift = (at[1] - y, at[0] - x)
    moved = np.roll(alpha, shift, (0, 1))
    if np.any((moved > 0) & (alpha > 0)) or photo[alpha > 0.5].std(axis=0).mean() < 25:
        return None
    after = blend(photo, np.roll(photo, shift, (0, 1)), moved)
    if not _stands_out(photo, after, moved):
        return None
    return draft.with_local(
        "object_duplicated", after, parameters={"source_box": [x, y, x + width, y + height], "moved": False}
    )
