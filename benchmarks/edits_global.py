"""Known whole-picture edits on real photos: are they found, measured right, and nothing else claimed?

    python benchmarks/edits_global.py PHOTOS [--photos 60] [--seed 0] [--local] [--list]

For every photo a few edits of each kind at three strengths, some with a local edit on top, and unedited
copies (JPEG 30-95, twice, WebP, PNG, resized 0.15-2). The homography that verification would give is the true
one with its corners moved by about 1.5 px. `--local` runs the local half of compare() too and counts what it
reports on unedited pairs. Prints recall and precision by operation, errors of parameters,
signs, replay PSNR, times.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from provenance.compare import pair as whole
from provenance.compare.motion import corners_of, project, resize_matrix
from provenance.compare.regions import LocalChanges
from provenance.records import Comparison, DecodedImage

STRENGTHS = ("light", "clear", "gross")


@dataclass
class Edited:
    """An edited copy, the homography reference_from_query, and the truth by operation."""

    image: Image.Image
    matrix: np.ndarray
    truth: dict[str, dict] = field(default_factory=dict)


@dataclass
class Tally:
    """Counts of one operation."""

    asked: int = 0
    found: int = 0
    false: int = 0
    sign_right: int = 0
    signed: int = 0
    errors: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)


def decoded(image: Image.Image) -> DecodedImage:
    pixels = np.ascontiguousarray(image.convert("RGB"))
    return DecodedImage(
        pixels=pixels, name="", sha256="", pixel_sha256=None, format="JPEG", byte_size=0,
        width=image.width, height=image.height,
    )  # fmt: skip


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer).convert("RGB")


def warped(image: Image.Image, matrix: np.ndarray, size: tuple[int, int], fill: int = 0) -> Image.Image:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return Image.fromarray(
        cv2.warpPerspective(np.asarray(image), matrix, size, flags=flags, borderValue=(fill,) * 3)
    )


def shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


# ------------------------------------------------------------ edits: (image, strength 0..2, rng) -> Edited


def crop(im, k, rng):
    kept = (0.9, 0.75, 0.5)[k] ** 0.5
    w, h = round(im.width * kept), round(im.height * kept)
    x, y = int(rng.integers(0, im.width - w + 1)), int(rng.integers(0, im.height - h + 1))
    cuts = np.array(
        [x / im.width, y / im.height, (im.width - x - w) / im.width, (im.height - y - h) / im.height]
    )
    truth = {"kept_percent": 100 * w * h / im.width / im.height, "left_percent": 100 * cuts[0]}
    return Edited(im.crop((x, y, x + w, y + h)), shift(x, y), {"crop": truth})


def crop_resized(im, k, rng):
    edited = crop(im, k, rng)
    factor = rng.uniform(0.5, 1.3)
    size = (round(edited.image.width * factor), round(edited.image.height * factor))
    matrix = edited.matrix @ resize_matrix(size, edited.image.size)
    return Edited(edited.image.resize(size, Image.Resampling.LANCZOS), matrix, edited.truth)


def pad(im, k, rng):
    px = (8, 30, 90)[k]
    only = rng.random() < 0.4
    border = (0, px, 0, px) if only else (px, px, px, px)
    color = ((0, 0, 0), (255, 255, 255), (40, 90, 160))[int(rng.integers(3))]
    out = ImageOps.expand(im, border, color)
    truth = {"left_px": border[0], "top_px": border[1]}
    return Edited(out, shift(-border[0], -border[1]), {"pad": truth})


def rotated(im, degrees, *, inner, fill=0):
    t = np.radians(degrees)
    c = (np.array(im.size) - 1) / 2
    turn = np.eye(3)
    turn[:2, :2] = [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]
    turn[:2, 2] = c - turn[:2, :2] @ c
    out = warped(im, turn, im.size, fill)
    truth = {"rotate": {"degrees": degrees}}
    if not inner:
        return Edited(out, turn, truth)
    w, h = im.size
    s, co = abs(np.sin(t)), abs(np.cos(t))
    scale = min(w / (w * co + h * s), h / (h * co + w * s))
    dx, dy = int(np.ceil(w * (1 - scale) / 2)), int(np.ceil(h * (1 - scale) / 2))
    return Edited(out.crop((dx, dy, w - dx, h - dy)), turn @ shift(dx, dy), truth | {"crop": {}})


def rotate(im, k, rng):
    degrees = (rng.uniform(0.7, 1.5), rng.uniform(2, 6), rng.uniform(8, 25))[k] * rng.choice([-1, 1])
    return rotated(im, float(degrees), inner=rng.random() < 0.5, fill=int(rng.choice([0, 255])))


def quarter(im, k, rng):
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    out = im.transpose(turns[k])
    w, h = im.size
    matrix = (
        np.array([[0, -1, w - 1], [1, 0, 0], [0, 0, 1.0]]),
        np.array([[-1, 0, w - 1], [0, -1, h - 1], [0, 0, 1.0]]),
        np.array([[0, 1, 0], [-1, 0, h - 1], [0, 0, 1.0]]),
    )[k]
    return Edited(out, matrix, {"rotate": {"degrees": (90, 180, -90)[k]}})


def flip(im, k, rng):
    w, h = im.size
    if k == 2:
        matrix = np.array([[1, 0, 0], [0, -1, h - 1], [0, 0, 1.0]])
        return Edited(ImageOps.flip(im), matrix, {"flip": {"axis": "vertical"}})
    matrix = np.array([[-1, 0, w - 1], [0, 1, 0], [0, 0, 1.0]])
    return Edited(ImageOps.mirror(im), matrix, {"flip": {"axis": "horizontal"}})


def stretch(im, k, rng):
    factor = (1.05, 1.15, 1.4)[k] ** rng.choice([-1, 1])
    size = (round(im.width * factor), im.height)
    return Edited(
        im.resize(size, Image.Resampling.BICUBIC),
        resize_matrix(size, im.size),
        {"stretch": {"factor": factor}},
    )


def perspective(im, k, rng):
    corners = corners_of(im.size)
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * np.array(im.size)
    moved = corners + inward * rng.uniform(0.2, 1, (4, 2)) * (0.03, 0.07, 0.15)[k]
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)).astype(float)
    return Edited(warped(im, matrix, im.size), matrix, {"perspective": {}, "crop": {}})


def composite(im, k, rng):
    ground = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize(
        im.size, Image.Resampling.BICUBIC
    )
    noise = rng.normal(0, 25, (im.height, im.width, 1))
    ground = Image.fromarray(np.clip(np.asarray(ground) + noise, 0, 255).astype(np.uint8))
    side = (0.85, 0.7, 0.5)[k]
    size = (round(im.width * side), round(im.height * side))
    x, y = int(rng.integers(0, im.width - size[0])), int(rng.integers(0, im.height - size[1]))
    ground.paste(im.resize(size, Image.Resampling.LANCZOS), (x, y))
    matrix = resize_matrix(size, im.size) @ shift(-x, -y)
    return Edited(ground, matrix, {"composite": {"area_percent": 100 * side * side}})


def still(change: Callable) -> Callable:
    """An edit of levels only."""

    def edit(im, k, rng):
        out, truth = change(im, k, rng)
        return Edited(out, np.eye(3), truth)

    edit.__name__ = change.__name__
    return edit


def _factor(k, rng, sizes):
    amount = sizes[k]
    return 1 + amount if rng.random() < 0.5 else 1 - min(amount, 0.6)


@still
def brightness(im, k, rng):
    f = _factor(k, rng, (0.08, 0.25, 0.6))
    return ImageEnhance.Brightness(im).enhance(f), {"brightness": {"percent": 100 * (f - 1)}}


@still
def brightness_added(im, k, rng):
    d = int(rng.choice([-1, 1]) * (10, 30, 70)[k])
    return im.point(lambda v: min(255, max(0, v + d))), {"brightness": {"sign": d}}


@still
def brightness_gamma(im, k, rng):
    g = (1.15, 1.5, 2.2)[k] ** rng.choice([-1, 1])
    return im.point(lambda v: round(255 * (v / 255) ** g)), {"brightness": {"sign": 1 if g < 1 else -1}}


@still
def contrast(im, k, rng):
    f = _factor(k, rng, (0.1, 0.3, 0.7))
    return ImageEnhance.Contrast(im).enhance(f), {"contrast": {"percent": 100 * (f - 1)}}


@still
def saturation(im, k, rng):
    f = _factor(k, rng, (0.2, 0.4, 0.8))
    return ImageEnhance.Color(im).enhance(f), {"saturation": {"percent": 100 * (f - 1)}}


@still
def brightness_saturation(im, k, rng):
    f, s = _factor(k, rng, (0.1, 0.25, 0.5)), _factor(k, rng, (0.25, 0.4, 0.8))
    out = ImageEnhance.Color(ImageEnhance.Brightness(im).enhance(f)).enhance(s)
    return out, {"brightness": {"percent": 100 * (f - 1)}, "saturation": {"percent": 100 * (s - 1)}}


@still
def balance(im, k, rng):
    d = (0.06, 0.15, 0.3)[k] * rng.choice([-1, 1])
    x = np.asarray(im).astype(float) * [1 + d, 1, 1 - d]
    return Image.fromarray(np.clip(np.rint(x), 0, 255).astype(np.uint8)), {
        "color_balance": {"sign": np.sign(d)}
    }


@still
def balance_added(im, k, rng):
    d = (8, 20, 45)[k] * rng.choice([-1, 1])
    x = np.asarray(im) + np.array([d, 0.0, -d])
    return Image.fromarray(np.clip(x, 0, 255).astype(np.uint8)), {"color_balance": {"sign": np.sign(d)}}


@still
def gray(im, k, rng):
    return im.convert("L").convert("RGB"), {"grayscale": {"kind": "gray"}}


@still
def sepia(im, k, rng):
    m = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    x = np.asarray(im).astype(float) @ m.T
    return Image.fromarray(np.clip(x, 0, 255).astype(np.uint8)), {"grayscale": {"kind": "sepia"}}


@still
def curve(im, k, rng):
    a = (0.05, 0.12, 0.25)[k]
    lut = [min(255, max(0, round(v - a * 255 * np.sin(2 * np.pi * v / 255) * 0.6))) for v in range(256)]
    return im.point(lut * 3), {"tone|contrast": {}}


@still
def shadows(im, k, rng):
    a = (20, 45, 80)[k]
    lut = [round(v + a * np.exp(-(((v - 50) / 40) ** 2)) * min(1, v / 30)) for v in range(256)]
    return im.point(lut * 3), {"tone|brightness": {"sign": 1}}


@still
def inverted(im, k, rng):
    return ImageOps.invert(im), {"tone": {"kind": "inverted"}}


@still
def posterized(im, k, rng):
    return ImageOps.posterize(im, (4, 3, 2)[k]), {"tone": {"kind": "posterized"}}


@still
def vignette(im, k, rng):
    y, x = np.mgrid[-1 : 1 : im.height * 1j, -1 : 1 : im.width * 1j]
    r2 = (x * x * im.width**2 + y * y * im.height**2) / (im.width**2 + im.height**2)
    gain = 1 - (0.25, 0.5, 0.85)[k] * r2
    return Image.fromarray((np.asarray(im) * gain[..., None]).astype(np.uint8)), {
        "tone": {"kind": "vignette"}
    }


@still
def blur(im, k, rng):
    s = (0.9, 1.8, 4.0)[k]
    return im.filter(ImageFilter.GaussianBlur(s)), {"blur": {"sigma_px": s}}


@still
def box_blur(im, k, rng):
    r = (1, 2, 5)[k]
    return im.filter(ImageFilter.BoxBlur(r)), {"blur": {"sigma_px": (((2 * r + 1) ** 2 - 1) / 12) ** 0.5}}


@still
def sharpen(im, k, rng):
    return im.filter(ImageFilter.UnsharpMask(2, (60, 130, 250)[k], 0)), {
        "sharpen": {"percent": (60, 130, 250)[k]}
    }


@still
def noise(im, k, rng):
    s = (5, 12, 30)[k]
    x = np.asarray(im) + rng.normal(0, s, (im.height, im.width, 3))
    return Image.fromarray(np.clip(x, 0, 255).astype(np.uint8)), {"noise": {"sigma_levels": s}}


@still
def brightness_contrast(im, k, rng):
    b, f = _factor(k, rng, (0.1, 0.25, 0.5)), _factor(k, rng, (0.15, 0.3, 0.5))
    out = ImageEnhance.Contrast(ImageEnhance.Brightness(im).enhance(b)).enhance(f)
    return out, {"brightness": {"percent": 100 * (b - 1)}, "contrast": {"percent": 100 * (f - 1)}}


def chain(im, k, rng):
    first = crop(im, k, rng)
    second = brightness(first.image, k, rng)
    return Edited(second.image, first.matrix, first.truth | second.truth)


EDITS = (
    crop, crop_resized, pad, rotate, quarter, flip, stretch, perspective, composite,
    brightness, brightness_added, brightness_gamma, contrast, saturation, brightness_saturation,
    brightness_contrast, balance, balance_added, gray, sepia, curve, shadows, inverted, posterized, vignette,
    blur, box_blur, sharpen, noise, chain,
)  # fmt: skip


def local_edit(edited: Edited, rng: np.random.Generator) -> Edited:
    """A blob of another colour over 2-15 % of the picture, not counted as truth."""
    image = edited.image.copy()
    w, h = image.size
    r = np.sqrt(rng.uniform(0.02, 0.15) * w * h / np.pi)
    x, y = rng.uniform(0.25, 0.75) * w, rng.uniform(0.25, 0.75) * h
    ImageDraw.Draw(image).ellipse(
        [x - r, y - r, x + r, y + r], fill=tuple(int(v) for v in rng.integers(0, 255, 3))
    )
    return Edited(image, edited.matrix, edited.truth)


def benign(im: Image.Image, kind: int, rng: np.random.Generator) -> tuple[str, Edited]:
    """An unedited copy of the given kind."""
    same = np.eye(3)
    if kind == 0:
        q = int(rng.integers(30, 96))
        return f"jpeg{q}", Edited(saved(im, quality=q), same)
    if kind == 1:
        q, p = int(rng.integers(40, 96)), int(rng.integers(30, 90))
        return f"jpeg{q},{p}", Edited(saved(saved(im, quality=q), quality=p), same)
    if kind == 2:
        q = int(rng.integers(30, 95))
        return f"webp{q}", Edited(saved(im, "WEBP", quality=q), same)
    if kind in (3, 4, 5):
        factor = (rng.uniform(0.3, 0.95), rng.uniform(1.05, 2.0), rng.uniform(0.15, 0.3))[kind - 3]
        size = (max(8, round(im.width * factor)), max(8, round(im.height * factor)))
        method = Image.Resampling(int(rng.choice([1, 2, 3, 4, 5])))
        q = int(rng.integers(50, 96))
        return (
            f"resize{factor:.2f} {method.name} q{q}",
            Edited(saved(im.resize(size, method), quality=q), resize_matrix(size, im.size)),
        )
    if kind == 6:
        size = (round(im.width * 0.6), round(im.height * 0.6))
        small = cv2.resize(np.asarray(im), size, interpolation=cv2.INTER_LINEAR)
        return "cv2 linear", Edited(saved(Image.fromarray(small), quality=80), resize_matrix(size, im.size))
    return "png, one level", Edited(Image.fromarray(np.asarray(im) ^ 1), same)


def jittered(
    matrix: np.ndarray, size: tuple[int, int], rng: np.random.Generator, px: float = 1.5
) -> np.ndarray:
    """The homography with its corners moved by about `px` query pixels."""
    corners = corners_of(size)
    moved = project(matrix, corners + rng.normal(0, px / 1.5, corners.shape))
    return cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)).astype(float)


def only_whole(pair, predicted, *, read_text=True, sharpened=False) -> LocalChanges:
    """No local half: its bench is edits_local.py."""
    shape = pair.overlap.shape
    return LocalChanges(np.zeros(shape, np.int32), (), np.zeros(shape, np.float32), np.zeros(shape, bool))


def judge(name: str, k: int, edited: Edited, result: Comparison, tallies: dict, args) -> None:
    """Compare what was listed with what was done."""
    found = {change.operation: change.parameters for change in result.changes if change.label == 0}
    allowed = set()
    for wanted, truth in edited.truth.items():
        names = wanted.split("|")
        allowed |= set(names)
        tally = tallies[(name, wanted, STRENGTHS[k])]
        tally.asked += 1
        hit = next((n for n in names if n in found), None)
        if hit is None:
            if args.list:
                print(
                    "MISSED",
                    name,
                    wanted,
                    STRENGTHS[k],
                    args.photo,
                    {**truth},
                    "found",
                    found,
                    result.measurements,
                )
            continue
        tally.found += 1
        for key, value in truth.items():
            got = found[hit].get(key)
            if key == "sign" or isinstance(value, str):
                tally.signed += 1
                tally.sign_right += got == value or (key == "sign" and got is not None and got * value > 0)
            elif got is not None:
                if key == "degrees":
                    got = value + (got - value + 180) % 360 - 180
                tally.errors.append(abs(got - value))
                if key in ("percent", "degrees"):
                    tally.signed += 1
                    tally.sign_right += got * value > 0
        if result.replay_psnr_db is not None:
            tally.psnr.append(result.replay_psnr_db)
    for operation in set(found) - allowed:
        tallies[(name, next(iter(edited.truth)), STRENGTHS[k])].false += 1
        if args.list:
            print("EXTRA", name, STRENGTHS[k], args.photo, operation, found[operation], "truth", edited.truth)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--list", action="store_true", help="print every miss and every false edit")
    parser.add_argument("--only", default="", help="names of edits, comma-separated; 'benign' for none")
    args = parser.parse_args()
    if not args.local:
        whole.find_local_changes = only_whole
    files = sorted(p for p in args.folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    files = files[:: max(1, len(files) // args.photos)][: args.photos]
    edits = [e for e in EDITS if not args.only or e.__name__ in args.only.split(",")]
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    false, pairs, times = Counter(), 0, []
    for number, path in enumerate(files):
        rng = np.random.default_rng([args.seed, number])
        args.photo = path.name
        im = Image.open(path).convert("RGB")
        reference = decoded(im)
        for place, make in enumerate(edits):
            if (place + number) % 2:
                continue
            k = (number // 2 + place) % 3
            edited = make(im, k, rng)
            if rng.random() < 0.3:
                edited = local_edit(edited, rng)
            query = decoded(saved(edited.image, quality=int(rng.integers(70, 96))))
            start = time.perf_counter()
            given = jittered(edited.matrix, edited.image.size, rng)
            result = whole.compare(query, reference, given, read_text=False)
            times.append(time.perf_counter() - start)
            judge(make.__name__, k, edited, result, tallies, args)
        for kind in range(8):
            if args.only and "benign" not in args.only:
                break
            label, edited = benign(im, kind, rng)
            given = jittered(edited.matrix, edited.image.size, rng)
            result = whole.compare(decoded(edited.image), reference, given, read_text=False)
            pairs += 1
            for change in result.changes:
                false[change.operation] += 1
                print(
                    "FALSE",
                    label,
                    path.name,
                    im.size,
                    change.operation,
                    change.parameters,
                    result.measurements,
                )
    report(tallies, false, pairs, times)


def report(tallies: dict, false: Counter, pairs: int, times: list[float]) -> None:
    print(
        f"{'edit':22} {'operation':16} {'strength':8} {'recall':>9} {'extra':>5} {'signs':>7} {'error':>7} "
        f"{'PSNR':>6}"
    )
    for (name, wanted, strength), t in sorted(tallies.items()):
        error = f"{np.median(t.errors):.2f}" if t.errors else "-"
        signs = f"{t.sign_right}/{t.signed}" if t.signed else "-"
        psnr = f"{np.median(t.psnr):.1f}" if t.psnr else "-"
        print(
            f"{name:22} {wanted:16} {strength:8} {t.found:4}/{t.asked:<4} {t.false:5} {signs:>7} {error:>7} "
            f"{psnr:>6}"
        )
    for strength in STRENGTHS:
        rows = [t for (_, _, s), t in tallies.items() if s == strength]
        asked, found, extra = (sum(getattr(t, key) for t in rows) for key in ("asked", "found", "false"))
        print(f"{strength}: recall {found / max(asked, 1):.3f} ({found}/{asked}), extra edits {extra}, "
              f"precision {found / max(found + extra, 1):.3f}")  # fmt: skip
    print(f"unedited: {pairs} pairs, false edits {sum(false.values())} {dict(false)}")
    if times:
        print(
            f"compare: median {1e3 * np.median(times):.0f} ms, 95 % {1e3 * np.percentile(times, 95):.0f} ms"
        )


if __name__ == "__main__":
    main()
