"""ORB keypoints in an inverted file, votes by picture, then an affine fit: open source's classic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.peer.reading import open_rgb, read_ahead

KEYPOINTS = 500
SIDE = 640
NEIGHBOURS = 5
SHORTLIST = 20
MAX_BITS = 64
"""A quarter of a descriptor's bits: farther keypoints do not vote."""
RATIO = 0.85
RANSAC_PX = 5.0


class OrbVoting:
    """The query's keypoints vote for pictures; the best are fitted, and the score is the inliers."""

    note = ""
    speed_only = False

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        cv2.setNumThreads(1)
        faiss.omp_set_num_threads(threads)
        self._points: list[NDArray[np.float32]] = []
        self._descriptors: list[NDArray[np.uint8]] = []
        self._photo: NDArray[np.int32]
        self._index: faiss.IndexBinaryIVF

    def ingest(self, photos: Sequence[Path]) -> None:
        """Find every photo's keypoints, and file their descriptors."""
        for points, descriptors in read_ahead(photos, _keypoints, self._threads):
            self._points.append(points)
            self._descriptors.append(descriptors)
        self._photo = np.repeat(np.arange(len(photos), dtype=np.int32), [len(d) for d in self._descriptors])
        rows = np.concatenate(self._descriptors)
        lists = int(np.clip(np.sqrt(len(rows)), 1, 1024))
        # The index does not own its quantiser: both are kept.
        self._quantiser = faiss.IndexBinaryFlat(256)
        self._index = faiss.IndexBinaryIVF(self._quantiser, 256, lists)
        self._index.nprobe = min(lists, 16)
        rng = np.random.default_rng(0)
        self._index.train(rows[rng.permutation(len(rows))[: 64 * lists]])
        self._index.add(rows)

    def query(self, path: Path) -> tuple[int | None, float]:
        """The picture with the most inliers; votes decide between equals."""
        points, descriptors = _keypoints(path)
        if not len(points):
            return None, 0.0
        bits, rows = self._index.search(descriptors, NEIGHBOURS)
        votes = np.bincount(self._photo[rows[(rows >= 0) & (bits <= MAX_BITS)]], minlength=len(self._points))
        best: tuple[float, int] | None = None
        for photo in np.argsort(-votes, kind="stable")[:SHORTLIST].tolist():
            if votes[photo]:
                score = self._inliers(points, descriptors, photo) + votes[photo] / (votes.sum() + 1)
                best = max(best, (float(score), -photo)) if best else (float(score), -photo)
        return (-best[1], best[0]) if best else (None, 0.0)

    def stored_bytes(self) -> int:
        """The inverted file with the descriptors, their points, and whose they are."""
        # The copy of the descriptors that the fit reads is left out: the file could give them back.
        arrays = [*self._points, self._photo]
        return len(faiss.serialize_index_binary(self._index)) + sum(one.nbytes for one in arrays)

    def _inliers(self, points: NDArray[np.float32], descriptors: NDArray[np.uint8], photo: int) -> int:
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(descriptors, self._descriptors[photo], k=2)
        good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
        if len(good) < 3:
            return 0
        ours = np.float32([points[match.queryIdx] for match in good])
        theirs = np.float32([self._points[photo][match.trainIdx] for match in good])
        _, inliers = cv2.estimateAffine2D(ours, theirs, method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PX)
        return 0 if inliers is None else int(inliers.sum())


def _keypoints(path: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Points [n, 2] and descriptors [n, 32]."""
    image = open_rgb(path, SIDE)
    image.thumbnail((SIDE, SIDE))
    found, descriptors = cv2.ORB_create(KEYPOINTS).detectAndCompute(np.asarray(image.convert("L")), None)
    if descriptors is None:
        return np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8)
    return np.float32([one.pt for one in found]), descriptors
