"""The edits of sample_db's queries: each takes a photo, returns it edited, and says truly what was done.

Boxes are [x0, y0, x1, y1] in query pixels (`box`) and in pixels of the photo (`reference_box`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

Load: TypeAlias = Callable[[str], Image.Image]
Operations: TypeAlias = list[dict[str, Any]]
Edit: TypeAlias = Callable[[Image.Image, Load], tuple[Image.Image, Operations]]

# Photos outside the trusted set: three to ask about, and those that queries borrow from.
STRANGERS = ("tajMahal", "windmill13", "fish9")
DONORS = {
    "new-background": ("dam3",),
    "inset": ("operaHouse",),
    "sheep-added": ("sheep",),
    "duck-added": ("duck",),
}

JPEG = {"quality": 88}
WEBP = {"quality": 85, "method": 6}
LANCZOS = Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Recipe:
    """One query: a photo, what is done to it, and how it is saved."""

    photo: str
    name: str
    edit: Edit
    suffix: str = "jpg"
    save: dict[str, Any] = field(default_factory=lambda: dict(JPEG))


def operation(
    name: str,
    box: tuple[int, ...] | None = None,
    reference_box: tuple[int, ...] | None = None,
    text_before: str | None = None,
    text_after: str | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    truth: dict[str, Any] = {
        "operation": name,
        "box": box,
        "reference_box": reference_box,
        "parameters": parameters,
    }
    if text_before or text_after:
        truth |= {"text_before": text_before, "text_after": text_after}
    return truth


def chain(*edits: Edit) -> Edit:
    """One edit after another; those that move pixels come first, as boxes are not moved along."""

    def apply(photo: Image.Image, load: Load) -> tuple[Image.Image, Operations]:
        operations: Operations = []
        for edit in edits:
            photo, more = edit(photo, load)
            operations += more
        return photo, operations

    return apply


# ---------------------------------------------------------------- the whole picture


def unedited(scale: float = 1.0) -> Edit:
    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        size = (round(photo.width * scale), round(photo.height * scale))
        return (photo if scale == 1 else photo.resize(size, LANCZOS)), []

    return apply


def crop(left: float, top: float, right: float, bottom: float) -> Edit:
    """Cut off these shares of width and height."""

    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        width, height = photo.size
        kept = (
            round(left * width),
            round(top * height),
            round((1 - right) * width),
            round((1 - bottom) * height),
        )
        return photo.crop(kept), [_cropped(photo.size, kept)]

    return apply


def _cropped(size: tuple[int, int], kept: tuple[int, int, int, int]) -> dict[str, Any]:
    width, height = size
    return operation(
        "crop",
        reference_box=kept,
        kept_percent=round(100 * (kept[2] - kept[0]) * (kept[3] - kept[1]) / (width * height), 1),
        left_percent=round(100 * kept[0] / width, 1),
        top_percent=round(100 * kept[1] / height, 1),
        right_percent=round(100 * (1 - kept[2] / width), 1),
        bottom_percent=round(100 * (1 - kept[3] / height), 1),
    )


def mirror(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
    return photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT), [operation("flip", axis="horizontal")]


def rotate(degrees: float) -> Edit:
    """Turn by some degrees counter-clockwise, and crop to the largest upright part of the same shape."""

    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        turned = photo.rotate(degrees, Image.Resampling.BICUBIC)
        width, height = photo.size
        sine, cosine = abs(math.sin(math.radians(degrees))), math.cos(math.radians(degrees))
        share = (
            min(width / (width * cosine + height * sine), height / (width * sine + height * cosine)) * 0.995
        )
        left, top = math.ceil(width * (1 - share) / 2), math.ceil(height * (1 - share) / 2)
        kept = (left, top, width - left, height - top)
        return turned.crop(kept), [operation("rotate", degrees=degrees), _cropped(photo.size, kept)]

    return apply


def stretch(factor: float) -> Edit:
    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        wider = photo.resize((round(photo.width * factor), photo.height), LANCZOS)
        return wider, [operation("stretch", factor=factor)]

    return apply


def enhance(name: str, enhancer: Callable[[Image.Image], ImageEnhance._Enhance], factor: float) -> Edit:
    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        percent, sign = round((factor - 1) * 100), 1 if factor > 1 else -1
        return enhancer(photo).enhance(factor), [operation(name, percent=percent, sign=sign)]

    return apply


def grayscale(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
    return photo.convert("L").convert("RGB"), [operation("grayscale", kind="gray")]


def warmer(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
    gains = (1.14, 1.0, 0.78)
    warm = Image.merge(
        "RGB",
        [
            band.point(lambda level, gain=gain: level * gain)
            for band, gain in zip(photo.split(), gains, strict=True)
        ],
    )
    return warm, [
        operation("color_balance", sign=1, tint="warmer", red_percent=14, green_percent=0, blue_percent=-22)
    ]


def blur(sigma: float) -> Edit:
    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        return photo.filter(ImageFilter.GaussianBlur(sigma)), [operation("blur", sigma_px=sigma)]

    return apply


# ---------------------------------------------------------------- parts of the picture


def add_text(text: str, center: tuple[int, int], size: int) -> Edit:
    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        photo = photo.copy()
        draw, font = ImageDraw.Draw(photo), ImageFont.load_default(size)
        draw.text((center[0] + 2, center[1] + 2), text, "#202020", font, anchor="mm")
        draw.text(center, text, "white", font, anchor="mm")
        x0, y0, x1, y1 = draw.textbbox(center, text, font, anchor="mm")
        box = (math.floor(x0), math.floor(y0), math.ceil(x1) + 2, math.ceil(y1) + 2)
        return photo, [operation("text_added", box, box, text_after=text)]

    return apply


def remove_text(text: str, box: tuple[int, int, int, int]) -> Edit:
    """Paint out bright letters on a dark ground."""

    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        pixels = np.array(photo)
        inside = np.zeros(pixels.shape[:2], np.uint8)
        inside[box[1] : box[3], box[0] : box[2]] = 255
        letters = cv2.dilate(
            np.where(pixels.min(axis=-1) > 60, inside, 0).astype(np.uint8), np.ones((15, 15))
        )
        painted = cv2.inpaint(pixels, letters, 7, cv2.INPAINT_TELEA)
        found = _bounds(letters)
        return Image.fromarray(painted), [operation("text_removed", found, found, text_before=text)]

    return apply


def remove_object(box: tuple[int, int, int, int], shift: tuple[int, int]) -> Edit:
    """Cover `box` with the ground `shift` away, blended in (Poisson image editing, Pérez et al. 2003)."""

    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        x0, y0, x1, y1 = box
        dx, dy = shift
        patch = np.array(photo.crop((x0 + dx, y0 + dy, x1 + dx, y1 + dy)))
        mask = np.full(patch.shape[:2], 255, np.uint8)
        center = (x0 + (x1 - x0) // 2, y0 + (y1 - y0) // 2)
        covered = cv2.seamlessClone(patch, np.array(photo), mask, center, cv2.NORMAL_CLONE)
        return Image.fromarray(covered), [operation("object_removed", box, box)]

    return apply


def add_object(donor: str, around: tuple[int, int, int, int], height: int, foot: tuple[int, int]) -> Edit:
    """Cut an object out of another photo and stand it at `foot` (middle of its lower edge)."""

    def apply(photo: Image.Image, load: Load) -> tuple[Image.Image, Operations]:
        source = load(donor)
        alpha = cut_out(source, around)
        bounds = _bounds(np.array(alpha))
        size = (round((bounds[2] - bounds[0]) * height / (bounds[3] - bounds[1])), height)
        x, y = foot[0] - size[0] // 2, foot[1] - height
        photo = photo.copy()
        photo.paste(
            source.crop(bounds).resize(size, LANCZOS), (x, y), alpha.crop(bounds).resize(size, LANCZOS)
        )
        box = (x, y, x + size[0], y + size[1])
        return photo, [operation("object_added", box, box)]

    return apply


def blur_region(box: tuple[int, int, int, int], sigma: float) -> Edit:
    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        photo = photo.copy()
        photo.paste(photo.filter(ImageFilter.GaussianBlur(sigma)).crop(box), box[:2])
        return photo, [operation("object_blurred", box, box, kind="blurred", sigma_px=sigma)]

    return apply


def replace_background(donor: str, around: tuple[int, int, int, int]) -> Edit:
    """Keep the foreground and put it before another photo, out of focus."""

    def apply(photo: Image.Image, load: Load) -> tuple[Image.Image, Operations]:
        scene = load(donor)
        scale = max(photo.width / scene.width, photo.height / scene.height)
        scene = scene.resize((round(scene.width * scale), round(scene.height * scale)), LANCZOS)
        scene = scene.crop((0, 0, *photo.size)).filter(ImageFilter.GaussianBlur(3))
        scene.paste(photo, mask=cut_out(photo, around))
        box = (0, 0, *photo.size)
        return scene, [operation("background_replaced", box, box)]

    return apply


def inset(donor: str, size: tuple[int, int], width: int, corner: tuple[int, int]) -> Edit:
    """Place the photo, made smaller, in another picture."""

    def apply(photo: Image.Image, load: Load) -> tuple[Image.Image, Operations]:
        page = load(donor).resize(size, LANCZOS)
        small = photo.resize((width, round(width * photo.height / photo.width)), LANCZOS)
        page.paste(small, corner)
        box = (*corner, corner[0] + small.width, corner[1] + small.height)
        share = round(100 * small.width * small.height / (size[0] * size[1]), 1)
        return page, [operation("composite", box, (0, 0, *photo.size), area_percent=share)]

    return apply


def recolor(box: tuple[int, int, int, int], hue: tuple[int, int], turn: int, words: tuple[str, str]) -> Edit:
    """Turn the hue (0..179, as OpenCV has it) of the saturated pixels of a colour inside `box`."""

    def apply(photo: Image.Image, _: Load) -> tuple[Image.Image, Operations]:
        hsv = cv2.cvtColor(np.array(photo), cv2.COLOR_RGB2HSV)
        rolled = (hsv[..., 0].astype(int) - hue[0]) % 180
        mask = ((rolled <= (hue[1] - hue[0]) % 180) & (hsv[..., 1] > 110) & (hsv[..., 2] > 40)).astype(
            np.uint8
        )
        inside = np.zeros_like(mask)
        inside[box[1] : box[3], box[0] : box[2]] = 1
        mask = cv2.morphologyEx(mask & inside, cv2.MORPH_OPEN, np.ones((3, 3)))
        hsv[..., 0] = np.where(mask > 0, (hsv[..., 0].astype(int) + turn) % 180, hsv[..., 0])
        turned = Image.fromarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
        soft = Image.fromarray(mask * 255).filter(ImageFilter.GaussianBlur(1))
        found = _bounds(mask)
        truth = operation("object_recolored", found, found, from_color=words[0], to_color=words[1])
        return Image.composite(turned, photo, soft), [truth]

    return apply


def cut_out(photo: Image.Image, around: tuple[int, int, int, int]) -> Image.Image:
    """Alpha of the largest object inside `around` (GrabCut, Rother et al. 2004), softened by a pixel."""
    cv2.setRNGSeed(0)
    mask = np.zeros((photo.height, photo.width), np.uint8)
    rectangle = (around[0], around[1], around[2] - around[0], around[3] - around[1])
    bgr = cv2.cvtColor(np.array(photo), cv2.COLOR_RGB2BGR)
    cv2.grabCut(bgr, mask, rectangle, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_RECT)
    solid = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((3, 3)))
    _, parts, statistics, _ = cv2.connectedComponentsWithStats(solid)
    largest = 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    solid = cv2.morphologyEx((parts == largest).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7)))
    return Image.fromarray(cv2.erode(solid, np.ones((3, 3))) * 255).filter(ImageFilter.GaussianBlur(1))


def _bounds(mask: np.ndarray[Any, Any]) -> tuple[int, int, int, int]:
    y, x = np.nonzero(mask > 127 if mask.max() > 1 else mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


brighter = enhance("brightness", ImageEnhance.Brightness, 1.3)
darker = enhance("brightness", ImageEnhance.Brightness, 0.65)

RECIPES = (
    Recipe("neuschwansteinCastle", "cropped", crop(0.18, 0.08, 0.14, 0.12)),
    Recipe("horse", "mirrored", mirror, "webp", WEBP),
    Recipe("arlesAmphitheater", "rotated", rotate(5)),
    Recipe("chateaudeChambord", "brighter", brighter),
    Recipe("chameleon", "gray", grayscale),
    Recipe("montStMichel", "text-added", add_text("ROAD CLOSED AT HIGH TIDE", (512, 90), 52)),
    Recipe("japan", "sign-removed", remove_text("なつまつり", (226, 138, 468, 208))),
    Recipe("trierImperialBaths", "sheep-added", add_object("sheep", (225, 70, 745, 690), 190, (690, 545))),
    Recipe("cow", "cow-removed", remove_object((792, 172, 926, 282), (-250, 0))),
    Recipe("mysorePalace", "people-blurred", blur_region((822, 440, 984, 548), 9)),
    Recipe("scarlet_macaw", "new-background", replace_background("dam3", (120, 80, 960, 780))),
    Recipe("machuPicchu", "inset", inset("operaHouse", (1200, 900), 680, (470, 60))),
    Recipe("bison", "stretched", stretch(1.25)),
    Recipe("berlinCathedral", "contrast", enhance("contrast", ImageEnhance.Contrast, 1.45), "webp", WEBP),
    Recipe("koala", "warmer", warmer),
    Recipe("pontduGard", "blurred", blur(2.5)),
    Recipe("wormsCathedral", "pale", enhance("saturation", ImageEnhance.Color, 0.4)),
    Recipe("mexico", "tie-recolored", recolor((800, 420, 975, 585), (165, 12), 110, ("red", "blue"))),
    Recipe("colosseum", "cropped-and-darker", chain(crop(0.0, 0.1, 0.3, 0.0), darker)),
    Recipe("moose", "mirrored-and-gray", chain(mirror, grayscale)),
    Recipe(
        "goldenTemple",
        "duck-added-and-brighter",
        chain(add_object("duck", (100, 160, 840, 950), 170, (300, 690)), brighter),
    ),
    Recipe("greatWallofChina", "jpeg35", unedited(), "jpg", {"quality": 35}),
    Recipe("dog", "half-size", unedited(0.5), "webp", {"quality": 70}),
    Recipe("lemur", "png", unedited(0.75), "png", {"optimize": True}),
    Recipe("rocamadour", "resaved", unedited(0.8), "jpg", {"quality": 70}),
    Recipe("owl", "lossless", unedited(), "webp", {"lossless": True}),
)
