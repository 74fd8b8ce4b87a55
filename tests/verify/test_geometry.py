"""Matching and geometry on made-up keypoints whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from provenance.records import LocalFeatures
from provenance.verify.geometry import fit_homography, is_sane, overlaps, project
from provenance.verify.matching import agree, match

SIZE = (800, 600)


def features(
    points: NDArray[np.float64], seed: int, *, scale: float = 8.0, turn: float = 0.0
) -> LocalFeatures:
    """Keypoints at `points`, each with a descriptor of its own that depends on `seed` and its number."""
    random = np.random.default_rng(seed)
    count = len(points)
    return LocalFeatures(
        points.astype(np.float32),
        np.full(count, scale, np.float32),
        np.mod(np.full(count, turn) + random.uniform(-2, 2, count), 360).astype(np.float32),
        random.integers(0, 120, (count, 128)).astype(np.uint8),
    )


def scattered(count: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform([20, 20], [SIZE[0] - 20, SIZE[1] - 20], (count, 2))


def similarity(scale: float, degrees: float, shift: tuple[float, float]) -> NDArray[np.float64]:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, shift[0]], [s, c, shift[1]], [0, 0, 1]])


@given(
    st.floats(0.3, 3.0),
    st.floats(-180, 180),
    st.floats(-100, 100),
    st.floats(-100, 100),
    st.integers(12, 200),
)
def test_a_similarity_between_matched_keypoints_is_recovered(
    scale: float, degrees: float, dx: float, dy: float, count: int
) -> None:
    truth = similarity(scale, degrees, (dx, dy))
    points = scattered(count)
    query = features(points, 7)
    reference = features(project(truth, points), 7, scale=8.0 * scale, turn=degrees)
    matches = agree(match(query, reference))
    assert len(matches) == count
    found = fit_homography(matches, SIZE, (2400, 1800))
    assert found is not None
    assert np.abs(project(found.reference_from_query, points) - project(truth, points)).max() < 1.0


def test_unrelated_keypoints_support_next_to_nothing() -> None:
    for seed in range(20):
        matches = agree(
            match(features(scattered(800, seed), seed), features(scattered(600, seed + 99), seed + 99))
        )
        found = fit_homography(matches, SIZE, SIZE)
        assert found is None or found.inliers.sum() < 8


def test_no_keypoints_are_no_error() -> None:
    nothing = features(np.zeros((0, 2)), 0)
    assert len(match(nothing, features(scattered(50), 1))) == 0
    assert len(match(features(scattered(50), 1), nothing)) == 0
    assert fit_homography(agree(match(nothing, nothing)), SIZE, SIZE) is None


def test_many_keypoints_on_one_spot_count_once() -> None:
    points = np.repeat([[100.0, 100.0], [101.0, 101.0]], 30, axis=0)
    query = features(points, 3)
    matches = match(query, query)
    found = fit_homography(matches, SIZE, SIZE)
    assert found is None or found.inliers.sum() <= 4


@pytest.mark.parametrize(
    ("homography", "query", "reference"),
    [
        (np.eye(3), 1.0, 1.0),
        (similarity(1, 0, (-400, 0)), 0.5, 0.5),
        (similarity(0.5, 0, (0, 0)), 1.0, 0.25),
        (similarity(2, 0, (0, 0)), 0.25, 1.0),
        (similarity(1, 0, (4000, 0)), 0.0, 0.0),
    ],
    ids=["same", "half", "crop", "inset", "apart"],
)
def test_overlaps_are_shares_of_area(homography: NDArray[np.float64], query: float, reference: float) -> None:
    assert overlaps(homography, SIZE, SIZE) == pytest.approx((query, reference), abs=0.01)


@pytest.mark.parametrize(
    "homography",
    [
        np.diag([-1.0, 1.0, 1.0]),
        np.zeros((3, 3)),
        np.full((3, 3), np.nan),
        similarity(1 / 50, 0, (0, 0)),
        np.array([[1, 0, 0], [0, 0.1, 0], [0, 0, 1]]),
        np.array([[1, 0, 0], [0, 1, 0], [0.01, 0, -1]]),
    ],
    ids=["mirrored", "zero", "nan", "tiny", "squeezed", "folded"],
)
def test_no_edit_makes_such_a_homography(homography: NDArray[np.float64]) -> None:
    assert not is_sane(homography, SIZE)
