"""Motion models between two frames, simple to complex: the simplest that explains the tracks is taken.

All models map query pixels to reference pixels, full size, integer = pixel centre. A simple model that
explains the tracks as well as a complex one is taken exactly, so that a picture which was only resized has no
rotation of 0.02 degrees and no crop of a third of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Model = Literal["frame", "crop", "stretch", "similarity", "affine", "homography"]
Matrix: TypeAlias = NDArray[np.float64]
Points: TypeAlias = NDArray[np.float64]
Reals: TypeAlias = NDArray[np.floating[Any]]
Size: TypeAlias = tuple[int, int]
"""(width, height)."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A fitted model; `error_px` is the median residual of the inliers, in the pixels that were asked for."""

    model: Model
    reference_from_query: Matrix
    inliers: NDArray[np.bool_]
    error_px: float


def project(homography: Reals, points: Reals) -> Points:
    """Map [n, 2] points by a homography."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:3], np.float64)


def resize_matrix(source: Size, target: Size) -> Matrix:
    """The homography target_from_source of a plain resize, pixel centres respected."""
    x, y = target[0] / source[0], target[1] / source[1]
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]], np.float64)


def jacobian(homography: Reals, point: Reals) -> Matrix:
    """The [2, 2] derivative of a homography at one point."""
    x, y, w = homography @ np.array([point[0], point[1], 1.0])
    top = homography[:2, :2] - np.outer([x / w, y / w], homography[2, :2])
    return np.asarray(top / w, np.float64)


def nearest_dihedral(linear: Reals) -> Matrix:
    """The flip and quarter turn ([2, 2] of -1, 0, 1) nearest to a linear map."""
    axis = np.argmax(np.abs(linear[:, 0]) / np.linalg.norm(linear, axis=1).clip(1e-12))
    dihedral = np.zeros((2, 2))
    dihedral[axis, 0] = np.sign(linear[axis, 0]) or 1.0
    dihedral[1 - axis, 1] = np.sign(linear[1 - axis, 1]) or 1.0
    return dihedral


def whole_frame(query: Size, reference: Size, dihedral: Matrix) -> Matrix:
    """The map of the whole query frame onto the whole reference frame, flipped and turned by `dihedral`."""
    matrix = np.eye(3)
    for row in (0, 1):
        column = int(np.argmax(np.abs(dihedral[row])))
        sign = dihedral[row, column]
        scale = reference[row] / query[column]
        matrix[row, :2] = 0.0
        matrix[row, column] = sign * scale
        matrix[row, 2] = 0.5 * scale - 0.5 if sign > 0 else reference[row] - 0.5 - 0.5 * scale
    return matrix


def choose_motion(
    query: Points, reference: Points, given: Matrix, query_size: Size, reference_size: Size, *, pixel: float
) -> Motion | None:
    """Fit all models to tracks and take the simplest that explains them; None where too few tracks agree.

    `query` and `reference` are [n, 2] full-size points, `given` the homography they were tracked
    from, `pixel` the length of a working pixel in the reference: residuals are judged in it.
    """
    if len(query) < 8:
        return None
    # Fitted in the query's frame, near the identity: USAC refuses mirrored samples.
    near = project(np.linalg.inv(given), reference)
    threshold = pixel / float(np.sqrt(abs(np.linalg.det(jacobian(given, query.mean(axis=0))))))
    found, mask = cv2.findHomography(query, near, cv2.USAC_MAGSAC, threshold, maxIters=1000, confidence=0.999)
    if found is None or mask is None or mask.sum() < 8:
        return None
    found = given @ found
    inliers = mask.ravel().astype(bool)
    kept_query, kept_reference = query[inliers], reference[inliers]
    dihedral = nearest_dihedral(jacobian(found, kept_query.mean(axis=0)))
    fits: list[tuple[Model, Matrix]] = [("frame", whole_frame(query_size, reference_size, dihedral))]
    fits += _axis_aligned(kept_query, kept_reference, dihedral)
    affine = _affine(kept_query, kept_reference)
    fits.append(("similarity", _similarity(kept_query, kept_reference, np.linalg.det(affine[:2, :2]) < 0)))
    fits.append(("affine", affine))
    fits.append(("homography", _homography(kept_query, kept_reference, found)))
    errors = [_error(matrix, kept_query, kept_reference) / pixel for _, matrix in fits]
    allowed = min(errors) * 1.3 + 0.03
    choice = next(i for i, error in enumerate(errors) if error <= allowed)
    model, matrix = fits[choice]
    return Motion(model, matrix, inliers, errors[choice])


def _error(matrix: Matrix, query: Points, reference: Points) -> float:
    return float(np.median(np.linalg.norm(project(matrix, query) - reference, axis=1)))


def _axis_aligned(query: Points, reference: Points, dihedral: Matrix) -> list[tuple[Model, Matrix]]:
    """Crops: one scale or one a side; whole-pixel offsets where the scale is 1."""
    turned = query @ dihedral.T
    scales: NDArray[np.float64] = np.ones(2)
    offsets: NDArray[np.float64] = np.zeros(2)
    for axis in (0, 1):
        design = np.column_stack([turned[:, axis], np.ones(len(turned))])
        scales[axis], offsets[axis] = _robust_lstsq(design, reference[:, axis])
    stretched = _compose(dihedral, scales, offsets)
    centred = turned - turned.mean(axis=0)
    weights = (centred**2).sum(axis=0)
    scale = float((scales * weights).sum() / weights.sum())
    if abs(scale - 1.0) < 0.002:
        whole = np.round(np.median(reference - turned, axis=0))
        exact = _compose(dihedral, np.ones(2), whole)
        if _error(exact, query, reference) < 0.35:
            return [("crop", exact), ("stretch", stretched)]
    offset = np.median(reference - scale * turned, axis=0)
    return [("crop", _compose(dihedral, np.full(2, scale), offset)), ("stretch", stretched)]


def _compose(dihedral: Matrix, scales: NDArray[np.float64], offsets: NDArray[np.float64]) -> Matrix:
    matrix = np.eye(3)
    matrix[:2, :2] = scales[:, None] * dihedral
    matrix[:2, 2] = offsets
    return matrix


def _similarity(query: Points, reference: Points, mirrored: bool) -> Matrix:
    """Scale, rotation, shift and perhaps a mirror (Umeyama 1991), reweighted against outliers."""
    weights: NDArray[np.float64] = np.ones(len(query))
    matrix = np.eye(3)
    for _ in range(3):
        share = (weights / weights.sum())[:, None]
        centre_q, centre_r = (query * share).sum(axis=0), (reference * share).sum(axis=0)
        covariance = ((reference - centre_r) * share).T @ (query - centre_q)
        u, d, vt = np.linalg.svd(covariance)
        signs = np.array([1.0, np.sign(np.linalg.det(u @ vt)) * (-1.0 if mirrored else 1.0)])
        rotation = (u * signs) @ vt
        scale = float((d * signs).sum() / (((query - centre_q) ** 2) * share).sum())
        matrix[:2, :2] = scale * rotation
        matrix[:2, 2] = centre_r - scale * rotation @ centre_q
        weights = _tukey(np.linalg.norm(project(matrix, query) - reference, axis=1))
    return matrix


def _affine(query: Points, reference: Points) -> Matrix:
    design = np.column_stack([query, np.ones(len(query))])
    rows = [_robust_lstsq(design, reference[:, axis]) for axis in (0, 1)]
    return np.vstack([*rows, [0.0, 0.0, 1.0]])


def _homography(query: Points, reference: Points, start: Matrix) -> Matrix:
    """Least squares over all inliers; MAGSAC's own polish stays where it is better."""
    found, _ = cv2.findHomography(query, reference, 0)
    if found is None or _error(found, query, reference) > _error(start, query, reference):
        return np.asarray(start, np.float64)
    return np.asarray(found, np.float64)


def _robust_lstsq(design: Matrix, values: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.ones(len(values))
    solution: NDArray[np.float64] = np.zeros(design.shape[1])
    for _ in range(3):
        root = np.sqrt(weights)
        solution = np.asarray(np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0])
        weights = _tukey(np.abs(design @ solution - values))
    return np.asarray(solution, np.float64)


def _tukey(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tukey's biweight at 4.7 robust standard deviations, never all zero."""
    scale = max(1.4826 * float(np.median(residuals)), 1e-6)
    return np.clip(1 - (residuals / (4.7 * scale)) ** 2, 1e-6, 1) ** 2


def corners_of(size: Size) -> Points:
    """The outer corners [4, 2] of a frame, clockwise from the top left; pixel edges, not centres."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    return corners - 0.5


def polygon_area(polygon: Reals) -> float:
    """The area of a simple polygon [n, 2] (shoelace)."""
    closed = [*polygon, polygon[0]] if len(polygon) else []
    return abs(sum(float(a[0] * b[1] - b[0] * a[1]) for a, b in pairwise(closed))) / 2
