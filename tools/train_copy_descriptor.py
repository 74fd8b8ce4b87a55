"""Learn the copy descriptor's projection and write provenance/describe/models/lite0_levels_512.onnx.

    pip install -e '.[train]'
    python -m tools.train_copy_descriptor PHOTOS_FOLDER

PHOTOS_FOLDER: the photos of tools/training_photos.csv, all in the public domain or under CC0. Nothing else is
looked at: self-supervised, on the frozen features of `tools.export_copy_descriptor` at four depths.

1. Photos, and the quarters of the large ones, are edited by one to three edits of the bench in a chain.
2. Each depth is whitened by itself: the differences between a photo and its edits are made equal in all
   directions, then the directions in which photos differ most are kept (Mikolajczyk & Matas 2007, as for GeM
   in Radenović et al. 2018). How many of each depth was chosen on photos that took no part in it.
3. The joined projection is trained on as in SSCD (Pizzi et al. 2022): InfoNCE between edited
   pictures and photos, entropy regularisation (the logarithm of the distance to the nearest other), and
   mixtures of two pictures that must be near to both. Of one photo, the whole and a quarter are never told
   apart, two quarters are: they look alike and are not the same.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from provenance.describe.copy_descriptor import MODEL_FILE, SIDE, CopyDescriptor
from provenance.evaluate.edits import KINDS, levels
from provenance.evaluate.edits.picture import TracedPicture
from provenance.records import Pixels
from tools.export_copy_descriptor import DIMENSION, LEVELS, write

Rows: TypeAlias = NDArray[np.float32]
Projection: TypeAlias = tuple[Rows, Rows]

PHOTOS_FILE = Path(__file__).parent / "training_photos.csv"
LARGE_PX = 1000
"""Photos of this long side or more give their four quarters as further photos."""
EDITED_PX = 560
LARGEST_PX = 1100
LEAST_KEPT = 0.08
"""An edit that leaves less of the photo, or fills less of the picture with it, teaches nothing."""

KEPT = (100, 240, 60, 112)
WEIGHTS = (1.0, 1.5, 1.0, 1.2)
"""Of each of LEVELS: directions kept and weight of its unit vector."""
WIDE = 400
"""Directions of each level that training may draw from."""
SHRINKAGE = 0.08
SCALE_FLOOR = 0.05
"""Channels that hardly vary are not blown up beyond this share of the mean deviation."""

BATCH = 128
TEMPERATURE = 0.07
ENTROPY_WEIGHT = 0.5
MIXUP_WEIGHT = 0.5
LEARNING_RATE = 3e-4
NEVER = -1e4


@dataclass(frozen=True, slots=True)
class Views:
    """Features of photos and of their edits; a "photo" is a whole photo or a quarter of one."""

    photos: Rows
    edits: Rows
    photo_of_edit: NDArray[np.intp]
    alike: NDArray[np.bool_]
    """[edits, photos] where an edit shows something of the photo, so that they are no strangers."""


def read_photos(folder: Path) -> tuple[list[Pixels], NDArray[np.bool_]]:
    """The listed photos, the quarters of the large ones, and which show the same [n, n]."""
    photos: list[Pixels] = []
    file_of, quarter_of = [], []
    with PHOTOS_FILE.open(newline="", encoding="utf-8") as stream:
        names = [row["file"] for row in csv.DictReader(stream)]
    for number, name in enumerate(name for name in names if (folder / name).is_file()):
        photo = np.asarray(Image.open(folder / name).convert("RGB"))
        height, width = photo.shape[0] // 2, photo.shape[1] // 2
        parts = [photo]
        if max(photo.shape) >= LARGE_PX:
            parts += [photo[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
        for quarter, part in enumerate(parts):
            image = Image.fromarray(part)
            image.thumbnail((EDITED_PX, EDITED_PX), Image.Resampling.LANCZOS)
            photos.append(np.asarray(image))
            file_of.append(number)
            quarter_of.append(quarter)
    files, quarters = np.array(file_of), np.array(quarter_of)
    whole = (quarters[:, None] == 0) | (quarters[None] == 0)
    same = (files[:, None] == files[None]) & whole
    np.fill_diagonal(same, True)
    return photos, same


def edit_once(photo: Pixels, others: list[Pixels], rng: np.random.Generator) -> tuple[Pixels, bool] | None:
    """An edited picture and whether it shows something else too; None when too little of it is left."""
    picture = TracedPicture.whole(photo)
    kinds = [*KINDS]
    for _ in range(int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.10]))):
        try:
            picture = KINDS[kinds[int(rng.integers(1, len(kinds)))]](picture, rng, others)
        except (ValueError, cv2.error):
            # What earlier edits left is too small for this one.
            return None
        picture = picture.scale(min(1.0, LARGEST_PX / max(picture.width, picture.height)))
        if min(picture.width, picture.height) < 40 or not picture.visible.any():
            return None
    if min(picture.kept_area, picture.visible.mean()) < LEAST_KEPT:
        return None
    if rng.random() < 0.35:
        gain, offset, gamma = rng.uniform(0.7, 1.3), rng.uniform(-0.1, 0.1), rng.uniform(0.75, 1.33)
        picture = levels.tone(picture, gain=gain, offset=offset, gamma=gamma)
    if rng.random() < 0.6:
        picture = levels.compress(picture, int(rng.integers(35, 93)))
    return picture.pixels, bool(picture.visible.mean() < 0.98)


def make_edits(
    photos: list[Pixels], same: NDArray[np.bool_], each: int, rng: np.random.Generator
) -> Iterator[tuple[int, Pixels, list[int]]]:
    """(photo, edited picture, further photos that may be seen in it), `each` times for all photos."""
    for _ in range(each):
        for number, photo in enumerate(photos):
            strange = np.nonzero(~same[number])[0]
            others = [int(i) for i in rng.choice(strange, 3)]
            made = edit_once(photo, [photos[i] for i in others], rng)
            if made is not None:
                yield number, made[0], others if made[1] else []


def describe(folder: Path, each: int, features: Path) -> Views:
    """Features of all photos and of `each` edits of them."""
    photos, same = read_photos(folder)
    embedder = CopyDescriptor(threads=1, model=features)
    rows, photo_of_edit, alike = [], [], []
    for number, picture, others in make_edits(photos, same, each, np.random.default_rng(1)):
        rows.append(embedder.embed([picture])[0])
        photo_of_edit.append(number)
        if len(rows) % 200 == 0:
            print(f"{len(rows)} edits of {each * len(photos)}", flush=True)
        alike.append(same[[number, *others]].any(axis=0))
    return Views(embedder.embed(photos), np.stack(rows), np.array(photo_of_edit), np.stack(alike))


def whiten(photos: Rows, edits: Rows, photo_of_edit: NDArray[np.intp], kept: int) -> Projection:
    """Matrix [d, kept] and shift [kept] of one level; the projected rows have unit length on average."""
    rows = np.concatenate([photos, edits]).astype(np.float64)
    deviation = rows.std(axis=0)
    scale = deviation + SCALE_FLOOR * deviation.mean()
    mean = rows.mean(axis=0)
    rows = (rows - mean) / scale
    differences = rows[len(photos) :] - rows[photo_of_edit]
    within = differences.T @ differences / len(differences) / 2
    size = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    values, vectors = np.linalg.eigh(within)
    equalise = (vectors / np.sqrt(values)) @ vectors.T
    # Photos are fewer than directions; their edits, weighed less, fill the rest.
    spread = np.cov((rows[: len(photos)] @ equalise).T) + 0.3 * np.cov((rows @ equalise).T)
    matrix = equalise @ np.linalg.eigh(spread)[1][:, ::-1][:, :kept]
    matrix /= np.sqrt(((rows @ matrix) ** 2).sum(axis=1).mean())
    matrix /= scale[:, None]
    return matrix.astype(np.float32), (-mean @ matrix).astype(np.float32)


def join(views: Views, kept: tuple[int, ...], weights: tuple[float, ...]) -> Projection:
    """The levels whitened one by one, as one projection of all features."""
    matrix = np.zeros((sum(LEVELS), sum(kept)), np.float32)
    shift = np.zeros(sum(kept), np.float32)
    row = column = 0
    for size, number, weight in zip(LEVELS, kept, weights, strict=True):
        part = slice(row, row + size)
        block, moved = whiten(views.photos[:, part], views.edits[:, part], views.photo_of_edit, number)
        matrix[part, column : column + number] = weight * block
        shift[column : column + number] = weight * moved
        row, column = row + size, column + number
    return matrix, shift


def train(views: Views, wide: Projection, steps: int) -> Projection:
    """The projection trained on from the kept directions of `wide`, which holds WIDE of each level."""
    rng = np.random.default_rng(0)
    photos, edits = (unit(rows @ wide[0] + wide[1]) for rows in (views.photos, views.edits))
    kept = np.concatenate([level * WIDE + np.arange(number) for level, number in enumerate(KEPT)])
    first = np.zeros((WIDE * len(LEVELS), DIMENSION), np.float32)
    first[kept, np.arange(DIMENSION)] = np.repeat(WEIGHTS, KEPT)
    reduction = torch.tensor(first, requires_grad=True)
    optimizer = torch.optim.Adam([reduction], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        chosen = rng.choice(len(edits), BATCH, replace=False)
        mix = torch.tensor(rng.beta(2, 2, BATCH), dtype=torch.float32)[:, None]
        loss = loss_of(
            torch.tensor(edits[chosen]),
            torch.tensor(photos),
            torch.tensor(views.photo_of_edit[chosen]),
            torch.tensor(views.alike[chosen]),
            reduction,
            mix,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {float(loss.detach()):.3f}", flush=True)
    last = reduction.detach().numpy()
    return (wide[0] @ last).astype(np.float32), (wide[1] @ last).astype(np.float32)


def loss_of(
    edits: torch.Tensor,
    photos: torch.Tensor,
    own: torch.Tensor,
    alike: torch.Tensor,
    reduction: torch.Tensor,
    mix: torch.Tensor,
) -> torch.Tensor:
    """InfoNCE of edits against all photos and the other edits, of mixtures, and the entropy term."""
    queries, references = (functional.normalize(rows @ reduction, dim=1) for rows in (edits, photos))
    mine = functional.one_hot(own, len(photos)).bool()
    excluded = alike & ~mine
    to_photos = (queries @ references.T).masked_fill(excluded, NEVER)
    near = alike[:, own] | alike[:, own].T
    to_edits = (queries @ queries.T).masked_fill(near, NEVER)
    loss = functional.cross_entropy(torch.cat([to_photos, to_edits], dim=1) / TEMPERATURE, own)

    partner = torch.arange(len(edits)).roll(1)
    mixed = functional.normalize((mix * edits + (1 - mix) * edits[partner]) @ reduction, dim=1)
    excluded = (alike | alike[partner]) & ~mine & ~mine[partner]
    log_share = functional.log_softmax(
        (mixed @ references.T).masked_fill(excluded, NEVER) / TEMPERATURE, dim=1
    )
    rows = torch.arange(len(edits))
    share = mix[:, 0]
    loss = (
        loss
        - MIXUP_WEIGHT * (share * log_share[rows, own] + (1 - share) * log_share[rows, own[partner]]).mean()
    )

    nearest = (queries @ references.T).masked_fill(alike, -1).amax(dim=1)
    return loss - ENTROPY_WEIGHT / 2 * (2 - 2 * nearest).clamp_min(1e-4).log().mean()


def unit(rows: Rows) -> Rows:
    """Rows of length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="folder of the photos to learn from")
    parser.add_argument("--output", type=Path, default=MODEL_FILE)
    parser.add_argument("--each", type=int, default=6, help="edits of each photo")
    parser.add_argument("--views", type=Path, help="npz to keep the features in, or to take them from")
    parser.add_argument("--steps", type=int, default=100, help="of InfoNCE; 0 for the whitening alone")
    parser.add_argument("--side", type=int, default=SIDE, help="pixels of the square that is looked at")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if arguments.views and arguments.views.is_file():
        with np.load(arguments.views) as kept:
            views = Views(**kept)
    else:
        features = write(arguments.output.with_suffix(".features.onnx"), None, side=arguments.side)
        views = describe(arguments.photos, arguments.each, features)
        features.unlink()
        if arguments.views:
            np.savez(arguments.views, **asdict(views))
    if arguments.steps:
        projection = train(views, join(views, (WIDE,) * len(LEVELS), (1.0,) * len(LEVELS)), arguments.steps)
    else:
        projection = join(views, KEPT, WEIGHTS)
    # Lengths are lost in normalisation; this one keeps float16 far from its limits.
    factor = 1024 / np.abs(projection[0]).max()
    path = write(arguments.output, (projection[0] * factor, projection[1] * factor), side=arguments.side)
    size = path.stat().st_size / 2**20
    print(f"{path}: {size:.1f} MiB from {len(views.photos)} photos and {len(views.edits)} edits")


if __name__ == "__main__":
    main()
