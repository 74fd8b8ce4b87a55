"""The photos queries are made of: which are trusted and which strange, each picture once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.decode import decode, reduce
from provenance.describe.hashes import perceptual_hash
from provenance.errors import NotFoundError
from provenance.ingest import walk
from provenance.records import Pixels

# Pictures on the web are seldom larger; photos are reduced to it before they are edited.
LONG_SIDE_PX = 1280
# Copies of one photo differ in at most so many of 256 bits (the practice with PDQ); different ones in 80.
SAME_BITS = 31
HASHED_PX = 256


def part(photos: Path, others: Path | None, seed: int) -> tuple[list[Path], list[Path]]:
    """Trusted photos, and those never trusted in random order; of equal photos only one is taken."""
    found, strange = _pictures(photos), _pictures(others) if others is not None else []
    # A stranger that is trusted under another name would be no stranger.
    distinct = _distinct([*found, *strange])
    rng = np.random.default_rng(seed)
    if others is not None:
        strange = [path for path in strange if path in distinct]
        return [path for path in found if path in distinct], [
            strange[i] for i in rng.permutation(len(strange))
        ]
    found = [path for path in found if path in distinct]
    order = [found[i] for i in rng.permutation(len(found))]
    trusted, strange = sorted(order[: len(order) // 2]), order[len(order) // 2 :]
    if not trusted:
        raise NotFoundError(f"{str(photos)!r} holds {len(found)} pictures: too few to set half of them aside")
    return trusted, strange


def _distinct(paths: Sequence[Path]) -> set[Path]:
    """The photos less those whose perceptual hash is that of one before, but for a few bits."""
    taken: dict[Path, NDArray[np.uint8]] = {}
    for path in paths:
        code = np.unpackbits(perceptual_hash(reduce(decode(path), HASHED_PX).pixels))
        if not taken or (np.stack(list(taken.values())) ^ code).sum(axis=1).min() > SAME_BITS:
            taken[path] = code
    return set(taken)


def _pictures(folder: Path) -> list[Path]:
    found = [Path(path) for path in walk([folder], [])]
    if not found:
        raise NotFoundError(f"{str(folder)!r} holds no pictures")
    return found


@lru_cache(maxsize=64)
def load(path: Path) -> Pixels:
    """Pixels of a photo at the size of the web."""
    return reduce(decode(path), LONG_SIDE_PX).pixels
