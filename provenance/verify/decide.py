"""The evidence of one candidate -> verified or not, with a calibrated probability."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from provenance.records import LocalFeatures, Verification
from provenance.verify.dense import (
    Agreement,
    Gray,
    Resemblance,
    agreement,
    resemble,
    whole_picture_homography,
)
from provenance.verify.geometry import Geometry, Size, fit_homography, overlaps
from provenance.verify.matching import agree, match

SURE_INLIERS = 25
"""With this many inliers upright, the mirrored form is not tried."""
QUICK_KEYPOINTS = 500
"""Of the query's keypoints only the strongest are matched at first; most wrong candidates end there."""
QUICK_AGREEING = 4
MIN_AGREEING = 6
"""With fewer matches that agree on scale and rotation no geometry is fitted: chance supports as many."""
MIN_INLIERS = 6
"""Inliers at different places; unrelated pictures reach 4, and two or three support any tiny overlap."""

# Fitted by tools/fit_confidence.py on public-domain photos, in the order of the features below. Descriptors'
# similarity is left out on purpose: it ranks, but two tigers look alike to it.
KEYPOINT_WEIGHTS = (-0.05, 0.58, 9.05, 2.52)
PICTURE_WEIGHTS = (-10.58, 16.2, 1.63)


@dataclass(frozen=True, slots=True, eq=False)
class QueryView:
    """What verification needs to know of the query."""

    local: LocalFeatures
    mirrored: LocalFeatures
    """The features of the left-right mirrored query."""
    gray: Gray
    """Small grey picture, see `dense.small_gray`."""
    size: Size


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is measured of one pair before deciding."""

    geometry: Geometry | None
    """The better of the upright and the mirrored geometry; from the mirrored query where `mirrored`."""
    mirrored: bool
    matches: int
    agreed: Agreement
    """How much of the overlap correlates under the geometry."""
    alike: Resemblance

    @property
    def inliers(self) -> int:
        """Matches that the geometry explains."""
        return 0 if self.geometry is None else int(self.geometry.inliers.sum())

    @property
    def keypoint_features(self) -> tuple[float, ...]:
        """What `KEYPOINT_WEIGHTS` weigh."""
        return (1.0, math.log1p(self.inliers), self.agreed.textured, math.log(self.agreed.area + 0.01))

    @property
    def picture_features(self) -> tuple[float, ...]:
        """What `PICTURE_WEIGHTS` weigh."""
        return (1.0, self.alike.detail_correlation, self.alike.correlation)


def verify(
    query: QueryView,
    reference_id: int,
    reference: LocalFeatures,
    small: Gray,
    size: Size,
    *,
    min_confidence: float,
) -> Verification:
    """Decide whether a reference shows the query's picture.

    `reference` are its stored keypoints, `small` its thumbnail in grey, `size` its full size (width, height).
    """
    evidence = gather(query, reference, small, size)
    by_keypoints, by_picture = keypoint_confidence(evidence), picture_confidence(evidence)
    confidence = max(by_keypoints, by_picture)
    found = Verification(
        reference_id,
        confidence >= min_confidence,
        _reason(evidence, by_keypoints >= by_picture),
        evidence.inliers,
        evidence.matches,
        confidence,
    )
    if by_keypoints >= by_picture and evidence.geometry is not None:
        geometry = evidence.geometry
        return replace(
            found,
            reference_from_query=_upright(evidence, query.size),
            mirrored=evidence.mirrored,
            query_overlap=geometry.query_overlap,
            reference_overlap=geometry.reference_overlap,
            # A copy agrees densely wherever it was not edited; another view of the scene only here and there.
            same_picture=evidence.agreed.textured >= 0.15,
        )
    homography = whole_picture_homography(evidence.alike, query.size, size)
    query_overlap, reference_overlap = overlaps(homography, query.size, size)
    return replace(
        found,
        reference_from_query=homography,
        mirrored=evidence.alike.mirrored,
        query_overlap=query_overlap,
        reference_overlap=reference_overlap,
        same_picture=True,
    )


def promising(query: QueryView, reference: LocalFeatures) -> bool:
    """A quick look at the strongest keypoints: False where not even a few matches agree."""
    return any(
        len(agree(match(features.strongest(QUICK_KEYPOINTS), reference))) >= QUICK_AGREEING
        for features in (query.local, query.mirrored)
    )


def gather(query: QueryView, reference: LocalFeatures, small: Gray, size: Size) -> Evidence:
    """Measure a pair: keypoint geometry upright and mirrored, dense agreement, whole-picture correlation."""
    geometry: Geometry | None = None
    mirrored, matches, most = False, 0, -1
    for flip in (False, True):
        features = query.mirrored if flip else query.local
        found = match(features.strongest(QUICK_KEYPOINTS), reference)
        kept = agree(found)
        if len(features) > QUICK_KEYPOINTS and len(kept) >= QUICK_AGREEING:
            found = match(features, reference)
            kept = agree(found)
        fitted = fit_homography(kept, query.size, size) if len(kept) >= MIN_AGREEING else None
        inliers = 0 if fitted is None else int(fitted.inliers.sum())
        if inliers > most:
            geometry, mirrored, matches, most = fitted, flip, len(found), inliers
        if most >= SURE_INLIERS:
            break
    evidence = Evidence(geometry, mirrored, matches, Agreement(0.0, 0.0), resemble(query.gray, small))
    if geometry is None:
        return evidence
    agreed = agreement(query.gray, small, _upright(evidence, query.size), query.size, size)
    return replace(evidence, agreed=agreed)


def keypoint_confidence(evidence: Evidence) -> float:
    """Probability that the geometry is no accident, 0..1."""
    if evidence.inliers < MIN_INLIERS:
        return 0.0
    return _logistic(KEYPOINT_WEIGHTS, evidence.keypoint_features)


def picture_confidence(evidence: Evidence) -> float:
    """Probability that the two whole pictures are one, 0..1."""
    if evidence.alike.structure < 3.0:
        return 0.0  # flat pictures: everything correlates with noise
    return _logistic(PICTURE_WEIGHTS, evidence.picture_features)


def _upright(evidence: Evidence, query_size: Size) -> NDArray[np.float64]:
    """`reference_from_query`, for a mirrored match with the mirroring inside."""
    if evidence.geometry is None:
        raise ValueError("there is no geometry")
    flip = np.array([[-1.0, 0.0, query_size[0] - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    homography = evidence.geometry.reference_from_query
    return homography @ flip if evidence.mirrored else homography


def _reason(evidence: Evidence, by_keypoints: bool) -> str:
    if by_keypoints and evidence.geometry is not None:
        mirrored = " (mirrored)" if evidence.mirrored else ""
        return (
            f"{evidence.inliers} of {evidence.matches} keypoint matches fit one geometry{mirrored}, "
            f"{evidence.agreed.textured:.0%} of the detail agrees"
        )
    detail = evidence.alike.detail_correlation
    return f"{evidence.matches} keypoint matches; the whole pictures correlate at {detail:.2f} in detail"


def _logistic(weights: tuple[float, ...], values: tuple[float, ...]) -> float:
    score = sum(w * x for w, x in zip(weights, values, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, score))))
