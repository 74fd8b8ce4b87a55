"""Local descriptors of many pictures in inverted lists: which picture holds the nearest ones, and where.

Product-quantised codes of 16 bytes in 4,096 lists (FAISS IVF-PQ) with a fixed codebook. A key of 8 bytes
beside each code says whose it is and where: owner (32 bits), x and y in 1/256 of the picture's long side,
keypoint size in 1/16 octave of it, angle in 1/256 of a turn. So a search needs no other table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from index.codebook import PARTS, VERSION, Codebook, shipped_codebook
from index.interface import Ids
from index.manifest import Manifest, refuse_index
from index.storage import HashingWriter, open_index, save_base

_untyped: Any = faiss  # the stubs of faiss lack its file callbacks

SIZE_STEPS, SIZE_OFFSET = 16.0, 224.0
"""A keypoint's size is kept as log2(size / long side) in 1/16 octave: from 2**-14 to 4."""
LISTS_SEARCHED = 5
MAX_OWNER = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where keypoints lie in their picture: all float32 [n]."""

    x: NDArray[np.float32]
    """In units of the picture's long side, as y and size."""
    y: NDArray[np.float32]
    size: NDArray[np.float32]
    angle: NDArray[np.float32]
    """Degrees."""

    def __len__(self) -> int:
        return len(self.x)

    def take(self, which: NDArray[Any] | slice) -> Places:
        """Some of them."""
        return Places(self.x[which], self.y[which], self.size[which], self.angle[which])


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Near keypoints found: all [n], ordered by row."""

    row: NDArray[np.int64]
    """Of the query's descriptors."""
    owner: NDArray[np.int64]
    places: Places
    distance: NDArray[np.float32]
    """Squared, between short unit vectors: 0 to 4."""
    background: NDArray[np.float32]
    """Squared distance at which the list of hits of this row ends: what an accidental hit looks like."""

    def __len__(self) -> int:
        return len(self.row)


class KeypointIndex:
    """Maps owners (database keys) to their keypoints and finds the nearest of all.

    Several threads may search at once; a change needs that no other call runs.
    """

    descriptor: ClassVar[str] = VERSION

    def __init__(self, codebook: Codebook | None = None) -> None:
        self._codebook = codebook or shipped_codebook()
        self._index = _empty(self._codebook)
        self._owners: Ids = np.zeros(0, np.int64)
        self._gone: Ids = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._owners)

    def ids(self) -> Ids:
        """All owners, ascending."""
        return self._owners.copy()

    @property
    def keypoints(self) -> int:
        """How many keypoints are kept, those of removed owners that still take room included."""
        return int(self._index.ntotal)

    def add(self, owners: Ids, descriptors: Sequence[NDArray[np.uint8]], places: Sequence[Places]) -> None:
        """Add owners with their RootSIFT descriptors uint8 [m, 128] each; a known owner gets the new ones."""
        if len({len(owners), len(descriptors), len(places)}) > 1 or list(map(len, descriptors)) != list(
            map(len, places)
        ):
            raise ValueError("each owner needs its keypoints, and each keypoint its place")
        if not len(owners):
            return
        if owners.min() < 0 or owners.max() > MAX_OWNER:
            raise ValueError(f"owners must be from 0 to {MAX_OWNER}")
        if np.isin(owners, self._gone).any() or np.isin(owners, self._owners).any():
            self._purge(np.union1d(self._gone, owners))
        # Of an owner given twice the last keypoints count.
        new = dict(zip(owners.tolist(), zip(descriptors, places, strict=True), strict=True))
        keys = np.concatenate([_keys(owner, placed) for owner, (_, placed) in new.items()])
        if len(keys):
            short = self._codebook.shorten(np.concatenate([rows for rows, _ in new.values()]))
            self._index.add_with_ids(short, keys)
        self._owners = np.union1d(self._owners, owners)

    def remove(self, owners: Ids) -> int:
        """Remove owners, effective at once; unknown ones are ignored. Returns how many were there."""
        going = np.intersect1d(self._owners, owners)
        self._owners = np.setdiff1d(self._owners, going)
        self._gone = np.union1d(self._gone, going)
        # Their keypoints are passed over in searches, and swept out when they are many.
        if len(self._gone) > 0.1 * len(self._owners):
            self._purge(self._gone)
        return len(going)

    def search(self, descriptors: NDArray[np.uint8], k: int) -> Hits:
        """The `k` nearest keypoints of each descriptor uint8 [n, 128], those of one owner once a row."""
        if not len(descriptors) or not self._index.ntotal:
            return _no_hits()
        distance, keys = self._nearest(self._codebook.shorten(descriptors), k)
        background = distance.max(axis=1, where=keys >= 0, initial=0.0)
        row = np.repeat(np.arange(len(descriptors)), k)
        key, near = keys.ravel(), distance.ravel()
        owner = key >> 32
        kept = key >= 0
        row, key, near, owner = row[kept], key[kept], near[kept], owner[kept]
        # Hits come nearest first within a row, so the first of each (row, owner) is its nearest.
        first = np.unique(row * np.int64(2**31) + owner, return_index=True)[1]
        row, key, near, owner = row[first], key[first], near[first], owner[first]
        return Hits(row, owner, _places(key), near, background[row].astype(np.float32))

    def _nearest(self, short: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], Ids]:
        """Distances and keys [n, k] of owners that are there, nearest first; key -1 where none is left."""
        asked = k
        while True:
            distance, keys = self._index.search(short, asked)
            gone = np.isin(keys >> 32, self._gone)
            if (~gone).sum(axis=1).min() >= k:
                break
            asked *= 2  # removed owners must not take the places of others
        order = np.argsort(gone, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(distance, order, axis=1), np.take_along_axis(keys, order, axis=1)

    def _purge(self, owners: Ids) -> None:
        """Sweep keypoints of removed owners out of the lists."""
        if len(owners) and self._index.ntotal:
            sorted_owners = np.unique(owners)
            lists, kept = self._index.invlists, _empty(self._codebook)
            for number in range(self._index.nlist):
                size = lists.list_size(number)
                if not size:
                    continue
                keys = faiss.rev_swig_ptr(lists.get_ids(number), size)
                codes = faiss.rev_swig_ptr(lists.get_codes(number), size * PARTS).reshape(size, PARTS)
                stays = ~np.isin(keys >> 32, sorted_owners)
                staying, left = np.ascontiguousarray(codes[stays]), np.ascontiguousarray(keys[stays])
                kept.invlists.add_entries(
                    number, len(left), faiss.swig_ptr(left), faiss.swig_ptr(staying)
                )  # fmt: skip
                kept.ntotal += len(left)
            self._index = kept
        self._gone = np.setdiff1d(self._gone, owners)

    def save(self, folder: Path, *, descriptor: str, generation: str) -> None:
        """Write the index to `folder`, replacing the old one atomically."""
        self._purge(self._gone)

        def write(writer: HashingWriter) -> None:
            writer.write(np.int64(len(self._owners)).astype("<i8").tobytes())
            writer.write(self._owners.astype("<i8").tobytes())
            faiss.write_index(self._index, _untyped.PyCallbackIOWriter(writer.write))

        manifest = Manifest("keypoints", descriptor, PARTS, "cosine", len(self), generation)
        save_base(folder, manifest, write)

    @classmethod
    def load(cls, folder: Path, *, descriptor: str, codebook: Codebook | None = None) -> tuple[Self, str]:
        """Read an index and the generation it was saved with.

        Raises IndexCorruptError when it is missing, damaged, or made for another descriptor.
        """
        index = cls(codebook)
        with open_index(folder, engine="keypoints", descriptor=descriptor) as saved:
            manifest, file = saved.manifest, saved.base
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            index._owners = np.frombuffer(file.read(8 * count), "<i8").astype(np.int64)
            try:
                index._index = faiss.read_index(_untyped.PyCallbackIOReader(file.read))
            except RuntimeError:
                refuse_index(folder, "cannot be read by this version of faiss")
        if len(index._owners) != manifest.count:
            refuse_index(folder, f"does not hold {manifest.count} pictures")
        index._index.nprobe = LISTS_SEARCHED
        return index, manifest.generation


def _empty(codebook: Codebook) -> Any:
    """A FAISS index whose centroids are the codebook's."""
    dimension = codebook.dimension
    coarse: Any = faiss.IndexFlatL2(dimension)
    coarse.add(codebook.lists)
    index = faiss.IndexIVFPQ(coarse, dimension, len(codebook.lists), PARTS, 8)
    coarse.this.disown()
    index.own_fields = True
    index.by_residual = False  # one table of distances a query instead of one a list
    faiss.copy_array_to_vector(np.ascontiguousarray(codebook.words, np.float32).ravel(), index.pq.centroids)
    index.is_trained = True
    index.nprobe = LISTS_SEARCHED
    return index


def _keys(owner: int, places: Places) -> Ids:
    x = np.clip(places.x * 256.0, 0, 255).astype(np.int64)
    y = np.clip(places.y * 256.0, 0, 255).astype(np.int64)
    size = np.log2(np.maximum(places.size, 1e-5)) * SIZE_STEPS + SIZE_OFFSET
    angle = np.rint(places.angle / 360.0 * 256.0).astype(np.int64) & 255
    step = np.clip(np.rint(size), 0, 255).astype(np.int64)
    return np.asarray(np.int64(owner) << 32 | x << 24 | y << 16 | step << 8 | angle, np.int64)


def _places(keys: Ids) -> Places:
    return Places(
        ((keys >> 24 & 255) + 0.5).astype(np.float32) / np.float32(256.0),
        ((keys >> 16 & 255) + 0.5).astype(np.float32) / np.float32(256.0),
        np.exp2(((keys >> 8 & 255) - SIZE_OFFSET) / SIZE_STEPS).astype(np.float32),
        (keys & 255).astype(np.float32) * np.float32(360.0 / 256.0),
    )


def _no_hits() -> Hits:
    ints, floats = np.zeros(0, np.int64), np.zeros(0, np.float32)
    return Hits(ints, ints, Places(floats, floats, floats, floats), floats, floats)
