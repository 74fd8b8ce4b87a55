"""Local descriptors of many pictures in inverted lists: which picture holds the nearest ones, and where.

Product-quantised codes of 16 bytes in 4,096 lists (FAISS IVF-PQ) with a fixed codebook. A key of 8 bytes
beside each code says whose it is and where: owner (32 bits), x and y in 1/256 of the picture's long side,
keypoint size in 1/16 octave of it, angle in 1/256 of a turn. So a search needs no other table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from index.codebook import PARTS, VERSION, Codebook, shipped_codebook
from index.interface import Ids
from index.journal import Journal, read_deltas
from index.manifest import Manifest, refuse_index
from index.storage import HashingWriter, open_index
from index.threads import use_threads

_untyped: Any = faiss  # the stubs of faiss lack its file callbacks

SIZE_STEPS, SIZE_OFFSET = 16.0, 224.0
"""A keypoint's size is kept as log2(size / long side) in 1/16 octave: from 2**-14 to 4."""
LISTS_SEARCHED = 5
MAX_OWNER = 2**31 - 1
ROW = np.dtype([("list", "<i4"), ("key", "<i8"), ("code", "u1", (PARTS,))])
"""A keypoint in a delta; list -1 stands for an owner without any."""


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

    def take(self, which: NDArray[np.bool_]) -> Hits:
        """Some of them."""
        return Hits(
            self.row[which], self.owner[which], self.places.take(which), self.distance[which],
            self.background[which],
        )  # fmt: skip


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
        self._journal = Journal()

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
        self._journal.note(np.unique(owners))

    def remove(self, owners: Ids) -> int:
        """Remove owners, effective at once; unknown ones are ignored. Returns how many were there."""
        going = np.intersect1d(self._owners, owners)
        self._owners = np.setdiff1d(self._owners, going)
        self._gone = np.union1d(self._gone, going)
        self._journal.note(going)
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
        # A row is compared with all lists, and with the codes in the nearest of them.
        codes = LISTS_SEARCHED * self._index.ntotal // self._index.nlist
        use_threads(len(short) * (self._index.nlist * short.strides[0] + codes * PARTS))
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
            kept = _empty(self._codebook)
            for number, keys, codes in self._lists():
                stays = ~np.isin(keys >> 32, owners)
                _append(kept, number, keys[stays], codes[stays])
            self._index = kept
        self._gone = np.setdiff1d(self._gone, owners)

    def save(self, folder: Path, *, descriptor: str, generation: str) -> None:
        """Write what changed to `folder`, or the whole index, replacing the old one atomically."""
        manifest = Manifest("keypoints", descriptor, PARTS, "cosine", len(self), generation)
        self._journal.save(folder, manifest, write_base=self._write, rows_of=self._rows_of)

    def _write(self, writer: HashingWriter) -> None:
        self._purge(self._gone)
        writer.write(np.int64(len(self._owners)).astype("<i8").tobytes())
        writer.write(self._owners.astype("<i8").tobytes())
        faiss.write_index(self._index, _untyped.PyCallbackIOWriter(writer.write))

    def _rows_of(self, owners: Ids) -> tuple[Ids, NDArray[Any]]:
        """Of those owners that are there: the owner of each keypoint, and its list, key and code.

        An owner without keypoints has one row, in no list.
        """
        there = np.intersect1d(owners, self._owners)
        found = [_no_rows(there)]
        for number, keys, codes in self._lists():
            chosen = np.isin(keys >> 32, there)
            if chosen.any():
                rows = np.zeros(int(chosen.sum()), ROW)
                rows["list"], rows["key"], rows["code"] = number, keys[chosen], codes[chosen]
                found.append(rows)
        every = np.concatenate(found)
        return every["key"] >> 32, every

    def _put(self, rows: NDArray[Any]) -> None:
        """Take rows of a delta into the lists."""
        rows = rows[np.argsort(rows["list"], kind="stable")]
        numbers, starts = np.unique(rows["list"], return_index=True)
        for number, (start, end) in zip(numbers.tolist(), pairwise([*starts, len(rows)]), strict=True):
            if number >= 0:
                _append(self._index, number, rows["key"][start:end], rows["code"][start:end])

    def _lists(self) -> Iterator[tuple[int, Ids, NDArray[np.uint8]]]:
        """Number, keys [n] and codes [n, PARTS] of each list that holds any; views."""
        lists = self._index.invlists
        for number in range(self._index.nlist):
            if size := lists.list_size(number):
                keys = faiss.rev_swig_ptr(lists.get_ids(number), size)
                codes = faiss.rev_swig_ptr(lists.get_codes(number), size * PARTS)
                yield number, keys, codes.reshape(size, PARTS)

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
            index._index.nprobe = LISTS_SEARCHED
            for changed, owners, rows in read_deltas(folder, saved):
                if rows.dtype != ROW:
                    refuse_index(folder, "has a delta that cannot be read")
                known = np.intersect1d(changed, index._owners)
                index._purge(known)
                index._put(rows)
                index._owners = np.union1d(np.setdiff1d(index._owners, known), owners)
        if len(index._owners) != manifest.count:
            refuse_index(folder, f"does not hold {manifest.count} pictures")
        index._journal.start(manifest)
        return index, manifest.generation


def _no_rows(owners: Ids) -> NDArray[Any]:
    """A row in no list for each owner, so that owners without keypoints are kept."""
    rows = np.zeros(len(owners), ROW)
    rows["list"], rows["key"] = -1, owners << 32
    return rows


def _append(index: Any, number: int, keys: Ids, codes: NDArray[np.uint8]) -> None:
    """Add keys and codes to one list of a FAISS index."""
    keys, codes = np.ascontiguousarray(keys), np.ascontiguousarray(codes)
    index.invlists.add_entries(number, len(keys), faiss.swig_ptr(keys), faiss.swig_ptr(codes))
    index.ntotal += len(keys)


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
