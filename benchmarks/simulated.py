"""A large collection made up from the descriptors of a few hundred real photos, for measuring engines.

Real: the embeddings and hashes of whole photos and of windows cut out of them (each stands for a picture of
its own), and the differences between a photo's descriptors and those of its edited copies (25 kinds of edit).
Made up: a reference is a random mix of three real pictures with noise that has the spread of the real ones; a
query is a reference moved by a real difference. So clusters, spread and the size of the edits are real, the
number of pictures is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.edits import EDITS, edited
from provenance.decode import decode
from provenance.describe.copy_descriptor import CopyDescriptor
from provenance.describe.hashes import dihedral_hashes

WINDOWS = 6
EDITED = 5
FORMATS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class RealDescriptors:
    """Of `n` pictures and `m` edits: embeddings [n, d], hashes uint8 [n, 32], and what edits did to them."""

    embeddings: NDArray[np.float32]
    hashes: NDArray[np.uint8]
    moves: NDArray[np.float32]
    """Embedding of the copy minus that of the photo, [m, d]."""
    flips: NDArray[np.uint8]
    """Hash of the copy xor that of the photo, [m, 32]."""


def real_descriptors(photos: Path, cache: Path | None, *, limit: int = 300) -> RealDescriptors:
    """Describe photos, windows and edited copies; kept in `cache` (.npz) for the next run."""
    if cache is not None and cache.exists():
        with np.load(cache) as kept:
            return RealDescriptors(kept["embeddings"], kept["hashes"], kept["moves"], kept["flips"])
    rng = np.random.default_rng(0)
    describer, kinds = CopyDescriptor(), sorted(EDITS)
    paths = sorted(path for path in photos.rglob("*") if path.suffix.lower() in FORMATS)
    paths = [paths[i] for i in np.sort(rng.permutation(len(paths))[:limit])]
    pictures = [decode(path).pixels for path in paths]
    embeddings, hashes, moves, flips = [], [], [], []
    for number, pixels in enumerate(pictures):
        other = pictures[number - 1]
        copies = [
            edited(pixels, kinds[(number * EDITED + i) % len(kinds)], rng, other) for i in range(EDITED)
        ]
        views = [pixels, *(_window(pixels, rng) for _ in range(WINDOWS))]
        vectors = describer.embed([*views, *copies])
        bits = np.stack([dihedral_hashes(one)[0] for one in (*views, *copies)])
        embeddings.append(vectors[: len(views)])
        hashes.append(bits[: len(views)])
        moves.append(vectors[len(views) :] - vectors[0])
        flips.append(bits[len(views) :] ^ bits[0])
    real = RealDescriptors(*(np.concatenate(one) for one in (embeddings, hashes, moves, flips)))
    if cache is not None:
        np.savez(cache, embeddings=real.embeddings, hashes=real.hashes, moves=real.moves, flips=real.flips)
    return real


def _window(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A window of a third to two thirds of each side."""
    height, width = (int(side * rng.uniform(0.33, 0.67)) for side in pixels.shape[:2])
    top, left = rng.integers(0, pixels.shape[0] - height), rng.integers(0, pixels.shape[1] - width)
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def made_up_embeddings(real: RealDescriptors, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors [count, d] of made-up pictures."""
    spread = real.embeddings.std(axis=0)
    vectors = np.empty((count, real.embeddings.shape[1]), np.float32)
    for start in range(0, count, 10_000):
        block = vectors[start : start + 10_000]
        shares = rng.dirichlet((1, 1, 1), len(block)).astype(np.float32)
        parts = rng.integers(0, len(real.embeddings), (len(block), 3))
        block[:] = rng.standard_normal(block.shape, np.float32) * spread
        for i in range(3):
            block += shares[:, i : i + 1] * real.embeddings[parts[:, i]]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def edited_embeddings(
    references: NDArray[np.float32], real: RealDescriptors, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Unit vectors of an edited copy of each reference."""
    vectors = references + real.moves[rng.integers(0, len(real.moves), len(references))]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def made_up_hashes(real: RealDescriptors, count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Hashes uint8 [count, 32] of made-up pictures: bits of two real ones mixed, one in eight flipped."""
    first, second = (real.hashes[rng.integers(0, len(real.hashes), count)] for _ in range(2))
    choice, noise, chance, chance_too = (
        rng.integers(0, 256, (count, real.hashes.shape[1]), dtype=np.uint8) for _ in range(4)
    )
    mixed = (first & choice) | (second & ~choice)
    return np.asarray(mixed ^ (noise & chance & chance_too))


def edited_hashes(
    references: NDArray[np.uint8], real: RealDescriptors, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The hash of an edited copy of each reference, the right one of the eight forms."""
    return references ^ real.flips[rng.integers(0, len(real.flips), len(references))]
