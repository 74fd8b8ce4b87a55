"""Bring a verified pair into one frame: the homography refined on the dense picture, the reference warped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.compare.motion import Matrix, Model, Motion, Size, corners_of, polygon_area, project
from provenance.compare.refine import BETTER, correlate, normalise_locally, refine
from provenance.compare.warp import Frame, Picture, size_of, to_working_size, warp
from provenance.records import DecodedImage, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPair:
    """A pair in the frame of the query at working size."""

    query: Pixels
    """[h, w, 3] at working size."""
    reference: Pixels
    """[h, w, 3] warped into the query's frame with area-correct resampling; black outside `overlap`."""
    overlap: NDArray[np.bool_]
    """[h, w] where the query shows the reference, eroded by 1-2 px against edge effects."""
    working_scale: float
    """Working pixels per full-size query pixel, (0, 1]."""
    reference_from_query: NDArray[np.float64]
    """[3, 3] refined, full-size pixels."""
    reference_full: Pixels
    """[h, w, 3] the reference as decoded, for looking up what lies elsewhere in it."""
    error_px: float
    """Estimated remaining misregistration, working pixels."""
    model: Model = "homography"
    """The simplest motion that explains the pair."""
    query_size: Size = (0, 0)
    """(width, height) full size."""
    reference_size: Size = (0, 0)
    agreement: float = 1.0
    """Correlation of the aligned, locally normalised pictures, 0..1."""


def align(
    query: DecodedImage, reference: DecodedImage, reference_from_query: Matrix, *, side_px: int = 1024
) -> AlignedPair:
    """Refine a homography of keypoint precision on the dense picture and warp the reference by it.

    The refined homography is taken only where the pictures then agree at least as well as before.
    """
    full, original = (query.width, query.height), Picture.of(reference)
    small = to_working_size(query, side_px)
    motion, agreement = refine(Picture(small, full), original, reference_from_query)
    frame = Frame(full, size_of(small))
    warped, overlap = warp(original, motion, frame)
    if small.shape[1] == query.width:
        warped = _resampled_alike(small, original, motion, warped, overlap)
    return AlignedPair(
        query=small,
        reference=warped,
        overlap=overlap,
        working_scale=small.shape[1] / query.width,
        reference_from_query=motion.reference_from_query,
        reference_full=reference.pixels,
        error_px=motion.error_px,
        model=motion.model,
        query_size=full,
        reference_size=original.size,
        agreement=agreement,
    )


def _resampled_alike(
    query: Pixels, reference: Picture, motion: Motion, warped: Pixels, overlap: NDArray[np.bool_]
) -> Pixels:
    """The reference with skipped pixels where that is clearly how the query was made smaller."""
    size = size_of(query)
    area = polygon_area(project(motion.reference_from_query, corners_of(size))) / (size[0] * size[1])
    if area * (reference.pixels.shape[1] / reference.size[0]) ** 2 < 1.2:
        return warped
    skipped, _ = warp(reference, motion, Frame(size, size), low_pass=False)
    normal, *sides = (normalise_locally(side) for side in (query, warped, skipped))
    smooth, sharp = (abs(correlate(normal, side, overlap)) for side in sides)
    return skipped if sharp > smooth + 0.25 * BETTER else warped
