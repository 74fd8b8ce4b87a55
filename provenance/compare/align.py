"""Bring a verified pair into one frame: the homography refined on the dense picture, the reference warped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance.compare.motion import (
    Matrix,
    Model,
    Motion,
    Points,
    Reals,
    Size,
    choose_motion,
    corners_of,
    jacobian,
    nearest_dihedral,
    polygon_area,
    project,
    resize_matrix,
    whole_frame,
)
from provenance.records import DecodedImage, Pixels

_TRACK_CELLS = 20
"""Tracked points along the long side, one a cell: spread evenly, so that no busy corner bends the fit."""
_SPARE_SCALE = 1.4
"""A larger reference is reduced to this many pixels a working pixel before it is warped."""
_LOW_PASS = 0.4
"""Gaussian, in pixels, that with the cubic warp comes nearest to editors' own resizing."""
_WINDOW_PX = 17
_ROUND_TRIP_PX = 0.4
_BETTER = 0.004
"""Gain in dense correlation that a refinement must not fall short of (measured on benign pairs)."""


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


def align(
    query: DecodedImage, reference: DecodedImage, reference_from_query: Matrix, *, side_px: int = 1024
) -> AlignedPair:
    """Refine a homography of keypoint precision on the dense picture and warp the reference by it.

    The refined homography is taken only where the pictures then agree at least as well as before.
    """
    query_size, reference_size = (query.width, query.height), (reference.width, reference.height)
    small = to_working_size(query, side_px)
    motion = refine(small, reference, reference_from_query, query_size)
    warped, overlap = warp_reference(reference, motion, query_size, _size(small))
    if small.shape[1] == query.width:
        warped = _resampled_alike(small, reference, motion, warped, overlap)
    return AlignedPair(
        query=small,
        reference=warped,
        overlap=overlap,
        working_scale=small.shape[1] / query.width,
        reference_from_query=motion.reference_from_query,
        reference_full=reference.pixels,
        error_px=motion.error_px,
        model=motion.model,
        query_size=query_size,
        reference_size=reference_size,
    )


def _resampled_alike(
    query: Pixels, reference: DecodedImage, motion: Motion, warped: Pixels, overlap: NDArray[np.bool_]
) -> Pixels:
    """The reference with skipped pixels where that is clearly how the query was made smaller."""
    size = _size(query)
    corners = corners_of(size)
    area = polygon_area(project(motion.reference_from_query, corners)) / (size[0] * size[1])
    if area * reference.scale**2 < 1.2:
        return warped
    skipped, _ = warp_reference(reference, motion, size, size, low_pass=False)
    normal, *sides = (normalise_locally(side) for side in (query, warped, skipped))
    smooth, sharp = (abs(_correlation(normal, side, overlap)) for side in sides)
    return skipped if sharp > smooth + 0.25 * _BETTER else warped


def to_working_size(image: DecodedImage, side_px: int) -> Pixels:
    """The picture with its long side at most `side_px`, area-averaged; never enlarged."""
    scale = side_px / max(image.width, image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size[0] >= image.pixels.shape[1]:
        return image.pixels
    return np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def warp_reference(
    reference: DecodedImage, motion: Motion, query_size: Size, working: Size, *, low_pass: bool = True
) -> tuple[Pixels, NDArray[np.bool_]]:
    """The reference in the query's frame at working size, and the overlap.

    It is low-passed first where it is larger; without `low_pass` pixels are skipped, as careless editors do.
    """
    reference_size = (reference.width, reference.height)
    to_full = resize_matrix(working, query_size)
    if motion.model == "frame" and low_pass:
        dihedral = nearest_dihedral(motion.reference_from_query[:2, :2])
        return _resize_whole(reference.pixels, dihedral, working), np.ones(working[::-1], np.bool_)
    decoded = _size(reference.pixels)
    matrix = resize_matrix(reference_size, decoded) @ motion.reference_from_query @ to_full
    centre = _overlap_centre(motion.reference_from_query @ to_full, working, reference_size)
    scale = float(np.sqrt(abs(np.linalg.det(jacobian(matrix, centre)))))
    source = reference.pixels
    if low_pass and scale > 2 * _SPARE_SCALE:
        reduced = tuple(max(1, round(side * _SPARE_SCALE / scale)) for side in decoded)
        source = np.asarray(cv2.resize(source, reduced, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = resize_matrix(decoded, (reduced[0], reduced[1])) @ matrix
        scale = _SPARE_SCALE
    if low_pass and scale > 1.05:
        sigma = _LOW_PASS * float(np.sqrt(scale * scale - 1))
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), sigma), np.uint8)
    flags = (cv2.INTER_CUBIC if low_pass else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(source, matrix, working, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    overlap = overlap_mask(motion.reference_from_query @ to_full, working, reference_size)
    warped[~cv2.dilate(overlap.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)] = 0
    return np.asarray(warped, np.uint8), overlap


def overlap_mask(reference_from_working: Reals, working: Size, reference_size: Size) -> NDArray[np.bool_]:
    """[h, w] where a frame shows the reference, less 1.5 px along the reference's own border."""
    corners = project(np.linalg.inv(reference_from_working), corners_of(reference_size))
    mask = np.zeros(working[::-1], np.uint8)
    fixed = np.round(np.clip(corners, -1e6, 1e6) * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(fixed), 1, shift=4)
    return np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=1), np.bool_)


def _resize_whole(pixels: Pixels, dihedral: Matrix, working: Size) -> Pixels:
    """Flip and turn, then one plain resize: exactly what the editor did, so nothing is left to explain."""
    turned = dihedral[0, 0] == 0
    if turned:
        pixels = np.swapaxes(pixels, 0, 1)
    horizontal = dihedral[1, 0] if turned else dihedral[0, 0]
    vertical = dihedral[0, 1] if turned else dihedral[1, 1]
    pixels = np.ascontiguousarray(pixels[:: int(vertical), :: int(horizontal)])
    if _size(pixels) == working:
        return pixels
    smaller = working[0] < pixels.shape[1] or working[1] < pixels.shape[0]
    if smaller:
        # Pillow's bicubic lies between the filters that editors use; cv2's area filter blurs near full size.
        picture = Image.fromarray(pixels)
        return np.asarray(picture.resize(working, Image.Resampling.BICUBIC, reducing_gap=3.0), np.uint8)
    return np.asarray(cv2.resize(pixels, working, interpolation=cv2.INTER_CUBIC), np.uint8)


def refine(query: Pixels, reference: DecodedImage, reference_from_query: Matrix, query_size: Size) -> Motion:
    """Track points between the query and the warped reference; keep the given homography where that fails.

    `query` is the working picture. Pyramidal Lucas-Kanade on locally normalised grey levels, which no tone
    edit disturbs; points that do not come back (edits, flat areas) drop out.
    """
    reference_size, working = (reference.width, reference.height), _size(query)
    to_full = resize_matrix(working, query_size)
    grey = normalise_locally(query)
    best = Motion("homography", np.asarray(reference_from_query, np.float64), np.zeros(0, np.bool_), 1.0)
    score = _agreement(grey, reference, best, query_size)
    for _ in range(2):
        matrix = best.reference_from_query
        warped, overlap = warp_reference(reference, best, query_size, working)
        start, end = _track(grey, normalise_locally(warped), overlap)
        full = project(to_full, start)
        there = project(matrix @ to_full, end)
        centre = _overlap_centre(matrix @ to_full, working, reference_size)
        pixel = float(np.sqrt(abs(np.linalg.det(jacobian(matrix @ to_full, centre)))))
        motion = choose_motion(full, there, matrix, query_size, reference_size, pixel=pixel)
        if motion is None:
            break
        refined = _agreement(grey, reference, motion, query_size)
        if refined < score - _BETTER:
            break
        moved = np.linalg.norm(end - start, axis=1)[motion.inliers]
        best, score = motion, refined
        if float(np.median(moved)) < 0.75:
            break
    return _snap_to_frame(best, score, grey, reference, query_size)


def _snap_to_frame(
    best: Motion, score: float, grey: Pixels, reference: DecodedImage, query_size: Size
) -> Motion:
    """Take the whole frame where the picture has too little texture to tell it from a motion near it."""
    reference_size = (reference.width, reference.height)
    if best.model == "frame":
        return best
    corners = corners_of(query_size)
    dihedral = nearest_dihedral(jacobian(best.reference_from_query, corners.mean(axis=0)))
    frame = whole_frame(query_size, reference_size, dihedral)
    back = np.linalg.inv(frame)
    shift = np.linalg.norm(project(back @ best.reference_from_query, corners) - corners, axis=1).max()
    if shift > (0.004 if len(best.inliers) >= 8 else 0.015) * sum(query_size):
        return best
    snapped = Motion("frame", frame, best.inliers, best.error_px)
    return snapped if _agreement(grey, reference, snapped, query_size) >= score - 0.5 * _BETTER else best


def normalise_locally(pixels: Pixels, *, window: int = 25) -> Pixels:
    """Grey levels with the local mean removed and the local contrast made equal, uint8 around 128."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean = cv2.blur(grey, (window, window))
    variance = cv2.blur(grey * grey, (window, window)) - mean * mean
    level = 128 + 40 * (grey - mean) / (np.sqrt(np.maximum(variance, 0)) + 5)
    return np.asarray(np.clip(level, 0, 255), np.uint8)


def _track(query: Pixels, reference: Pixels, overlap: NDArray[np.bool_]) -> tuple[Points, Points]:
    """Points [n, 2] of the query and where they lie in the warped reference, working pixels."""
    start = _corners(query, overlap)
    if len(start) == 0:
        return np.zeros((0, 2)), np.zeros((0, 2))
    if _correlation(query, reference, overlap) < -0.15:
        query = 255 - query
    options: dict[str, Any] = {
        "winSize": (_WINDOW_PX, _WINDOW_PX),
        "maxLevel": 3,
        "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.01),
    }
    empty = np.zeros_like(start)
    there, found, _ = cv2.calcOpticalFlowPyrLK(query, reference, start, empty, **options)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(reference, query, there, empty.copy(), **options)
    round_trip = np.linalg.norm(back - start, axis=-1).ravel()
    kept = (found.ravel() > 0) & (returned.ravel() > 0) & (round_trip < _ROUND_TRIP_PX)
    return start.reshape(-1, 2)[kept].astype(np.float64), there.reshape(-1, 2)[kept].astype(np.float64)


def _corners(grey: Pixels, overlap: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The best corner of each cell of a grid, [n, 1, 2]."""
    strength = cv2.cornerMinEigenVal(grey, 5)
    strength[~overlap] = 0
    cell = max(6, round(max(grey.shape) / _TRACK_CELLS / 1.6))
    rows, columns = grey.shape[0] // cell, grey.shape[1] // cell
    cells = strength[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    flat = cells.transpose(0, 2, 1, 3).reshape(rows * columns, cell * cell)
    where = flat.argmax(axis=1)
    good = flat[np.arange(len(flat)), where] > 1e-4
    row, column = np.divmod(np.arange(rows * columns), max(columns, 1))
    points = np.column_stack([column * cell + where % cell, row * cell + where // cell])[good]
    return np.asarray(points, np.float32).reshape(-1, 1, 2)


def _agreement(grey: Pixels, reference: DecodedImage, motion: Motion, query_size: Size) -> float:
    """Correlation of the locally normalised pictures where they overlap, 0..1, on a small copy."""
    working = _size(grey)
    scale = min(1.0, 480 / max(working))
    small = (max(1, round(working[0] * scale)), max(1, round(working[1] * scale)))
    # All models through the same resampling, or that would decide.
    plain = replace(motion, model="homography")
    warped, overlap = warp_reference(reference, plain, query_size, small)
    return abs(
        _correlation(
            cv2.resize(grey, small, interpolation=cv2.INTER_AREA), normalise_locally(warped), overlap
        )
    )


def _correlation(a: Pixels, b: Pixels, mask: NDArray[np.bool_]) -> float:
    if mask.sum() < 64:
        return 0.0
    x, y = a[mask].astype(np.float32) - 128, b[mask].astype(np.float32) - 128
    return float((x * y).sum() / max(np.sqrt(float((x * x).sum()) * float((y * y).sum())), 1e-6))


def _overlap_centre(reference_from_frame: Reals, frame: Size, reference_size: Size) -> Points:
    """The centre of what a frame shows of the reference, in the frame."""
    corners = project(np.linalg.inv(reference_from_frame), corners_of(reference_size))
    box = np.clip(np.array([corners.min(axis=0), corners.max(axis=0)]), 0, np.array(frame))
    centre = box.mean(axis=0)
    return np.asarray(centre, np.float64)


def _size(pixels: Pixels) -> Size:
    return pixels.shape[1], pixels.shape[0]
