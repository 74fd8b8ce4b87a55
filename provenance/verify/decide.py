"""The evidence of one candidate -> verified or not, with a calibrated probability."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from provenance.drift import Drift
from provenance.records import Form, LocalFeatures, Verification
from provenance.verify.agreement import Agreement, agreement, tracked_drift
from provenance.verify.dense import Gray, Resemblance, resemble, whole_picture_homography
from provenance.verify.geometry import Geometry, Size, fit_homography, overlaps
from provenance.verify.matching import agree, match

SURE_INLIERS, SURE_SHARE = 25, 0.6
"""With so many inliers, and such a share of the matches, in one form the others are not tried: a building or
a face is nearly its own mirror image, and when mirrored has many matches upright, but most are elsewhere."""
QUICK_KEYPOINTS = 500
"""In the less likely forms only the strongest keypoints are matched at first; most end there."""
QUICK_AGREEING = 4
MIN_AGREEING = 5
"""With fewer matches that agree on scale and rotation no geometry is fitted: chance supports as many."""
MIN_INLIERS = 5
FEW_MATCHES = 10
"""Of fewer matches a share says little, so it is taken of so many."""
ENOUGH_INLIERS = 15
"""With so many inliers their geometry is judged, unless the whole pictures agree nearly everywhere."""
PAGE, CODE, PAGE_OVERLAP = 0.75, 0.88, 0.9
"""Pages of text resemble each other, codes agree at most places: copies of one agree nearly everywhere."""
PHOTO_GRAPHIC = 0.7
"""`Agreement.graphic` of photos with hard edges; letters and logos have 0.75 to 0.95."""

SAME_OVERLAP = 0.15
SCENE_OVERLAP = 0.2
"""Share of photo-like blocks that agree between photos of one scene; with a page in common it is 0.12."""
SCENE_BORDER = 0.3
"""`_framing` of photos of one scene is 0.04 to 0.2; of banners in common 0.35 and more."""
SCENE_GRAPHIC = 0.78
"""`Agreement.graphic` of photos of one scene is 0.69 to 0.77; of pages and banners in common 0.8 to 0.87."""
RESEMBLING = 0.15
"""Correlation of two whole pictures in detail below which they are not laid on each other."""

# Fitted by tools/fit_confidence.py on photos and edits that are not the test's, in the order of the features
# below. Descriptors' similarity is left out on purpose: it ranks, but two tigers look alike to it.
KEYPOINT_WEIGHTS = (-1.76, 13.57, 2.12, -19.47, -4.1, -14.53)
PICTURE_WEIGHTS = (-12.96, 6.61, 0.32, 5.11, 0.71, -1.12, -7.84, 9.59)


@dataclass(frozen=True, slots=True, eq=False)
class QueryView:
    """What verification needs to know of the query."""

    forms: Mapping[Form, LocalFeatures]
    """Its keypoints as it is, mirrored, and as a negative; "upright" must be there."""
    gray: Gray
    """Grey picture, see `dense.small_gray`."""
    size: Size


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is measured of one pair before deciding."""

    geometry: Geometry | None
    """The best geometry of any form; from the query in that form."""
    form: Form
    matches: int
    agreed: Agreement
    """How much of the two pictures correlates under the geometry."""
    alike: Resemblance
    whole: Agreement = field(default_factory=Agreement)
    """The same with the one whole picture laid on the other, where they resemble each other at all."""
    drift: Drift = field(default_factory=Drift)
    """How much of what the geometry leaves unexplained moves together."""

    @property
    def inliers(self) -> int:
        """Matches that the geometry explains."""
        return 0 if self.geometry is None else int(self.geometry.inliers.sum())

    @property
    def another_photo(self) -> bool:
        """Whether the keypoints show the scene of the reference in another photo.

        Parts of a page that lie differently drift as well: what agrees must look like a photo.
        """
        agreed = self.agreed
        like_photo = agreed.photo_overlap >= SCENE_OVERLAP and agreed.graphic <= SCENE_GRAPHIC
        return like_photo and self.drift.another_photo and _framing(agreed) <= SCENE_BORDER

    @property
    def keypoint_features(self) -> tuple[float, ...]:
        """What `KEYPOINT_WEIGHTS` weigh."""
        agreed = self.agreed
        return (
            1.0,
            self.inliers / max(FEW_MATCHES, self.matches),
            math.log(agreed.explained + 0.02),
            # Letters, logos and frames in common count against a match, most where little else agrees.
            _drawn(agreed),
            _drawn(agreed) * (1.0 - agreed.overlap),
            _framing(agreed),
        )

    @property
    def picture_features(self) -> tuple[float, ...]:
        """What `PICTURE_WEIGHTS` weigh."""
        whole = self.whole
        return (
            1.0,
            self.alike.detail_correlation,
            self.alike.correlation,
            whole.overlap,
            math.log1p(whole.blocks),
            _drawn(whole) * (1.0 - whole.overlap),
            _framing(whole),
            whole.photo_overlap,
        )


def _drawn(agreed: Agreement) -> float:
    """By how much the agreeing blocks look more drawn than photos do."""
    return max(0.0, agreed.graphic - PHOTO_GRAPHIC)


def _framing(agreed: Agreement) -> float:
    """How much of what agrees lies in the border, where little else agrees: frames and banners."""
    return agreed.border * (1.0 - agreed.overlap)


def verify(
    query: QueryView,
    reference_id: int,
    reference: LocalFeatures,
    small: Gray,
    size: Size,
    *,
    min_confidence: float,
    forms: Sequence[Form] = ("upright", "mirrored"),
    voted: bool = True,
) -> Verification:
    """Decide whether a reference shows the query's picture.

    `reference` are its stored keypoints, `small` its thumbnail in grey, `size` its full size (width, height);
    `forms` of the query are tried in this order, the first at length where it was `voted` for.
    """
    evidence = gather(query, reference, small, size, forms, voted=voted)
    by_keypoints, by_picture = keypoint_confidence(evidence), picture_confidence(evidence)
    another_photo = evidence.another_photo
    if another_photo:
        by_keypoints, by_picture = scene_confidence(evidence.drift), 0.0
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
            reference_from_query=_upright(geometry, evidence.form, query.size),
            form=evidence.form,
            query_overlap=geometry.query_overlap,
            reference_overlap=geometry.reference_overlap,
            explained=evidence.agreed.explained,
            agreeing=evidence.agreed.where,
            # A copy agrees densely wherever it was not edited; another view of the scene only here and there.
            same_picture=evidence.agreed.overlap >= SAME_OVERLAP and not another_photo,
        )
    return _whole(found, evidence, query, small, size)


def verify_whole(
    query: QueryView, reference_id: int, small: Gray, size: Size, min_confidence: float
) -> Verification:
    """Decide by the whole pictures alone, without keypoints: for a reference with nearly the same hash."""
    evidence = _with_whole(
        Evidence(None, "upright", 0, Agreement(), resemble(query.gray, small)), query, small, size
    )
    confidence = picture_confidence(evidence)
    found = Verification(
        reference_id, confidence >= min_confidence, _reason(evidence, False), 0, 0, confidence
    )
    return _whole(found, evidence, query, small, size)


def _whole(
    found: Verification, evidence: Evidence, query: QueryView, small: Gray, size: Size
) -> Verification:
    """The verification of two whole pictures; where they drift apart, of two photos of one scene."""
    homography = whole_picture_homography(evidence.alike, query.size, size)
    query_overlap, reference_overlap = overlaps(homography, query.size, size)
    if found.verified:
        drift = tracked_drift(query.gray, small, homography, query.size, size)
        if drift.another_photo:
            confidence = scene_confidence(drift)
            found = replace(found, confidence=confidence, reason=_drift_reason(drift), same_picture=False)
        else:
            found = replace(found, same_picture=True)
    return replace(
        found,
        reference_from_query=homography,
        form="mirrored" if evidence.alike.mirrored else "upright",
        query_overlap=query_overlap,
        reference_overlap=reference_overlap,
        explained=evidence.whole.explained,
        agreeing=evidence.whole.where,
    )


def gather(
    query: QueryView,
    reference: LocalFeatures,
    small: Gray,
    size: Size,
    forms: Sequence[Form] = ("upright", "mirrored"),
    *,
    voted: bool = True,
) -> Evidence:
    """Measure a pair: keypoint geometry in each form, dense agreement, whole-picture correlation."""
    geometry: Geometry | None = None
    best_form, matches, most = forms[0], 0, -1
    drift = Drift()
    for form in forms:
        features = query.forms[form]
        # The strongest may all be letters or stickers, so the likeliest form is not judged by them.
        quick = (form != forms[0] or not voted) and len(features) > QUICK_KEYPOINTS
        found = match(features.strongest(QUICK_KEYPOINTS) if quick else features, reference)
        kept = agree(found)
        if quick and len(kept) >= QUICK_AGREEING:
            found = match(features, reference)
            kept = agree(found)
        fitted = fit_homography(kept, query.size, size) if len(kept) >= MIN_AGREEING else None
        inliers = 0 if fitted is None else int(fitted.inliers.sum())
        if inliers > most:
            geometry, best_form, matches, most = fitted, form, len(found), inliers
            drift = Drift() if fitted is None else fitted.drift(kept, size)
        if most >= max(SURE_INLIERS, SURE_SHARE * matches):
            break
    evidence = Evidence(geometry, best_form, matches, Agreement(), resemble(query.gray, small))
    evidence = _with_whole(evidence, query, small, size)
    if geometry is None:
        return evidence
    homography = _upright(geometry, best_form, query.size)
    agreed = agreement(
        query.gray, small, homography, query.size, size, negative="negative" in best_form
    )  # fmt: skip
    return replace(evidence, agreed=agreed, drift=drift)


def _with_whole(evidence: Evidence, query: QueryView, small: Gray, size: Size) -> Evidence:
    """With the agreement of the whole pictures, where they resemble each other at all."""
    if evidence.alike.detail_correlation < RESEMBLING:
        return evidence
    homography = whole_picture_homography(evidence.alike, query.size, size)
    return replace(evidence, whole=agreement(query.gray, small, homography, query.size, size))


def keypoint_confidence(evidence: Evidence) -> float:
    """Probability that the geometry is no accident, 0..1."""
    agreed = evidence.agreed
    if evidence.inliers < MIN_INLIERS or (agreed.graphic > CODE and agreed.overlap < PAGE_OVERLAP):
        return 0.0
    return _logistic(KEYPOINT_WEIGHTS, evidence.keypoint_features)


def scene_confidence(drift: Drift) -> float:
    """Probability that two photos show one scene, by the points that fit it: 0.8 with 25, 0.99 with 100.

    Chance brings fewer than 12 together. Set, not fitted: pairs of this kind are too few.
    """
    return drift.points**2 / (drift.points**2 + 130.0)


def picture_confidence(evidence: Evidence) -> float:
    """Probability that the two whole pictures are one, 0..1."""
    drawn = evidence.whole.graphic > PAGE
    if evidence.whole.overlap < PAGE_OVERLAP and (drawn or evidence.inliers >= ENOUGH_INLIERS):
        return 0.0
    if evidence.alike.structure < 3.0:
        return 0.0  # flat pictures: everything correlates with noise
    return _logistic(PICTURE_WEIGHTS, evidence.picture_features)


def _upright(geometry: Geometry, form: Form, query_size: Size) -> NDArray[np.float64]:
    """`reference_from_query`, for a mirrored match with the mirroring inside."""
    flip = np.array([[-1.0, 0.0, query_size[0] - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    homography = geometry.reference_from_query
    return homography @ flip if "mirrored" in form else homography


def _reason(evidence: Evidence, by_keypoints: bool) -> str:
    if evidence.another_photo:
        return _drift_reason(evidence.drift)
    if by_keypoints and evidence.geometry is not None:
        form = "" if evidence.form == "upright" else f" ({evidence.form})"
        return (
            f"{evidence.inliers} of {evidence.matches} keypoint matches fit one geometry{form}, "
            f"{evidence.agreed.overlap:.0%} of the detail agrees"
        )
    detail = evidence.alike.detail_correlation
    return f"{evidence.matches} keypoint matches; the whole pictures correlate at {detail:.2f} in detail"


def _drift_reason(drift: Drift) -> str:
    return (
        f"{drift.points} points show one scene, but {drift.share:.0%} of them moved together with their "
        "neighbours: another viewpoint or moment"
    )


def _logistic(weights: tuple[float, ...], values: tuple[float, ...]) -> float:
    score = sum(w * x for w, x in zip(weights, values, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, score))))
