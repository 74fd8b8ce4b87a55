"""Measure whether "a face" is said where a face was changed, and nowhere else.

    python -m benchmarks.faces PHOTOS [PHOTOS ...] [--half 0|1] [--pairs N] [--sheet faces.png]

First every photo is searched as it is: the number of faces the program would be sure of; --sheet draws them,
the least sure first, to be judged by eye. Then pairs are made: a face, or a part of a photo where not even a
doubtful face was found, is pasted elsewhere, painted out, exchanged, blurred or pixelated; JPEG 75 and
more. Printed for each kind: the pairs, those whose change was found, those of them called a face; and the
operations that were found for faces (an exchange that is called an addition names no face).
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from provenance.compare import compare
from provenance.compare.faces import ABSENT, SURE, detect_faces
from provenance.decode import decode
from provenance.records import Box, Change, DecodedImage, Pixels

KINDS = ("pasted", "painted out", "exchanged", "blurred", "pixelated")
MIN_FACE_PX = 24
TILE_PX = 88


def main() -> None:
    """Detect, draw, edit, compare, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every second photo only")
    parser.add_argument("--pairs", type=int, default=150, help="pairs of faces, and as many without")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    files = [path for folder in arguments.photos for path in sorted(folder.iterdir())
             if path.suffix in (".jpg", ".webp", ".png")]  # fmt: skip
    files = files if arguments.half is None else files[arguments.half :: 2]
    rng = np.random.default_rng(arguments.seed)
    photos = {path: decode(path).pixels for path in files}
    doubtful = {path: detect_faces(pixels, least=ABSENT) for path, pixels in photos.items()}
    sure = [(face.score, path, box_of(face.box, photos[path])) for path, faces in doubtful.items()
            for face in faces if face.score >= SURE]  # fmt: skip
    with_faces = len({path for _, path, _ in sure})
    print(f"{len(files)} photos, {len(sure)} faces surer than {SURE} in {with_faces} photos")
    if arguments.sheet:
        draw_sheet(sorted(sure, key=lambda one: one[0]), photos).save(arguments.sheet)
    faces = [(path, box) for _, path, box in sure if min(box[2] - box[0], box[3] - box[1]) >= MIN_FACE_PX]
    faceless = [path for path in files if not doubtful[path]]
    counts: Counter[tuple[str, bool, str]] = Counter()
    for kind, is_face, before, after, box in make_pairs(faces, faceless, photos, arguments.pairs, rng):
        for change in changes_at(before, after, box)[:1]:
            counts[kind, is_face, "found"] += 1
            counts[kind, is_face, "named"] += change.parameters.get("noun") in ("face", "with_face")
            counts[kind, is_face, change.operation] += 1
        counts[kind, is_face, "pairs"] += 1
    print(f"{'':12s} {'faces':>6s} {'found':>6s} {'said':>5s} {'others':>7s} {'found':>6s} {'said':>5s}")
    for kind in KINDS:
        row = [
            counts[kind, is_face, what] for is_face in (True, False) for what in ("pairs", "found", "named")
        ]
        told = {key[2]: n for key, n in counts.items() if key[:2] == (kind, True) and "_" in key[2]}
        print("{:12s} {:6d} {:6d} {:5d} {:7d} {:6d} {:5d}".format(kind, *row), told)


def box_of(box: np.ndarray, pixels: Pixels) -> Box:
    """A detection as a box inside the picture."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = np.clip(np.rint(box), 0, [width, height, width, height]).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def make_pairs(
    faces: list[tuple[Path, Box]],
    faceless: list[Path],
    photos: dict[Path, Pixels],
    count: int,
    rng: np.random.Generator,
) -> Iterator[tuple[str, bool, Pixels, Pixels, Box]]:
    """Yield kind, whether it is of a face, reference, query, and where."""
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        path, box = faces[rng.integers(len(faces))]
        other, other_box = faces[rng.integers(len(faces))]
        host = photos[faceless[rng.integers(len(faceless))]]
        if kind == "pasted":
            yield kind, True, host, *paste(host, cut(photos[path], box), rng)
        elif kind == "exchanged":
            part = cut(photos[other], other_box)
            yield kind, True, photos[path], put(photos[path], part, box), box
        else:
            yield kind, True, photos[path], spoil(photos[path], box, kind), box
        # The same with a part of a faceless photo, as large as a face.
        size = (min(box[2] - box[0], host.shape[1] // 2), min(box[3] - box[1], host.shape[0] // 2))
        donor = photos[faceless[rng.integers(len(faceless))]]
        part = cut(donor, place(donor, size, rng))
        there = place(host, size, rng)
        if kind == "pasted":
            yield kind, False, host, *paste(host, part, rng)
        elif kind == "exchanged":
            yield kind, False, host, put(host, part, there), there
        else:
            yield kind, False, host, spoil(host, there, kind), there


def cut(pixels: Pixels, box: Box) -> Pixels:
    """A part of a picture."""
    return pixels[box[1] : box[3], box[0] : box[2]]


def place(host: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Box:
    """Somewhere in a picture."""
    width, height = min(size[0], host.shape[1]), min(size[1], host.shape[0])
    x, y = int(rng.integers(host.shape[1] - width + 1)), int(rng.integers(host.shape[0] - height + 1))
    return x, y, x + width, y + height


def paste(host: Pixels, part: Pixels, rng: np.random.Generator) -> tuple[Pixels, Box]:
    """The part somewhere in the host, and where."""
    box = place(host, (part.shape[1], part.shape[0]), rng)
    return put(host, part, box), box


def put(host: Pixels, part: Pixels, box: Box) -> Pixels:
    """The part in the box, an ellipse with a soft edge."""
    size = (box[2] - box[0], box[3] - box[1])
    mask = np.zeros(size[::-1], np.float32)
    cv2.ellipse(
        mask, (size[0] // 2, size[1] // 2), (int(size[0] * 0.48), int(size[1] * 0.48)), 0, 0, 360, 1, -1
    )
    mask = cv2.GaussianBlur(mask, (0, 0), 1.5)[..., None]
    result = host.copy()
    fitted = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    result[box[1] : box[3], box[0] : box[2]] = np.rint(mask * fitted + (1 - mask) * cut(host, box))
    return result


def spoil(pixels: Pixels, box: Box, kind: str) -> Pixels:
    """The picture with the box painted out, blurred or pixelated."""
    result = pixels.copy()
    size = (box[2] - box[0], box[3] - box[1])
    if kind == "painted out":
        mask = np.zeros(pixels.shape[:2], np.uint8)
        centre = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
        cv2.ellipse(mask, centre, (int(size[0] * 0.6), int(size[1] * 0.6)), 0, 0, 360, 1, -1)
        return np.asarray(cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA))
    part = cut(pixels, box)
    if kind == "blurred":
        spoiled = cv2.GaussianBlur(part, (0, 0), max(size) / 7)
    else:
        small = cv2.resize(part, (6, 7), interpolation=cv2.INTER_AREA)
        spoiled = cv2.resize(small, size, interpolation=cv2.INTER_NEAREST)
    result[box[1] : box[3], box[0] : box[2]] = spoiled
    return result


def changes_at(reference: Pixels, query: Pixels, box: Box) -> list[Change]:
    """The local changes that the program finds there, the largest share of the box first."""
    file = io.BytesIO()
    Image.fromarray(query).save(file, "JPEG", quality=int(75 + (query.sum() % 21)))
    found = compare(decode(file.getvalue()), decoded(reference), np.eye(3), read_text=False)
    shares = {
        change.label: np.mean(cut(found.labels[..., None], scaled(box, found.working_scale)) == change.label)
        for change in found.changes
        if change.label
    }
    local = [change for change in found.changes if shares.get(change.label, 0) > 0.1]
    return sorted(local, key=lambda change: -shares[change.label])


def scaled(box: Box, scale: float) -> Box:
    """The box in working pixels."""
    x0, y0, x1, y1 = (round(value * scale) for value in box)
    return x0, y0, x1, y1


def decoded(pixels: Pixels) -> DecodedImage:
    """Pixels as if they had been decoded."""
    height, width = pixels.shape[:2]
    return DecodedImage(pixels, "reference", "", None, "PNG", pixels.nbytes, width, height)


def draw_sheet(found: list[tuple[float, Path, Box]], photos: dict[Path, Pixels]) -> Image.Image:
    """All faces with their surroundings, twenty in a row."""
    rows = -(-len(found) // 20)
    sheet = Image.new("RGB", (20 * TILE_PX, max(rows, 1) * (TILE_PX + 12)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (score, path, (x0, y0, x1, y1)) in enumerate(found):
        half = 0.85 * max(x1 - x0, y1 - y0)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        around = tuple(round(value) for value in (x - half, y - half, x + half, y + half))
        tile = Image.fromarray(photos[path]).crop(around).resize((TILE_PX - 2, TILE_PX - 2))
        left, top = number % 20 * TILE_PX, number // 20 * (TILE_PX + 12)
        sheet.paste(tile, (left, top + 12))
        draw.text((left, top), f"{score:.2f}", fill="black")
    return sheet


if __name__ == "__main__":
    main()
