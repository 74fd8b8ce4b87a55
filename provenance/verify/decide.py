"""The evidence of one candidate -> verified or not, with a calibrated probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.records import Candidate, LocalFeatures, Verification
from provenance.verify.dense import Gray, agreement, resemble, whole_picture_homography
from provenance.verify.geometry import Geometry, Size, fit_homography, overlaps
from provenance.verify.matching import agree, match

SURE_INLIERS = 25
"""With this many inliers upright, the mirrored form is not tried."""


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
class Fit:
    """The better of the upright and the mirrored geometry."""

    geometry: Geometry | None
    mirrored: bool
    matches: int
    agreeing: int

    @property
    def inliers(self) -> int:
        return 0 if self.geometry is None else int(self.geometry.inliers.sum())


def verify(
    query: QueryView,
    candidate: Candidate,
    reference: LocalFeatures,
    small: Gray,
    size: Size,
    *,
    min_confidence: float,
) -> Verification:
    """Decide whether `candidate` shows the query's picture.

    `reference` are its stored keypoints, `small` its thumbnail in grey, `size` its full size (width, height).
    """
    fit = _fit(query, reference, size)
    by_keypoints = _from_keypoints(query, candidate, fit, small, size)
    if by_keypoints.confidence >= 0.99:
        return _decided(by_keypoints, min_confidence)
    by_picture = _from_whole_picture(query, candidate, small, size, fit)
    return _decided(max(by_keypoints, by_picture, key=lambda found: found.confidence), min_confidence)


def _fit(query: QueryView, reference: LocalFeatures, size: Size) -> Fit:
    best = Fit(None, False, 0, 0)
    for mirrored in (False, True):
        matches = match(query.mirrored if mirrored else query.local, reference)
        agreeing = agree(matches)
        geometry = fit_homography(agreeing, query.size, size)
        found = Fit(geometry, mirrored, len(matches), len(agreeing))
        if not mirrored or found.inliers > best.inliers:
            best = found
        if best.inliers >= SURE_INLIERS:
            break
    return best


def _from_keypoints(
    query: QueryView, candidate: Candidate, fit: Fit, small: Gray, size: Size
) -> Verification:
    if fit.geometry is None:
        reason = f"{fit.matches} keypoint matches, no consistent geometry"
        return Verification(candidate.reference_id, False, reason, 0, fit.matches, 0.0)
    homography = fit.geometry.reference_from_query
    if fit.mirrored:
        homography = homography @ np.array([[-1.0, 0, query.size[0] - 1], [0, 1, 0], [0, 0, 1]])
    agreed = agreement(query.gray, small, homography, query.size, size)
    confidence = keypoint_confidence(
        inliers=fit.inliers, share=fit.inliers / max(fit.agreeing, 1), spread=fit.geometry.spread,
        agreed=agreed, similarity=max(candidate.similarities.values(), default=0.0),
    )  # fmt: skip
    return Verification(
        candidate.reference_id, False,
        f"{fit.inliers} of {fit.matches} keypoint matches fit one geometry"
        f"{' (mirrored)' if fit.mirrored else ''}, {agreed:.0%} of the blocks agree",
        fit.inliers, fit.matches, confidence, homography, fit.mirrored,
        fit.geometry.query_overlap, fit.geometry.reference_overlap, same_picture=agreed >= 0.15,
    )  # fmt: skip


def _from_whole_picture(
    query: QueryView, candidate: Candidate, small: Gray, size: Size, fit: Fit
) -> Verification:
    alike = resemble(query.gray, small)
    homography: NDArray[np.float64] = whole_picture_homography(alike, query.size, size)
    confidence = picture_confidence(
        detail=alike.detail_correlation, correlation=alike.correlation, structure=alike.structure,
        similarity=max(candidate.similarities.values(), default=0.0),
    )  # fmt: skip
    query_overlap, reference_overlap = overlaps(homography, query.size, size)
    return Verification(
        candidate.reference_id, False,
        f"the whole pictures correlate at {alike.detail_correlation:.2f} in detail",
        0, fit.matches, confidence, homography, alike.mirrored,
        query_overlap, reference_overlap, same_picture=True,
    )  # fmt: skip


def keypoint_confidence(
    *, inliers: int, share: float, spread: float, agreed: float, similarity: float
) -> float:
    """Probability that a geometry is no accident; logistic, fitted by tools/fit_confidence.py."""
    return _logistic(
        KEYPOINT_WEIGHTS, (1.0, math.log1p(inliers), share, math.sqrt(spread), agreed, similarity)
    )


def picture_confidence(*, detail: float, correlation: float, structure: float, similarity: float) -> float:
    """Probability that two whole pictures are one; logistic, fitted by tools/fit_confidence.py."""
    if structure < 3.0:
        return 0.0  # flat pictures: everything correlates with noise
    return _logistic(PICTURE_WEIGHTS, (1.0, detail, correlation, similarity))


KEYPOINT_WEIGHTS = (-14.0, 4.0, 2.0, 1.0, 5.0, 2.0)
PICTURE_WEIGHTS = (-22.0, 20.0, 6.0, 4.0)


def _logistic(weights: tuple[float, ...], values: tuple[float, ...]) -> float:
    score = sum(w * x for w, x in zip(weights, values, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, score))))


def _decided(found: Verification, min_confidence: float) -> Verification:
    from dataclasses import replace

    return replace(found, verified=found.confidence >= min_confidence)
