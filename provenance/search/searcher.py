"""An index for each descriptor, in step with the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from index import open_engine
from index.interface import Ids, Metric, VectorIndex, Vectors
from index.keypoints import KeypointIndex
from index.storage import check_digests
from provenance.db import Database
from provenance.errors import DatabaseError, IndexCorruptError
from provenance.records import Form, LocalFeatures
from provenance.search.votes import Vote, keep_heavier, places, vote

KEYPOINTS_INDEXED, KEYPOINTS_OF_MANY, MANY = 300, 150, 200_000
"""Of a reference's keypoints the index holds the strongest, fewer of those that come once it holds many
references: a million then take 4 GB. Verification uses them all."""

KEYPOINTS_AT_ONCE = 256
"""References whose stored keypoints are read together."""

log = logging.getLogger(__name__)

_Index = TypeVar("_Index", VectorIndex, KeypointIndex)


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
        self._versions = versions
        self._engine = open_engine(engine)
        self._indexes: dict[str, VectorIndex] = {}
        self._keypoints: KeypointIndex | None = None
        self._token = ""
        self._lock = threading.RLock()

    def sync(self) -> None:
        """Bring all indexes in step with the database; returns at once when they are."""
        with self._lock:
            token = f"{self._database.uuid}:{self._database.generation()}"
            if token == self._token:
                return
            active = self._database.active_ids()
            for name in self._vector_names:
                self._sync_vectors(name, active, token)
            self._sync_keypoints(active, token)
            self._token = token

    def rebuild(self) -> None:
        """Drop damaged descriptors, forget the saved indexes, and make them anew from the database."""
        with self._lock:
            self._database.drop_damaged_descriptors(self._versions)
            self._indexes.clear()
            self._keypoints = None
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
            for name in self._versions:
                try:
                    check_digests(self._folder / name)
                    kind = KeypointIndex if name == "local" else self._engine
                    saved, saved_token = kind.load(self._folder / name, descriptor=self._descriptor(name))
                except IndexCorruptError as error:
                    if len(active):
                        found.append(f"index {name}: {error}")
                    continue
                if saved_token != token:
                    found.append(f"index {name} is behind the database: run 'provenance db rebuild'")
                missing, extra = np.setdiff1d(active, saved.ids()), np.setdiff1d(saved.ids(), active)
                if len(missing) or len(extra):
                    found.append(f"index {name}: {len(missing)} references missing, {len(extra)} too many")
                if not isinstance(saved, KeypointIndex):
                    found += self._differences(name, saved, active)
        return found

    def by_hash(self, forms: Vectors, limit: int) -> dict[int, float]:
        """Minus the differing bits of the nearest of `forms` uint8 [n, 32], for the nearest references."""
        return self._best("phash", forms, limit)

    def hashes_near(self, name: str, hashes: NDArray[np.uint8], limit: int) -> list[dict[int, int]]:
        """For each of `hashes` uint8 [n, 32] the nearest references with their bits apart, nearest first."""
        self.sync()
        with self._lock:
            index = self._indexes.get(name)
            if index is None or not len(index):
                return [{} for _ in hashes]
            ids, scores = index.search(hashes, min(limit, len(index)))
        return [
            {one: round(-score) for one, score in zip(row, row_scores, strict=True) if one >= 0}
            for row, row_scores in zip(ids.tolist(), scores.tolist(), strict=True)
        ]

    def near_hashes(self, reference_id: int, bits: int, limit: int = 500) -> list[int]:
        """Other references whose hash differs from a reference's in at most so many bits, nearest first."""
        for _, rows in self._database.vectors("phash", self._versions["phash"], [reference_id]):
            found = self._best("phash", rows, limit)
            near = [one for one in sorted(found, key=lambda one: -found[one]) if found[one] >= -bits]
            return [one for one in near if one != reference_id]
        return []

    def by_embedding(self, name: str, forms: Vectors, limit: int) -> dict[int, float]:
        """Cosine similarity to the nearest of `forms` float32 [n, d], for the nearest references."""
        return self._best(name, forms, limit)

    def by_keypoints(
        self, forms: Mapping[Form, LocalFeatures], size: tuple[int, int]
    ) -> dict[int, tuple[Vote, Form]]:
        """Votes of the query's keypoints by reference, each with the form of the query that got them.

        `size` is the query's (width, height) in full-size pixels.
        """
        self.sync()
        with self._lock:
            keypoints = self._keypoints
            if keypoints is None or not forms:
                return {}
            with ThreadPoolExecutor(len(forms)) as pool:
                votes = pool.map(lambda one: vote(keypoints, one, size), forms.values())
                found: dict[int, tuple[Vote, Form]] = {}
                for form, cast_votes in zip(forms, votes, strict=True):
                    keep_heavier(found, {one: (cast, form) for one, cast in cast_votes.items()})
            return found

    def _best(self, name: str, forms: Vectors, limit: int) -> dict[int, float]:
        self.sync()
        with self._lock:
            index = self._indexes.get(name)
            if index is None or not len(index):
                return {}
            ids, scores = index.search(forms, min(limit, len(index)))
        best: dict[int, float] = {}
        for reference_id, score in zip(ids.ravel().tolist(), scores.ravel().tolist(), strict=True):
            if reference_id >= 0 and score > best.get(reference_id, -np.inf):
                best[reference_id] = score
        return best

    def _sync_vectors(self, name: str, active: Ids, token: str) -> None:
        index, saved_token = self._indexes.get(name), self._token
        if index is None:
            index, saved_token = self._load(name, self._engine)
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
                index = self._engine(*_shape(vectors))
            index.add(ids, vectors)
        if index is not None:
            self._indexes[name] = index
            self._save(name, index, token)

    def _sync_keypoints(self, active: Ids, token: str) -> None:
        index, saved_token = self._keypoints, self._token
        if index is None:
            index, saved_token = self._load("local", KeypointIndex)
        if index is None:
            index, saved_token = KeypointIndex(), ""
        self._keypoints = index
        if saved_token == token and len(index) == len(active):
            return
        have = index.ids()
        index.remove(np.setdiff1d(have, active))
        new = np.setdiff1d(active, have)
        for start in range(0, len(new), KEYPOINTS_AT_ONCE):
            ids = new[start : start + KEYPOINTS_AT_ONCE].tolist()
            records = self._database.references(ids)
            stored = self._database.local_features(ids, self._versions["local"])
            kept = KEYPOINTS_INDEXED if len(index) < MANY else KEYPOINTS_OF_MANY
            chosen = {one: features.strongest(kept) for one, features in stored.items()}
            index.add(
                np.array(list(chosen), np.int64),
                [features.descriptors for features in chosen.values()],
                [
                    places(features, (records[one].width, records[one].height))
                    for one, features in chosen.items()
                ],
            )
        self._save("local", index, token)

    def _save(self, name: str, index: VectorIndex | KeypointIndex, token: str) -> None:
        try:
            index.save(self._folder / name, descriptor=self._descriptor(name), generation=token)
        except DatabaseError as error:
            log.warning("index %s was not saved and will be made again next time: %s", name, error)

    def _load(self, name: str, kind: type[_Index]) -> tuple[_Index | None, str]:
        """The saved index and its token, or nothing where it cannot be trusted."""
        folder = self._folder / name
        if not (folder / "manifest.json").exists():
            return None, ""
        try:
            index, token = kind.load(folder, descriptor=self._descriptor(name))
        except IndexCorruptError as error:
            log.warning("%s; it is made again from the database", error)
            return None, ""
        # Ids of another database mean other pictures: nothing of such an index may be kept.
        return (index, token) if token.startswith(f"{self._database.uuid}:") else (None, "")

    @property
    def _vector_names(self) -> list[str]:
        return [name for name in self._versions if name != "local"]

    def _descriptor(self, name: str) -> str:
        """What the index `name` is made of, codebook included."""
        version = self._versions[name]
        return f"{name} {version} {KeypointIndex.descriptor}" if name == "local" else f"{name} {version}"

    def _differences(self, name: str, index: VectorIndex, active: Ids) -> list[str]:
        found = []
        wrong = 0
        for ids, vectors in self._database.vectors(name, self._versions[name], active.tolist()):
            nearest, scores = index.search(vectors, 1)
            # A large index rounds embeddings; the vector of another picture is far from 0.99.
            best = -0.5 if vectors.dtype == np.uint8 else 0.99
            wrong += int((scores[:, 0] < best).sum()) if len(nearest) else len(ids)
        if wrong:
            found.append(f"index {name}: {wrong} vectors differ from the database")
        return found


def _shape(vectors: NDArray[np.generic]) -> tuple[int, Metric]:
    """Dimension and metric of the index of such vectors."""
    return (vectors.shape[1] * 8, "hamming") if vectors.dtype == np.uint8 else (vectors.shape[1], "cosine")
