"""What peers with one vector a picture share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer.reading import nearest_vector, read_ahead


class Embedding:
    """Decodes in threads, embeds one by one, compares with all by cosine."""

    note = ""
    speed_only = False

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._vectors: NDArray[np.float32]

    def read(self, path: Path) -> Any:
        """What `embed` takes; called in threads."""
        raise NotImplementedError

    def embed(self, read: Any) -> NDArray[np.float32]:
        """The unit vector [d]."""
        raise NotImplementedError

    def ingest(self, photos: Sequence[Path]) -> None:
        """Embed every photo."""
        self._vectors = np.stack([self.embed(read) for read in read_ahead(photos, self.read, self._threads)])

    def query(self, path: Path) -> tuple[int | None, float]:
        """The nearest by cosine."""
        return nearest_vector(self.embed(self.read(path)), self._vectors)

    def stored_bytes(self) -> int:
        """The vectors."""
        return self._vectors.nbytes
