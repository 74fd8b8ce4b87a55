"""Keypoint matches between two pictures, kept where scale and rotation agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.records import LocalFeatures

RATIO = 0.85
"""Lowe's ratio test, looser than his 0.8 (2004): the vote on scale and rotation removes the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Corresponding points [n, 2] and the scale and angle each match implies, query to reference."""

    query: NDArray[np.float32]
    reference: NDArray[np.float32]
    log_scale: NDArray[np.float32]
    """[n] log2(reference keypoint size / query keypoint size)."""
    turn: NDArray[np.float32]
    """[n] degrees, 0..360, reference angle minus query angle."""

    def __len__(self) -> int:
        return len(self.query)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Matches:
        """The chosen matches only."""
        return Matches(self.query[which], self.reference[which], self.log_scale[which], self.turn[which])


def match(query: LocalFeatures, reference: LocalFeatures, *, ratio: float = RATIO) -> Matches:
    """Mutual nearest neighbours that pass the ratio test on the query's side."""
    if len(query) < 2 or len(reference) < 2:
        nothing = np.zeros((0, 2), np.float32)
        return Matches(nothing, nothing, np.zeros(0, np.float32), np.zeros(0, np.float32))
    similarity = _unit(query.descriptors) @ _unit(reference.descriptors).T
    rows = np.arange(len(query))
    best = similarity.argmax(axis=1)
    first = similarity[rows, best]
    similarity[rows, best] = -1.0
    second = similarity.max(axis=1)
    # On unit vectors the squared distance is 2 - 2 cos; comparing squares avoids the roots.
    i = rows[(1.0 - first) <= ratio**2 * (1.0 - second)]
    j = best[i]
    similarity[rows, best] = first
    mutual = similarity[:, j].argmax(axis=0) == i
    i, j = i[mutual], j[mutual]
    return Matches(
        query.points[i],
        reference.points[j],
        np.log2(np.maximum(reference.scales[j], 1e-3) / np.maximum(query.scales[i], 1e-3)),
        np.mod(reference.angles[j] - query.angles[i], 360.0),
    )


def agree(matches: Matches) -> Matches:
    """The matches around the strongest peak of (scale, rotation): a similarity seen by each match alone.

    The vote of Lowe (2004), section 7.3, with a window of one octave and 30 degrees either way. A copy keeps
    nearly all of its true matches, unrelated pictures lose most of theirs.
    """
    if len(matches) < 3:
        return matches
    octave = np.abs(matches.log_scale[:, None] - matches.log_scale[None, :]) <= 0.7
    turn = np.abs(np.mod(matches.turn[:, None] - matches.turn[None, :] + 180.0, 360.0) - 180.0) <= 20.0
    near = octave & turn
    return matches.take(near[near.sum(axis=1).argmax()])


def _unit(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rows as float32 unit vectors."""
    rows = descriptors.astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows
