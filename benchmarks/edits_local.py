"""Measure how well local edits are found and named, on pairs made from a photo folder.

    python benchmarks/edits_local.py PHOTOS [PHOTOS ...] --stamps /usr/share/tuxpaint/stamps

Every photo gets a few edits whose mask and operation are known (cut-outs with an alpha channel serve as
objects), is saved as JPEG or WebP, sometimes resized or slightly cropped, and is compared under the true
homography plus a jitter of at most half a pixel. Unedited pairs measure false alarms. Printed by operation:
recall (any region covers the edit), share of rightly named operations among them, IoU, regions elsewhere, and
what was reported; then false changes on unedited pairs, and processor milliseconds.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from local_edits import EDITS, LocalEdit, Maker
from numpy.typing import NDArray
from PIL import Image

from provenance.compare.align import AlignedPair
from provenance.compare.pair import compare
from provenance.compare.regions import LocalChanges, find_local_changes
from provenance.records import Change, Comparison, DecodedImage, Pixels


def encode(pixels: Pixels, rng: np.random.Generator, *, benign: bool) -> tuple[Pixels, str]:
    """Save and reload as a random kind of file; `benign` goes down to JPEG quality 30."""
    kind = rng.choice(["jpeg", "jpeg", "jpeg444", "webp", "twice"])
    quality = int(rng.integers(30 if benign else 60, 96))
    picture = Image.fromarray(pixels)
    for _ in range(2 if kind == "twice" else 1):
        stream = io.BytesIO()
        if kind == "webp":
            picture.save(stream, "WEBP", quality=quality)
        else:
            picture.save(stream, "JPEG", quality=quality, subsampling=0 if kind == "jpeg444" else 2)
        picture = Image.open(stream).convert("RGB")
    return np.asarray(picture), f"{kind} q{quality}"


def publish(
    edited: Pixels, mask: NDArray[np.bool_], rng: np.random.Generator, *, benign: bool
) -> tuple[Pixels, NDArray[np.bool_], NDArray[np.float64], str]:
    """Resize, crop and encode as a web page would; returns query, mask, reference_from_query, words."""
    height, width = edited.shape[:2]
    x0 = y0 = 0
    x1, y1 = width, height
    words = []
    if rng.random() < 0.2:
        cut = rng.uniform(0, 0.05, 4)
        x0, y0 = int(cut[0] * width), int(cut[1] * height)
        x1, y1 = width - int(cut[2] * width), height - int(cut[3] * height)
        words.append("crop")
    low, high = (0.3, 2.0) if benign else (0.5, 1.5)
    scale = float(rng.uniform(low, high)) if rng.random() < 0.5 else 1.0
    picture = Image.fromarray(edited[y0:y1, x0:x1])
    truth = Image.fromarray(mask[y0:y1, x0:x1])
    size = (max(64, round((x1 - x0) * scale)), max(48, round((y1 - y0) * scale)))
    if scale != 1.0:
        filters = [Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR]
        picture = picture.resize(size, filters[int(rng.integers(3))])
        truth = truth.resize(size, Image.Resampling.NEAREST)
        words.append(f"x{scale:.2f}")
    sx, sy = (x1 - x0) / picture.width, (y1 - y0) / picture.height
    homography = np.array([[sx, 0, x0 + (sx - 1) / 2], [0, sy, y0 + (sy - 1) / 2], [0, 0, 1]], np.float64)
    pixels, saved = encode(np.asarray(picture), rng, benign=benign)
    return pixels, np.asarray(truth), homography, " ".join([*words, saved])


def align_by_truth(
    query: Pixels, reference: Pixels, homography: NDArray[np.float64], jitter_px: float, side_px: int = 1024
) -> AlignedPair:
    """Warp the reference into the query's frame at working size, low-passed where it shrinks."""
    height, width = query.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    work = (
        query if scale == 1.0 else cv2.resize(query, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    )
    h, w = work.shape[:2]
    sx, sy = width / w, height / h
    full_from_work = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    shift = np.array([[1, 0, jitter_px], [0, 1, -0.7 * jitter_px], [0, 0, 1]])
    matrix = homography @ full_from_work @ shift
    source, shrink = reference, float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if shrink > 1.05:
        size = (round(reference.shape[1] / shrink), round(reference.shape[0] / shrink))
        source = np.asarray(Image.fromarray(reference).resize(size, Image.Resampling.BICUBIC))
        rx, ry = reference.shape[1] / size[0], reference.shape[0] / size[1]
        matrix = np.linalg.inv(np.array([[rx, 0, (rx - 1) / 2], [0, ry, (ry - 1) / 2], [0, 0, 1]])) @ matrix
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(source, matrix, (w, h), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpPerspective(np.full(source.shape[:2], 255, np.uint8), matrix, (w, h), flags=flags) > 250
    overlap = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return AlignedPair(work, warped, overlap, w / width, homography, reference, abs(jitter_px))


def decoded(pixels: Pixels) -> DecodedImage:
    """Pixels as the decode room hands them on."""
    height, width = pixels.shape[:2]
    return DecodedImage(pixels, "", "", None, "PNG", pixels.size, width, height)


@dataclass(frozen=True, eq=False)
class Result:
    """What was found in one pair, however it was aligned."""

    query: Pixels
    reference: Pixels
    overlap: NDArray[np.bool_]
    working_scale: float
    change_map: NDArray[np.float32]
    labels: NDArray[np.int32]
    changes: tuple[Change, ...]
    milliseconds: float

    def picture(self, truth: NDArray[np.bool_]) -> Pixels:
        """Reference, query, change map, and outlines: green what was edited, red what was found."""
        heat = cv2.applyColorMap((self.change_map * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
        shown = self.query.copy()
        shown[_outline(truth)] = (0, 255, 0)
        for change in self.changes:
            shown[_outline(self.labels == change.label)] = (255, 0, 0)
            x, y = (int(v * self.working_scale) for v in (change.box or (0, 0))[:2])
            word = f"{change.label} {change.operation} {change.confidence:.2f}"
            cv2.putText(shown, word, (x, max(10, y)), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1)
        top, bottom = np.concatenate([self.reference, self.query], 1), np.concatenate([heat, shown], 1)
        return np.concatenate([top, bottom])


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0


def find_changes(
    query: Pixels,
    reference: Pixels,
    homography: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    whole: bool,
    text: bool,
) -> Result:
    """Run the local half alone under the true alignment, or the whole comparison from corners 1.5 px off."""
    if whole:
        h, w = query.shape[:2]
        corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
        there = cv2.perspectiveTransform(corners[None], homography)[0] + rng.normal(0, 1.1, (4, 2))
        rough = np.asarray(cv2.getPerspectiveTransform(corners, there.astype(np.float32)), np.float64)
        started = time.process_time()
        found: Comparison | LocalChanges = compare(decoded(query), decoded(reference), rough, read_text=text)
        pair: Comparison | AlignedPair = found
    else:
        pair = align_by_truth(query, reference, homography, float(rng.uniform(-0.5, 0.5)))
        started = time.process_time()
        found = find_local_changes(pair, pair.reference, read_text=text)
    elapsed = 1e3 * (time.process_time() - started)
    return Result(
        pair.query,
        pair.reference,
        pair.overlap,
        pair.working_scale,
        found.change_map,
        found.labels,
        found.changes,
        elapsed,
    )


@dataclass
class Score:
    """Sums over the pairs of one operation."""

    pairs: int = 0
    found: int = 0
    named: int = 0
    extra: int = 0
    iou: float = 0.0
    reported: Counter[str] = field(default_factory=Counter)

    def add(self, edit: LocalEdit, truth: NDArray[np.bool_], result: Result) -> str:
        """Count one pair; returns the operation that was reported where the edit is, "-" for none."""
        labels = result.labels
        self.pairs += 1
        hit = Counter(labels[truth & (labels > 0)].tolist())
        union = float(np.count_nonzero(truth | (labels > 0)))
        self.iou += np.count_nonzero(truth & (labels > 0)) / max(union, 1.0)
        around = cv2.dilate(truth.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        self.extra += sum(not np.any(around & (labels == change.label)) for change in result.changes)
        reported = "-"
        if sum(hit.values()) >= 0.1 * np.count_nonzero(truth):
            biggest = hit.most_common(1)[0][0]
            reported = next(change.operation for change in result.changes if change.label == biggest)
        self.found += reported != "-"
        self.named += reported in edit.operations
        self.reported[reported] += 1
        return reported

    def line(self, name: str) -> str:
        """One row of the table."""
        n = max(1, self.pairs)
        return (
            f"{name:20s} {n:5d}  {self.found / n:6.3f} {self.named / max(1, self.found):6.3f}"
            f" {self.iou / n:5.2f} {self.extra / n:6.2f}   {dict(self.reported.most_common())}"
        )


class Bench:
    """Runs pairs and keeps count."""

    def __init__(self, options: argparse.Namespace, maker: Maker) -> None:
        self.options, self.maker = options, maker
        self.scores: dict[str, Score] = defaultdict(Score)
        self.false_pairs: list[str] = []
        self.unedited = 0
        self.times: list[tuple[float, float]] = []
        self.texts: Counter[str] = Counter()

    def try_unedited(self, photo: Pixels, name: str, rng: np.random.Generator) -> None:
        """One pair without an edit: any change is false."""
        query, _, homography, words = publish(photo, np.zeros(photo.shape[:2], bool), rng, benign=True)
        result = self.find(query, photo, homography, rng)
        self.unedited += 1
        changes = [c for c in result.changes if not (c.operation == "crop" and "crop" in words)]
        if changes:
            seen = ", ".join(f"{c.operation} {c.box} {dict(c.parameters)}" for c in changes)
            self.false_pairs.append(f"{name} {words}: {seen}")
            self.save(f"unedited_{name}", result, np.zeros(result.overlap.shape, bool))

    def try_edit(self, kind: str, photo: Pixels, name: str, rng: np.random.Generator) -> None:
        """One pair with an edit of `kind`."""
        edit = EDITS[kind](self.maker, photo, rng)
        if edit is None:
            return
        query, truth, homography, words = publish(edit.edited, edit.mask, rng, benign=False)
        result = self.find(query, edit.reference, homography, rng)
        h, w = result.overlap.shape
        self.times.append((h * w / 1e6, result.milliseconds))
        truth = cv2.resize(truth.astype(np.uint8), (w, h), interpolation=cv2.INTER_NEAREST) > 0
        reported = self.scores[kind].add(edit, truth & result.overlap, result)
        if edit.text is not None and self.options.text:
            found = [(c.text_before, c.text_after) for c in result.changes if c.operation.startswith("text")]
            self.texts["exact" if edit.text in found else "other"] += 1
            if edit.text not in found:
                print("text", edit.text, "->", found, (w, h), words)
        if reported not in edit.operations:
            self.save(f"{kind}_{name}_{reported}", result, truth)

    def find(
        self, query: Pixels, reference: Pixels, homography: NDArray[np.float64], rng: np.random.Generator
    ) -> Result:
        """Find the changes as the options say."""
        options = self.options
        return find_changes(query, reference, homography, rng, whole=options.whole, text=options.text)

    def save(self, name: str, result: Result, truth: NDArray[np.bool_]) -> None:
        """Keep a picture of a failure."""
        if self.options.failures is not None:
            self.options.failures.mkdir(parents=True, exist_ok=True)
            Image.fromarray(result.picture(truth)).save(self.options.failures / f"{name}.png")

    def print(self) -> None:
        """Print the tables."""
        print(f"{'edit':20s} pairs  recall  named   IoU  extra/pair  reported as")
        total = Score()
        for name, score in sorted(self.scores.items()):
            print(score.line(name))
            for key in ("pairs", "found", "named", "extra", "iou"):
                setattr(total, key, getattr(total, key) + getattr(score, key))
        print(total.line("all"))
        print(f"unedited pairs with a false change: {len(self.false_pairs)} of {self.unedited}")
        for line in self.false_pairs[:20]:
            print("   ", line)
        if self.texts:
            print("text strings:", dict(self.texts))
        if self.times:
            sizes, times = np.array(self.times).T
            print(f"processor ms: median {np.median(times):.0f} at {np.median(sizes):.2f} MP", end="; ")
            big = times[sizes > 0.6]
            print(f"over 0.6 MP: median {np.median(big):.0f}, of {len(big)}" if len(big) else "")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--limit", type=int, default=60, help="photos used of each folder")
    parser.add_argument("--skip", type=int, default=0, help="photos skipped of each folder")
    parser.add_argument("--per-photo", type=int, default=6, help="edits of each photo")
    parser.add_argument("--unedited", type=int, default=3, help="unedited pairs of each photo")
    parser.add_argument("--only", nargs="*", help="names of edits")
    parser.add_argument("--text", action="store_true", help="read text too (slow)")
    parser.add_argument("--whole", action="store_true", help="run compare(), alignment and tone fit included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", type=Path, help="folder for pictures of the failures")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    paths: list[Path] = []
    for folder in options.photos:
        found = sorted([*folder.glob("*.jpg"), *folder.glob("*.webp")])
        paths += found[options.skip :: 3][: options.limit]
    bench = Bench(options, Maker(stamps=options.stamps, fonts=options.fonts, photos=paths))
    names = options.only or list(EDITS)
    turn = 0
    for number, path in enumerate(paths):
        rng = np.random.default_rng([options.seed, number])
        photo = bench.maker.read(path)
        for _ in range(options.unedited):
            bench.try_unedited(photo, path.stem, rng)
        for _ in range(options.per_photo):
            bench.try_edit(names[turn % len(names)], photo, path.stem, rng)
            turn += 1
    bench.print()


if __name__ == "__main__":
    main()
