"""Residuals that neighbours share tell another photo from an edited copy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from provenance.drift import Drift, measure_drift

SIDE = 960.0


@pytest.fixture
def points() -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(0, SIDE, (200, 2))


def test_noise_that_differs_from_point_to_point_is_no_drift(points: NDArray[np.float64]) -> None:
    noise = np.random.default_rng(1).normal(0, 1.5, points.shape)
    found = measure_drift(points, noise, SIDE)
    assert found.share < 0.2
    assert not found.another_photo


def test_a_near_half_that_moved_is_another_photo(points: NDArray[np.float64]) -> None:
    noise = np.random.default_rng(1).normal(0, 0.5, points.shape)
    near = points[:, :1] > SIDE / 2
    found = measure_drift(points, noise + np.where(near, 3.0, -3.0), SIDE)
    assert found.another_photo
    assert found.px == pytest.approx(3.0 * np.sqrt(2) * 480 / SIDE, rel=0.2)


def test_one_moved_object_is_an_edit(points: NDArray[np.float64]) -> None:
    noise = np.random.default_rng(1).normal(0, 0.5, points.shape)
    inside = np.linalg.norm(points - SIDE / 2, axis=1) < SIDE / 6
    assert not measure_drift(points, noise + np.where(inside[:, None], 8.0, 0.0), SIDE).another_photo


def test_few_points_and_wrong_matches_prove_nothing(points: NDArray[np.float64]) -> None:
    assert measure_drift(points[:20], np.full((20, 2), 3.0), SIDE) == Drift(20)
    assert measure_drift(points, np.full((200, 2), 300.0), SIDE) == Drift(0)
    assert measure_drift(points[:0], points[:0], SIDE) == Drift(0)
