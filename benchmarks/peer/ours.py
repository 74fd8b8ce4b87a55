"""provenance itself, through its library: the whole, and its copy descriptor alone."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from inspect import signature
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer.embedding import Embedding
from benchmarks.peer.protocol import PeerMissingError
from provenance import Provenance
from provenance.decode import decode, reduce
from provenance.describe.copy_descriptor import CopyDescriptor
from provenance.records import Pixels

SIDE_PX = 1024


class Whole:
    """Ingest and check; the answer is the match, or the best candidate at its own, low confidence."""

    note = ""
    speed_only = False

    def __init__(self, *, threads: int, explained: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._library = Provenance(self._folder.name, threads=threads)
        # Models are loaded and the database is made before the clock starts, as for everybody.
        _ = self._library.database, self._library.describer, self._library.searcher
        self._check = self._library.check
        if "explain" in signature(self._library.check).parameters:
            self._check = partial(self._library.check, explain=explained)
        elif explained:
            raise PeerMissingError(
                "check has no explain=False here: the row provenance includes the explanation"
            )
        else:
            self.note = "explanation included"
        self._places: dict[str, int] = {}

    def ingest(self, photos: Sequence[Path]) -> None:
        """One ingest of all photos, the indexes included."""
        self._places = {str(photo): place for place, photo in enumerate(photos)}
        self._library.ingest(photos)

    def query(self, path: Path) -> tuple[int | None, float]:
        """The best answer and its confidence."""
        report = self._check(path)
        found = report.match.reference.path if report.match else None
        if found is None and report.candidates:
            found = report.candidates[0].path
        return (None, 0.0) if found is None else (self._places[found], report.confidence)

    def stored_bytes(self) -> int:
        """All files of the home folder: database with thumbnails and records, and indexes."""
        self._library.close()
        return sum(file.stat().st_size for file in Path(self._folder.name).rglob("*") if file.is_file())


class CopyAlone(Embedding):
    """The built-in copy descriptor, of the upright picture only, compared with all by cosine."""

    def __init__(self, *, threads: int) -> None:
        super().__init__(threads)
        self._model = CopyDescriptor(threads=threads)

    def read(self, path: Path) -> Pixels:
        """Decoded and reduced as an ingest does."""
        return reduce(decode(path, min_side=SIDE_PX), SIDE_PX).pixels

    def embed(self, read: Pixels) -> NDArray[np.float32]:
        """The unit vector."""
        vector: NDArray[np.float32] = self._model.embed([read])[0]
        return vector
