"""FAISS: brute force while that is fast, inverted lists beyond; on a GPU where faiss finds one.

Flat search is exact. With lists a search looks only into those nearest to the query: a 32nd of the embeddings
(kept as one byte a number, so that scores are right to about 0.002) or an eighth of the hashes. What that
finds and costs, `python -m benchmarks.engine_scale` prints. All forms break ties by id.

How it grows: up to `flat_limit` vectors flat; then lists are laid out, and anew each time the index has grown
fourfold (embeddings: at 20, 80, 320 and 1280 thousand). Only the add that crosses such a size waits for it:
2 s at 80 thousand, about eight times that at each next one. On disk a save writes what changed, and the whole
only when that exceeds a quarter, see `journal` and `storage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from index import faiss_forms as forms
from index.arrays import as_ids, as_vectors, last_of_each, no_hits
from index.faiss_base import MAPPED, FaissBase
from index.faiss_gpu import GpuCopy
from index.interface import Ids, Metric, Vectors
from index.journal import Journal, read_deltas
from index.manifest import Manifest, refuse_index
from index.storage import HashingWriter, OpenIndex, open_index
from index.threads import use_threads

_untyped: Any = faiss  # the stubs of faiss lack its file callbacks

_RETRAIN_GROWTH = 4
_SCORE_STEP = 1e-6


class FaissIndex:
    """A FAISS index that changes from flat to inverted lists as it grows, and back.

    Lists of embeddings are in two parts with the same lists: what is saved, mapped into memory, and what came
    since. Several threads may search at once; a change needs that no other call runs.
    """

    flat_limit: ClassVar[Mapping[Metric, int]] = {"cosine": 20_000, "hamming": 1_000_000}
    """Vectors above which lists take over: a flat search then takes some ten milliseconds on one core."""

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.dimension = dimension
        self.metric = metric
        self._index = forms.make_flat(dimension, metric)
        self._base: FaissBase | None = None
        self._ids: Ids = np.empty(0, np.int64)
        self._gpu = GpuCopy()
        self._journal = Journal()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, reference_id: object) -> bool:
        if not isinstance(reference_id, (int, np.integer)):
            return False
        return bool(forms.contained(np.array([reference_id]), self._ids)[0])

    def ids(self) -> Ids:
        """All ids, ascending."""
        return self._ids.copy()

    @property
    def form(self) -> str:
        """How the vectors lie: "flat", or "lists" (inverted lists, approximate)."""
        return "lists" if forms.has_lists(self._index) else "flat"

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors; an id that is there already gets the new vector."""
        ids = as_ids(ids)
        rows = as_vectors(vectors, self.dimension, self.metric, count=len(ids))
        ids, rows = last_of_each(ids, rows)
        if len(ids):
            self._put(ids, rows)
            self._take_form()

    def remove(self, ids: Ids) -> int:
        """Remove ids, effective at once; unknown ids are ignored. Returns how many were there."""
        removed = self._discard(np.unique(as_ids(ids)))
        if removed:
            self._take_form()
        return removed

    def _put(self, ids: Ids, rows: NDArray[Any]) -> None:
        """Add rows under ids that are ascending."""
        self._discard(ids)
        use_threads(len(rows) * rows.itemsize * rows.shape[1] * self._compared_at_add())
        self._index.add_with_ids(rows, ids)
        self._ids = np.insert(self._ids, np.searchsorted(self._ids, ids), ids)
        self._journal.note(ids)

    def _discard(self, ids: Ids) -> int:
        """Remove those of ids, which are ascending, that are there."""
        self._gpu.forget()
        known = ids[forms.contained(ids, self._ids)]
        if len(known):
            removed = self._index.remove_ids(known) if self._index.ntotal else 0
            if self._base and removed < len(known):
                self._base.remove(known)
            self._ids = np.delete(self._ids, np.searchsorted(self._ids, known))
            self._journal.note(known)
        return len(known)

    def search(self, queries: Vectors, k: int) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids [q, k] and scores [q, k], best first; ties by ascending id.

        Missing places hold id -1 and score minus infinity.
        """
        rows = as_vectors(queries, self.dimension, self.metric)
        ids, scores = no_hits(len(rows), k)
        if not len(self) or not len(rows):
            return ids, scores
        use_threads(rows.nbytes * self._compared_at_search())
        # One more than asked for shows whether a tie crosses the last place.
        found_scores, found_ids = self._nearest(rows, min(k + 1, len(self)))
        for row, (row_scores, row_ids) in enumerate(zip(found_scores, found_ids, strict=True)):
            if len(row_ids) > k and row_ids[k] >= 0 and row_scores[k] == row_scores[k - 1]:
                row_scores, row_ids = self._at_least(rows[row : row + 1], row_scores[k])
            hits = np.flatnonzero(row_ids >= 0)
            best = hits[np.lexsort((row_ids[hits], -row_scores[hits]))][:k]
            ids[row, : len(best)] = row_ids[best]
            scores[row, : len(best)] = row_scores[best]
        return ids, scores

    def _compared_at_search(self) -> float:
        """Return about how many vectors a query is compared with."""
        if not forms.has_lists(self._index):
            return len(self)
        return float(self._index.nlist + len(self) * self._index.nprobe / self._index.nlist)

    def _compared_at_add(self) -> int:
        return int(self._index.nlist) if forms.has_lists(self._index) else 0

    def _nearest(self, rows: NDArray[Any], k: int) -> tuple[NDArray[np.float32], Ids]:
        if self._base and not self._index.ntotal:
            return self._base.search(rows, k)
        found = self._gpu.search(self._index, rows, k)
        distances, ids = self._index.search(rows, k) if found is None else found
        scores = self._as_scores(distances)
        if self._base:
            more_scores, more_ids = self._base.search(rows, k)
            scores, ids = np.hstack([scores, more_scores]), np.hstack([ids, more_ids])
            order = np.argsort(-np.where(ids >= 0, scores, -np.inf), axis=1, kind="stable")
            scores, ids = np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1)
        return scores, ids

    def _at_least(self, row: NDArray[Any], score: np.float32) -> tuple[NDArray[np.float32], Ids]:
        """Return everything that scores at least `score`; FAISS itself breaks ties arbitrarily."""
        # FAISS's bounds are exclusive; floats may differ in the last digit from one kernel to another.
        bound = float(score) - _SCORE_STEP if self.metric == "cosine" else int(-score) + 1
        _, distances, ids = self._index.range_search(row, bound)
        scores = self._as_scores(distances)
        if self._base:
            more_scores, more_ids = self._base.range_search(row, bound)
            scores, ids = np.concatenate([scores, more_scores]), np.concatenate([ids, more_ids])
        return scores, ids

    def _as_scores(self, distances: NDArray[Any]) -> NDArray[np.float32]:
        scores = distances.astype(np.float32)
        return np.asarray(scores if self.metric == "cosine" else -scores)

    def _take_form(self) -> None:
        """Change between flat and lists, or lay out the lists anew, when the size asks for it."""
        count, limit, lists = len(self), self.flat_limit[self.metric], forms.has_lists(self._index)
        parts = [self._base.index, self._index] if self._base else [self._index]
        if lists and count < limit // 2:
            index = forms.make_flat(self.dimension, self.metric)
        elif (not lists and count > limit) or (
            lists and count > _RETRAIN_GROWTH * forms.laid_out_for(self._index)
        ):
            # Many small steps: on a busy machine threads waiting for each other cost more than they bring.
            use_threads(0)
            index = forms.make_lists(parts, self.metric, count)
        else:
            return
        gone = self._base.gone if self._base else self._ids[:0]
        for part in parts:
            for ids, rows in forms.content(part):
                keep = ~forms.contained(ids, gone if len(parts) > 1 and part is parts[0] else gone[:0])
                index.add_with_ids(np.ascontiguousarray(forms.decoded(part, rows[keep])), ids[keep])
        self._index, self._base = index, None
        self._journal.forget()

    def save(self, folder: Path, *, descriptor: str, generation: str) -> None:
        """Write what changed to `folder`, or the whole index, replacing the old one atomically."""
        manifest = Manifest("faiss", descriptor, self.dimension, self.metric, len(self), generation)
        # Removals make small deltas, and a large hole in the base.
        if self._base and 4 * len(self._base.gone) > self._base.index.ntotal:
            self._journal.forget()
        folded = self._journal.save(folder, manifest, write_base=self._write, rows_of=self._rows_of)
        if folded and self.form == "lists" and self.metric == "cosine":
            with open_index(folder, engine="faiss", descriptor=descriptor) as saved:
                if saved.manifest == self._journal.saved:
                    self._take_base(_mapped(folder, saved))

    def _write(self, writer: HashingWriter) -> None:
        index, write = (
            self._index,
            _untyped.write_index if self.metric == "cosine" else _untyped.write_index_binary,
        )
        if self._base:
            index = forms.merged(self._base.index, self._index, self._base.gone)
        write(index, _untyped.PyCallbackIOWriter(writer.write))

    def _rows_of(self, ids: Ids) -> tuple[Ids, NDArray[Any]]:
        """Return those of ids that are there, and their stored rows."""
        found_ids, rows = forms.rows_of(self._index, ids)
        wanted = np.count_nonzero(forms.contained(ids, self._ids))
        # Only after another process saved may something that changed lie in the base.
        if self._base and len(found_ids) < wanted:
            left = np.setdiff1d(ids, np.union1d(found_ids, self._base.gone))
            more_ids, more_rows = forms.rows_of(self._base.index, left)
            found_ids, rows = np.concatenate([found_ids, more_ids]), np.concatenate([rows, more_rows])
        return found_ids, rows

    @classmethod
    def load(cls, folder: Path, *, descriptor: str) -> tuple[Self, str]:
        """Read an index and the generation it was saved with.

        Raises IndexCorruptError when it is missing, damaged, or made for another descriptor.
        """
        with open_index(folder, engine="faiss", descriptor=descriptor) as saved:
            manifest = saved.manifest
            index = cls(manifest.dimension, manifest.metric)
            content = _mapped(folder, saved) if manifest.metric == "cosine" else _read(folder, saved)
            if content.d != manifest.dimension:
                refuse_index(folder, f"does not hold vectors of dimension {manifest.dimension}")
            if forms.has_lists(content) and manifest.metric == "cosine":
                index._take_base(content)
            else:
                index._index, index._ids = content, np.sort(forms.content_ids(content))
            for changed, ids, rows in read_deltas(folder, saved):
                index._discard(changed)
                if len(ids):
                    order = np.argsort(ids)
                    index._put(ids[order], forms.decoded(index._index, np.ascontiguousarray(rows[order])))
            if len(index) != manifest.count:
                refuse_index(folder, f"does not hold {manifest.count} vectors")
            index._journal.start(manifest)
        return index, manifest.generation

    def _take_base(self, content: Any) -> None:
        """Let mapped lists be the whole index, and what comes go beside them."""
        self._base = FaissBase(content)
        self._index = forms.empty_like(content)
        self._ids = np.sort(self._base.ids())
        self._gpu.forget()


def _mapped(folder: Path, saved: OpenIndex) -> Any:
    """Return the embeddings of a saved base: lists mapped into memory, a flat index read."""
    try:
        index = _untyped.read_index(saved.base.name, MAPPED)
        if forms.has_lists(index):
            return index
    except RuntimeError:
        pass  # another process may have deleted the file by now; it is open here, and can be read
    return _read(folder, saved)


def _read(folder: Path, saved: OpenIndex) -> Any:
    """Return a saved base, read into memory."""
    read = _untyped.read_index if saved.manifest.metric == "cosine" else _untyped.read_index_binary
    try:
        return read(_untyped.PyCallbackIOReader(saved.base.read))
    except RuntimeError:
        refuse_index(folder, "cannot be read by this version of faiss")
