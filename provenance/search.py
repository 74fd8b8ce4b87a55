"""Descriptors -> ranked candidates: an index for each descriptor, in step with the database, fused."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import open_engine
from index.interface import Ids, Metric, VectorIndex, Vectors
from index.storage import check_digests
from provenance.db import Database
from provenance.errors import DatabaseError, IndexCorruptError
from provenance.records import Candidate, Description

RANK_OFFSET = 8
"""Reciprocal rank fusion (Cormack et al. 2009) with a small offset: copies stand at the top or nowhere."""

log = logging.getLogger(__name__)


class Searcher:
    """Finds candidates for a query; safe to use from several threads.

    The database is the truth. `sync` brings every index to the database's generation: a saved index that is
    missing, damaged, stale or of another descriptor is mended from the stored descriptors, never trusted.
    """

    def __init__(
        self, database: Database, folder: Path, versions: Mapping[str, str], *, engine: str = "faiss"
    ) -> None:
        self._database = database
        self._folder = folder
        self._all_versions = versions
        self._versions = {name: version for name, version in versions.items() if name != "local"}
        self._engine = open_engine(engine)
        self._indexes: dict[str, VectorIndex] = {}
        self._token = ""
        self._lock = threading.RLock()

    def sync(self) -> None:
        """Bring all indexes in step with the database; returns at once when they are."""
        with self._lock:
            token = f"{self._database.uuid}:{self._database.generation()}"
            if token == self._token:
                return
            active = self._database.active_ids()
            for name in self._versions:
                self._sync_one(name, active, token)
            self._token = token

    def rebuild(self) -> None:
        """Drop damaged descriptors, forget the saved indexes, and make them anew from the database."""
        with self._lock:
            self._database.drop_damaged_descriptors(self._all_versions)
            self._indexes.clear()
            self._token = ""
            for name in self._versions:
                (self._folder / name / "manifest.json").unlink(missing_ok=True)
            self.sync()

    def problems(self) -> list[str]:
        """What is wrong with the saved indexes, in plain words; empty when they equal the database."""
        found: list[str] = []
        with self._lock:
            token = f"{self._database.uuid}:{self._database.generation()}"
            active = self._database.active_ids()
            for name, version in self._versions.items():
                try:
                    check_digests(self._folder / name)
                    saved, saved_token = self._engine.load(
                        self._folder / name, descriptor=f"{name} {version}"
                    )
                except IndexCorruptError as error:
                    if len(active):
                        found.append(f"index {name}: {error}")
                    continue
                if saved_token != token:
                    found.append(f"index {name} is behind the database: run 'provenance db rebuild'")
                found += self._differences(name, saved, active)
        return found

    def candidates(
        self, query: Description, *, limit: int, parts: Mapping[str, Vectors] | None = None
    ) -> list[Candidate]:
        """The `limit` references most likely to be the original of `query`, best first.

        `parts` are embeddings [n, d] of windows of the query by descriptor name: what is near to one of them
        ranks too, for an original that fills only a part of the query.
        """
        self.sync()
        with self._lock:
            bits, similarities = self._nearest(query, limit)
            insets = [self._best(name, forms, limit) for name, forms in (parts or {}).items()]
        score: dict[int, float] = {}
        for ranking in (bits, *similarities.values(), *insets):
            order = sorted(ranking, key=lambda one: (-ranking[one], one))
            for rank, reference_id in enumerate(order):
                score[reference_id] = score.get(reference_id, 0.0) + 1.0 / (RANK_OFFSET + rank)
        best = sorted(score, key=lambda one: (-score[one], one))[:limit]
        # A reference outside an embedding's ranking is at most as similar as the last one inside.
        floor = {name: min(ranking.values(), default=0.0) for name, ranking in similarities.items()}
        return [
            Candidate(
                reference_id,
                score[reference_id],
                phash_bits=-round(bits[reference_id]) if reference_id in bits else None,
                similarities={
                    name: ranking.get(reference_id, floor[name]) for name, ranking in similarities.items()
                },
            )
            for reference_id in best
        ]

    def _nearest(
        self, query: Description, limit: int
    ) -> tuple[dict[int, float], dict[str, dict[int, float]]]:
        """Best score by reference: for hashes over eight forms, for embeddings over both mirrorings."""
        bits = self._best("phash", query.phash_forms, limit)
        similarities = {}
        for name, vector in query.embeddings.items():
            forms = [
                vector,
                *([query.mirrored_embeddings[name]] if name in query.mirrored_embeddings else []),
            ]
            similarities[name] = self._best(name, np.stack(forms), limit)
        return bits, similarities

    def _best(self, name: str, forms: Vectors, limit: int) -> dict[int, float]:
        index = self._indexes.get(name)
        if index is None or not len(index):
            return {}
        ids, scores = index.search(forms, min(limit, len(index)))
        best: dict[int, float] = {}
        for reference_id, score in zip(ids.ravel().tolist(), scores.ravel().tolist(), strict=True):
            if reference_id >= 0 and score > best.get(reference_id, -np.inf):
                best[reference_id] = score
        return best

    def _sync_one(self, name: str, active: Ids, token: str) -> None:
        descriptor = f"{name} {self._versions[name]}"
        index, saved_token = self._indexes.get(name), self._token
        if index is None:
            index, saved_token = self._load(name, descriptor)
        if index is not None and saved_token == token and len(index) == len(active):
            self._indexes[name] = index
            return
        have = index.ids() if index is not None else np.zeros(0, np.int64)
        if index is not None and len(gone := np.setdiff1d(have, active)):
            index.remove(gone)
        for ids, vectors in self._database.vectors(
            name, self._versions[name], np.setdiff1d(active, have).tolist()
        ):
            if index is None:
                index = self._engine(*_shape(name, vectors))
            index.add(ids, vectors)
        if index is None:
            return
        self._indexes[name] = index
        try:
            index.save(self._folder / name, descriptor=descriptor, generation=token)
        except DatabaseError as error:
            log.warning("index %s was not saved and will be made again next time: %s", name, error)

    def _load(self, name: str, descriptor: str) -> tuple[VectorIndex | None, str]:
        """The saved index and its token, or nothing where it cannot be trusted."""
        folder = self._folder / name
        if not (folder / "manifest.json").exists():
            return None, ""
        try:
            index, token = self._engine.load(folder, descriptor=descriptor)
        except IndexCorruptError as error:
            log.warning("%s; it is made again from the database", error)
            return None, ""
        # Ids of another database mean other pictures: nothing of such an index may be kept.
        return (index, token) if token.startswith(f"{self._database.uuid}:") else (None, "")

    def _differences(self, name: str, index: VectorIndex, active: Ids) -> list[str]:
        found = []
        missing, extra = np.setdiff1d(active, index.ids()), np.setdiff1d(index.ids(), active)
        if len(missing) or len(extra):
            found.append(f"index {name}: {len(missing)} references missing, {len(extra)} too many")
        wrong = 0
        for ids, vectors in self._database.vectors(name, self._versions[name], active.tolist()):
            nearest, scores = index.search(vectors, 1)
            # A large index rounds embeddings; the vector of another picture is far from 0.99.
            best = -0.5 if name == "phash" else 0.99
            wrong += int((scores[:, 0] < best).sum()) if len(nearest) else len(ids)
        if wrong:
            found.append(f"index {name}: {wrong} vectors differ from the database")
        return found


def _shape(name: str, vectors: NDArray[np.generic]) -> tuple[int, Metric]:
    """Dimension and metric of a descriptor's index."""
    return (vectors.shape[1] * 8, "hamming") if name == "phash" else (vectors.shape[1], "cosine")
