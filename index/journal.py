"""What changed in an index since it was last saved, so that a save writes that and no more.

A delta holds three arrays in numpy's own format: the ids that changed, those of them that are there now, and
their rows. So a delta says what is, not what was done, and may be read twice or after another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from index.interface import Ids
from index.manifest import Manifest, read_manifest, refuse_index
from index.storage import HashingWriter, OpenIndex, WriteData, open_index, save_index
from provenance.errors import IndexCorruptError

Rows: TypeAlias = NDArray[Any]

_MOST_CHANGED = 0.25
"""Share of the index beyond which a whole save is cheaper than one of the changes."""


class Journal:
    """The ids that changed since an index was saved, and the manifest it was saved with."""

    def __init__(self) -> None:
        self._saved: Manifest | None = None
        self._changed: list[Ids] = []
        self._count = 0

    @property
    def saved(self) -> Manifest | None:
        """What the index was last saved as; None when the next save writes everything."""
        return self._saved

    def start(self, saved: Manifest) -> None:
        """Begin anew: the index is as saved."""
        self._saved, self._changed, self._count = saved, [], 0

    def forget(self) -> None:
        """Let the next save write everything."""
        self._saved, self._changed, self._count = None, [], 0

    def note(self, ids: Ids) -> None:
        """Remember that vectors of these ids came, changed or went."""
        if self._saved is None or not len(ids):
            return
        self._changed.append(ids)
        self._count += len(ids)
        if self._count > _MOST_CHANGED * self._saved.count:
            self.forget()

    def save(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        write_base: WriteData,
        rows_of: Callable[[Ids], tuple[Ids, Rows]],
    ) -> bool:
        """Save the changes, or the whole where that is cheaper; returns whether it was the whole.

        `rows_of` gives those of some ids that the index holds, and their rows. What another process saved
        since on the same base is overruled; where it saved this very generation, nothing is written. Raises
        like `storage.save_base`.
        """
        after = self._saved
        changed = np.unique(np.concatenate([np.empty(0, np.int64), *self._changed]))
        if after is not None and (there := _saved_by_another(folder, after)):
            if (there.generation, there.count) == (manifest.generation, manifest.count):
                self.start(there)
                return False
            if there.base == after.base and there.deltas[: len(after.deltas)] == after.deltas:
                changed = np.union1d(changed, _changed_since(folder, after, there))
                after = there

        def write_delta(writer: HashingWriter) -> None:
            for array in (changed, *rows_of(changed)):
                np.save(writer, array, allow_pickle=False)

        written = save_index(
            folder,
            manifest,
            after=after,
            write_base=write_base,
            write_delta=write_delta if len(changed) else None,
        )
        folded = after is None or written.base != after.base
        self.start(written)
        return folded


def read_deltas(folder: Path, saved: OpenIndex, *, skip: int = 0) -> Iterator[tuple[Ids, Ids, Rows]]:
    """Yield of each delta the ids that changed, those that are there since, and their rows.

    Raises IndexCorruptError where a file holds something else.
    """
    for file in saved.deltas[skip:]:
        try:
            changed, ids, rows = (np.load(file, allow_pickle=False) for _ in range(3))
        except (ValueError, EOFError):
            refuse_index(folder, "has a delta that cannot be read")
        if changed.dtype != np.int64 or ids.dtype != np.int64 or len(ids) != len(rows):
            refuse_index(folder, "has a delta that cannot be read")
        yield changed, ids, rows


def _saved_by_another(folder: Path, after: Manifest) -> Manifest | None:
    """Return the folder's manifest where it is an index of the same kind, but not `after`."""
    try:
        there = read_manifest(folder)
    except IndexCorruptError:
        return None
    kinds = [(one.engine, one.descriptor, one.dimension, one.metric) for one in (there, after)]
    return there if kinds[0] == kinds[1] and there != after else None


def _changed_since(folder: Path, after: Manifest, there: Manifest) -> Ids:
    """Return the ids in the deltas that `there` has and `after` has not."""
    with open_index(folder, engine=there.engine, descriptor=there.descriptor) as saved:
        deltas = read_deltas(folder, saved, skip=len(after.deltas))
        return np.concatenate([np.empty(0, np.int64), *(changed for changed, _, _ in deltas)])
