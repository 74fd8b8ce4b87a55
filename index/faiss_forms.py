"""The FAISS objects behind `FaissIndex`: made, taken apart and put together again.

flat     all vectors as they came (float32, or bits), searched one by one
lists    inverted lists: only those nearest to the query are looked into; embeddings as one byte a number,
         bits as they came

`python -m benchmarks.engine_codes` compares codes: shorter ones find copies as well, but their scores, which
the confidence is made of, are off by 0.004 (6 bits), 0.02 (4 bits) to 0.17 (64 bytes of PQ); bytes by 0.001.
The byte codes do not depend on the list they lie in, so that lists can be laid out anew, split and merged
without another loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.arrays import row_shape
from index.interface import Ids, Metric

LISTS_PER_ROOT = 2
"""Lists over the square root of the number of vectors: a million make 2000 lists of 500."""
_SEARCHED_SHARE: dict[Metric, float] = {"cosine": 1 / 32, "hamming": 1 / 8}
_SEARCHED_AT_LEAST = 32
_TRAINING_ROWS_PER_LIST = 32
_TRAINING_ROUNDS = 6
_CHUNK = 16_384

_INT8 = faiss.ScalarQuantizer.QT_8bit
_STEPS = 255
_HEADROOM = 1.25
"""Range of the byte codes over that of the sample they are fitted to: later vectors may lie outside of it."""


def make_flat(dimension: int, metric: Metric) -> Any:
    """Return an empty flat index. Raises ValueError for a metric or dimension that cannot be."""
    row_shape(dimension, metric)
    if metric == "cosine":
        return faiss.IndexIDMap(faiss.IndexFlatIP(dimension))
    return faiss.IndexBinaryIDMap(faiss.IndexBinaryFlat(dimension))


def make_lists(source: Any, metric: Metric, count: int) -> Any:
    """Return an empty index with lists laid out for the `count` vectors of the indexes `source`."""
    dimension = source[0].d
    lists = lists_for(count)
    sample = _sample(source, lists * _TRAINING_ROWS_PER_LIST / count)
    index: Any
    if metric == "cosine":
        index = _byte_lists(faiss.IndexFlatIP(dimension), lists)
        index.cp.spherical = True
    else:
        index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(dimension), dimension, lists)
    index.cp.niter = _TRAINING_ROUNDS
    index.cp.min_points_per_centroid = 1
    index.nprobe = min(lists, max(_SEARCHED_AT_LEAST, round(lists * _SEARCHED_SHARE[metric])))
    index.train(sample)
    if metric == "cosine":
        laid_out = [part for part in source if has_lists(part)]
        index.sq = laid_out[0].sq if laid_out else _fitted(index.sq, sample)
    return index


def lists_for(count: int) -> int:
    """Return how many lists are laid out for `count` vectors."""
    return max(1, LISTS_PER_ROOT * isqrt(count))


def empty_like(index: Any) -> Any:
    """Return an empty index with the same lists and codes; only for lists of embeddings."""
    empty = _byte_lists(faiss.downcast_index(index.quantizer), index.nlist)
    empty.referenced_objects = [*getattr(empty, "referenced_objects", []), index]
    empty.sq, empty.nprobe, empty.is_trained = index.sq, index.nprobe, True
    return empty


def merged(first: Any, second: Any, gone: Ids) -> Any:
    """Return the content of two indexes with the same lists as one, without the ids `gone` of the first."""
    index = empty_like(second)
    lists = index.invlists
    for number in range(index.nlist):
        for part, without in ((first, gone), (second, gone[:0])):
            ids, codes = _list(part, number)
            if len(without):
                keep = ~contained(ids, without)
                ids, codes = np.ascontiguousarray(ids[keep]), np.ascontiguousarray(codes[keep])
            if len(ids):
                lists.add_entries(number, len(ids), faiss.swig_ptr(ids), faiss.swig_ptr(codes))
                index.ntotal += len(ids)
    return index


def has_lists(index: Any) -> bool:
    """Whether an index has inverted lists."""
    return isinstance(index, (faiss.IndexIVF, faiss.IndexBinaryIVF))


def laid_out_for(index: Any) -> int:
    """Return the number of vectors that an index's lists were laid out for."""
    return int((index.nlist / LISTS_PER_ROOT) ** 2)


def content_ids(index: Any) -> Ids:
    """Return all ids of an index, in its own order."""
    if not has_lists(index):
        return np.asarray(faiss.vector_to_array(index.id_map), np.int64)
    return np.concatenate([_list_ids(index, number) for number in range(index.nlist)])


def content(index: Any) -> Iterator[tuple[Ids, NDArray[Any]]]:
    """Yield ids and stored rows of an index in chunks; `decoded` turns the rows into vectors."""
    if has_lists(index):
        held: list[tuple[Ids, NDArray[Any]]] = []
        for number in range(index.nlist):
            if index.invlists.list_size(number):
                held.append(_list(index, number))
            if sum(len(ids) for ids, _ in held) >= _CHUNK:
                yield _joined(held)
                held = []
        if held:
            yield _joined(held)
        return
    binary = isinstance(index, faiss.IndexBinary)
    flat: Any = faiss.downcast_IndexBinary(index.index) if binary else faiss.downcast_index(index.index)
    if not index.ntotal:
        return
    # A view, not a copy: a flat index may hold 100 MB.
    codes = faiss.rev_swig_ptr((flat.xb if binary else flat.codes).data(), index.ntotal * flat.code_size)
    rows = codes.view(np.uint8 if binary else np.float32).reshape(index.ntotal, -1)
    ids = content_ids(index)
    for start in range(0, index.ntotal, _CHUNK):
        yield ids[start : start + _CHUNK], rows[start : start + _CHUNK]


def decoded(index: Any, rows: NDArray[Any]) -> NDArray[Any]:
    """Return the vectors that stored rows of an index stand for."""
    if has_lists(index) and not isinstance(index, faiss.IndexBinary):
        return np.asarray(index.sq.decode(rows), np.float32)
    return rows


def rows_of(index: Any, ids: Ids) -> tuple[Ids, NDArray[Any]]:
    """Return those of `ids` (ascending) that are in an index, and their stored rows."""
    found = []
    for some_ids, rows in content(index):
        places = contained(some_ids, ids)
        found.append((some_ids[places], rows[places]))
    return _joined(found) if found else (ids[:0], np.empty((0, stored_length(index)), np.uint8))


def stored_length(index: Any) -> int:
    """Return the length of one stored row."""
    if isinstance(index, faiss.IndexBinary):
        return int(index.d // 8)
    return int(index.code_size if has_lists(index) else index.d)


def contained(ids: Ids, among: Ids) -> NDArray[np.bool_]:
    """Return for each id whether it is in `among`, which is ascending."""
    if not len(among):
        return np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(among, ids), len(among) - 1)
    return np.asarray(among[places] == ids)


def _byte_lists(quantizer: Any, lists: int) -> Any:
    return faiss.IndexIVFScalarQuantizer(
        quantizer, quantizer.d, lists, _INT8, faiss.METRIC_INNER_PRODUCT, False
    )


def _fitted(codes: Any, sample: NDArray[np.float32]) -> Any:
    """Return byte codes with a range by dimension, the same above and below zero, that holds the sample.

    No less than the root mean square of a unit vector's numbers, for samples that are few or strange.
    """
    reach = np.maximum(np.abs(sample).max(axis=0), sample.shape[1] ** -0.5) * _HEADROOM
    # FAISS takes a code for the middle of its step; this offset makes codes of x and -x stand for x and -x.
    lowest, width = -reach * (_STEPS + 1) / _STEPS, 2 * reach
    faiss.copy_array_to_vector(np.concatenate([lowest, width]).astype(np.float32), codes.trained)
    return codes


def _sample(source: Any, share: float) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    parts = []
    for part in source:
        for _, rows in content(part):
            parts.append(decoded(part, rows[rng.random(len(rows)) < share]))
    return np.concatenate(parts)


def _list_ids(index: Any, number: int) -> Ids:
    size = index.invlists.list_size(number)
    if not size:
        return np.empty(0, np.int64)
    return np.asarray(faiss.rev_swig_ptr(index.invlists.get_ids(number), size).copy(), np.int64)


def _list(index: Any, number: int) -> tuple[Ids, NDArray[np.uint8]]:
    """Return ids and stored rows of one list."""
    ids, length = _list_ids(index, number), index.invlists.code_size
    if not len(ids):
        return ids, np.empty((0, length), np.uint8)
    rows = faiss.rev_swig_ptr(index.invlists.get_codes(number), len(ids) * length)
    return ids, rows.reshape(-1, length).copy()


def _joined(parts: list[tuple[Ids, NDArray[Any]]]) -> tuple[Ids, NDArray[Any]]:
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([rows for _, rows in parts])
