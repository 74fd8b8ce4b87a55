"""Measure how well local edits are found and named, on pairs made from a photo folder.

    python benchmarks/edits_local.py PHOTOS [PHOTOS ...] --stamps /usr/share/tuxpaint/stamps

Every photo gets a few edits whose mask and operation are known (cut-outs with an alpha channel serve as
objects), is saved as JPEG or WebP, sometimes resized or slightly cropped, and is compared under the true
homography plus a jitter of at most half a pixel. Unedited pairs measure false alarms. Printed by operation:
recall (any region covers the edit), IoU, share of rightly named operations; then the confusion table, false
regions on unedited pairs, and milliseconds.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from local_edits import EDITS, LocalEdit, Maker
from numpy.typing import NDArray
from PIL import Image

from provenance.compare.align import AlignedPair
from provenance.compare.regions import LocalChanges, find_local_changes
from provenance.records import Pixels


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


@dataclass
class Score:
    """Sums over the pairs of one operation."""

    pairs: int = 0
    found: int = 0
    named: int = 0
    extra: int = 0
    iou: float = 0.0


def judge(score: Score, edit: LocalEdit, truth: NDArray[np.bool_], local: LocalChanges) -> str:
    """Count one pair; returns the operation that was reported where the edit is, "-" for none."""
    labels = local.labels
    score.pairs += 1
    hit = Counter(labels[truth & (labels > 0)].tolist())
    union = float(np.count_nonzero(truth | (labels > 0)))
    score.iou += np.count_nonzero(truth & (labels > 0)) / max(union, 1.0)
    covered = sum(hit.values()) / max(1, np.count_nonzero(truth))
    around = cv2.dilate(truth.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    score.extra += sum(not np.any(around & (labels == change.label)) for change in local.changes)
    if covered < 0.1:
        return "-"
    score.found += 1
    biggest = hit.most_common(1)[0][0]
    reported = next(change.operation for change in local.changes if change.label == biggest)
    score.named += reported in edit.operations
    return reported


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--limit", type=int, default=60, help="photos used of each folder")
    parser.add_argument("--skip", type=int, default=0, help="photos skipped of each folder")
    parser.add_argument("--per-photo", type=int, default=6, help="edits of each photo")
    parser.add_argument("--benign", type=int, default=3, help="unedited pairs of each photo")
    parser.add_argument("--only", nargs="*", help="names of edits")
    parser.add_argument("--text", action="store_true", help="read text too (slow)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", type=Path, help="folder for pictures of the failures")
    options = parser.parse_args()
    cv2.setNumThreads(2)
    paths = [
        path
        for folder in options.photos
        for path in sorted(folder.glob("*.jpg"))[options.skip :: 3][: options.limit]
    ]
    maker = Maker(stamps=options.stamps, fonts=options.fonts, photos=paths)
    names = options.only or list(EDITS)
    scores: dict[str, Score] = defaultdict(Score)
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    false_pairs: list[str] = []
    benign_pairs, elapsed_ms, turn = 0, [], 0
    texts = Counter[str]()
    for number, path in enumerate(paths):
        rng = np.random.default_rng([options.seed, number])
        photo = maker.read(path)
        for _ in range(options.benign):
            query, _, homography, words = publish(photo, np.zeros(photo.shape[:2], bool), rng, benign=True)
            pair = align_by_truth(query, photo, homography, float(rng.uniform(-0.5, 0.5)))
            local = find_local_changes(pair, pair.reference, read_text=options.text)
            benign_pairs += 1
            if local.changes:
                seen = ", ".join(f"{c.operation} {c.box} {c.confidence:.2f}" for c in local.changes)
                false_pairs.append(f"{path.name} {words}: {seen}")
                save_failure(options.failures, f"benign_{path.stem}", pair, local, None)
        for _ in range(options.per_photo):
            name = names[turn % len(names)]
            turn += 1
            edit = EDITS[name](maker, photo, rng)
            if edit is None:
                continue
            query, truth, homography, words = publish(edit.edited, edit.mask, rng, benign=False)
            pair = align_by_truth(query, edit.reference, homography, float(rng.uniform(-0.5, 0.5)))
            started = time.perf_counter()
            local = find_local_changes(pair, pair.reference, read_text=options.text)
            elapsed_ms.append(
                (pair.query.shape[0] * pair.query.shape[1] / 1e6, 1e3 * (time.perf_counter() - started))
            )
            size = (pair.query.shape[1], pair.query.shape[0])
            truth = cv2.resize(truth.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            reported = judge(scores[name], edit, truth & pair.overlap, local)
            confusion[name][reported] += 1
            if edit.text is not None and options.text:
                words_found = [
                    (c.text_before, c.text_after) for c in local.changes if c.operation.startswith("text")
                ]
                texts["exact" if edit.text in words_found else "other"] += 1
                if edit.text not in words_found:
                    print("text", edit.text, "->", words_found, size, words)
            if reported not in edit.operations:
                save_failure(options.failures, f"{name}_{path.stem}_{reported}", pair, local, truth)
    print_results(scores, confusion, false_pairs, benign_pairs, elapsed_ms)
    if texts:
        print("text strings:", dict(texts))


def print_results(
    scores: dict[str, Score],
    confusion: dict[str, Counter[str]],
    false_pairs: list[str],
    benign_pairs: int,
    elapsed_ms: list[tuple[float, float]],
) -> None:
    """Print the tables."""
    total = Score()
    print(f"{'edit':24s} pairs  recall  named   IoU  extra/pair")
    for name, score in sorted(scores.items()):
        n = score.pairs
        print(
            f"{name:24s} {n:5d}  {score.found / n:6.2f} {score.named / max(1, score.found):6.2f}"
            f" {score.iou / n:5.2f} {score.extra / n:6.2f}   {dict(confusion[name].most_common())}"
        )
        total.pairs += n
        total.found += score.found
        total.named += score.named
        total.iou += score.iou
        total.extra += score.extra
    n = max(1, total.pairs)
    print(
        f"{'all':24s} {n:5d}  {total.found / n:6.3f} {total.named / max(1, total.found):6.3f} "
        f"{total.iou / n:5.2f} {total.extra / n:6.2f}"
    )
    print(f"unedited pairs with a false region: {len(false_pairs)} of {benign_pairs}")
    for line in false_pairs[:20]:
        print("   ", line)
    sizes, times = np.array(elapsed_ms).T if elapsed_ms else (np.ones(1), np.zeros(1))
    at = f"at {np.median(sizes):.2f} MP"
    print(f"median {np.median(times):.0f} ms, 95 % {np.percentile(times, 95):.0f} ms, {at};", end=" ")
    big = times[sizes > 0.6]
    print(f"pairs over 0.6 MP: median {np.median(big):.0f} ms of {len(big)}" if len(big) else "")


def save_failure(
    folder: Path | None, name: str, pair: AlignedPair, local: LocalChanges, truth: NDArray[np.bool_] | None
) -> None:
    """Write reference, query, change map and labels side by side."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    heat = cv2.applyColorMap((local.change_map * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    shown = pair.query.copy()
    if truth is not None:
        edges = cv2.morphologyEx(truth.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        shown[edges] = (0, 255, 0)
    for change in local.changes:
        edges = cv2.morphologyEx(
            (local.labels == change.label).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
        )
        shown[edges > 0] = (255, 0, 0)
        if change.box is not None:
            x, y = (int(v * pair.working_scale) for v in change.box[:2])
            word = f"{change.label} {change.operation} {change.confidence:.2f}"
            cv2.putText(shown, word, (x, max(10, y)), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1)
    sheet = np.concatenate(
        [np.concatenate([pair.reference, pair.query], 1), np.concatenate([heat, shown], 1)]
    )
    Image.fromarray(sheet).save(folder / f"{name}.png")


if __name__ == "__main__":
    main()
