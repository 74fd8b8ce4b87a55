"""Near keypoints -> which references hold many of them in one geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.keypoints import KeypointIndex, Places
from provenance.records import Form, LocalFeatures

NEAREST = 12
"""Hits asked for each keypoint of the query."""
LEAST_BACKGROUND = 0.35
"""Squared distance below which a hit counts even where all hits are as near: copies of one picture."""
LOOKED_AT = 32
"""References whose hits are tested for one geometry, by the plain sum of their votes."""
MATCHES_TESTED = 80
OCTAVES, DEGREES = 0.6, 20.0
"""How far two matches may differ in scale and rotation (Jégou, Douze & Schmid 2008)."""
NEAR, DRIFT = 0.012, 0.3
"""How far a match may lie from where another one puts it: in long sides of the reference, and as a share of
the way between the two, for a keypoint knows scale and angle only roughly."""


@dataclass(frozen=True, slots=True)
class Vote:
    """How strongly the keypoints speak for one reference."""

    weight: float
    """Sum of the agreeing votes; a vote is 0 to 1 by how much nearer it is than an accidental hit."""
    matches: int
    """How many keypoints agree."""


def keep_heavier(votes: dict[int, tuple[Vote, Form]], more: Mapping[int, tuple[Vote, Form]]) -> None:
    """Add votes by reference to `votes`; of two forms of the query the one with the heavier vote stays."""
    for reference_id, cast in more.items():
        if reference_id not in votes or cast[0].weight > votes[reference_id][0].weight:
            votes[reference_id] = cast


def places(features: LocalFeatures, size: tuple[int, int]) -> Places:
    """Keypoints in units of the long side of their picture of `size` (width, height)."""
    side = np.float32(max(size))
    points = features.points / side
    return Places(points[:, 0], points[:, 1], features.scales / side, features.angles)


def vote(index: KeypointIndex, query: LocalFeatures, size: tuple[int, int]) -> dict[int, Vote]:
    """Votes by reference, only for those that have some; `size` (width, height) of the query in pixels."""
    hits = index.search(query.descriptors, NEAREST)
    weights = np.maximum(0.0, 1.0 - hits.distance / np.maximum(hits.background, LEAST_BACKGROUND))
    hits, weights = hits.take(weights > 0), weights[weights > 0]
    if not len(hits):
        return {}
    owners, numbered = np.unique(hits.owner, return_inverse=True)
    total = np.bincount(numbered, weights, len(owners))
    chosen = np.argsort(-total, kind="stable")[:LOOKED_AT]
    order = np.argsort(numbered, kind="stable")
    bounds = np.searchsorted(numbered[order], np.arange(len(owners) + 1))
    placed = places(query, size)
    found: dict[int, Vote] = {}
    for one in chosen.tolist():
        which = order[bounds[one] : bounds[one + 1]]
        which = which[np.argsort(-weights[which], kind="stable")][:MATCHES_TESTED]
        found[int(owners[one])] = _agreeing(
            placed.take(hits.row[which]), hits.places.take(which), weights[which]
        )
    return found


def _agreeing(query: Places, reference: Places, weights: NDArray[np.floating]) -> Vote:
    """The largest group of matches that agree with one of them on a similarity transform."""
    octave = np.log2(reference.size / np.maximum(query.size, 1e-6))
    turn = reference.angle - query.angle
    apart = np.abs(np.mod(turn[:, None] - turn[None] + 180.0, 360.0) - 180.0)
    near = (np.abs(octave[:, None] - octave[None]) <= OCTAVES) & (apart <= DEGREES)
    grown, radians = np.exp2(octave)[:, None], np.deg2rad(turn)[:, None]
    dx, dy = query.x[None] - query.x[:, None], query.y[None] - query.y[:, None]
    along, across = np.cos(radians) * grown, np.sin(radians) * grown
    ex = reference.x[:, None] + along * dx - across * dy - reference.x[None]
    ey = reference.y[:, None] + across * dx + along * dy - reference.y[None]
    near &= np.hypot(ex, ey) <= NEAR + DRIFT * grown * np.hypot(dx, dy)
    sums = near @ weights
    best = int(sums.argmax())
    return Vote(float(sums[best]), int(near[best].sum()))
