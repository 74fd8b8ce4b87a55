"""Keypoints: where they lie, how they are chosen, and the mirrored picture without looking twice."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from provenance.describe.keypoints import in_forms, local_features, mirrored, negated
from provenance.records import Form, LocalFeatures
from tests.describe.pictures import scene


def partners(a: LocalFeatures, b: LocalFeatures) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Keypoints of both pictures at the same place (1 px) and angle (3 degrees)."""
    distance = np.linalg.norm(a.points[:, None] - b.points[None], axis=2)
    turn = np.abs(np.mod(a.angles[:, None] - b.angles[None] + 180, 360) - 180)
    cost = distance + turn / 3
    nearest = cost.argmin(axis=1)
    paired = np.flatnonzero(cost[np.arange(len(a)), nearest] < 1)
    return paired, nearest[paired]


def cosines(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return np.asarray((x * y).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1))


def test_mirrored_features_are_those_of_the_mirrored_picture() -> None:
    pixels = scene(1, width=480, height=360)
    features = local_features(pixels, limit=400)
    found = local_features(np.ascontiguousarray(pixels[:, ::-1]), limit=400)
    flipped = mirrored(features, 480)
    i, j = partners(flipped, found)
    assert len(i) > 0.8 * len(features)
    assert np.median(cosines(flipped.descriptors[i], found.descriptors[j])) > 0.99
    assert np.percentile(cosines(flipped.descriptors[i], found.descriptors[j]), 5) > 0.95
    assert np.median(cosines(features.descriptors[i], found.descriptors[j])) < 0.9, "the permutation matters"
    assert np.abs(np.mean(flipped.points[i] - found.points[j], axis=0)).max() < 0.05


def test_mirroring_twice_changes_nothing() -> None:
    features = local_features(scene(2), limit=200)
    twice = mirrored(mirrored(features, 400), 400)
    np.testing.assert_array_equal(twice.descriptors, features.descriptors)
    np.testing.assert_allclose(twice.points, features.points, atol=1e-3)
    np.testing.assert_allclose(twice.angles, features.angles, atol=1e-3)


@pytest.mark.parametrize("factor", [0.3, 0.5, 0.77])
def test_a_reduced_picture_gives_full_size_coordinates(factor: float) -> None:
    pixels = scene(3, width=800, height=600)
    size = (round(800 * factor), round(600 * factor))
    reduced = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    full = local_features(pixels, limit=500)
    small = local_features(reduced, limit=500, scale=size[0] / 800)
    i, j = partners(small, full)
    assert len(i) > 0.15 * len(small)
    # No half-pixel shift: on average the places are the same.
    assert np.abs(np.median(small.points[i] - full.points[j], axis=0)).max() < 0.15
    assert np.median(small.scales[i] / full.scales[j]) == pytest.approx(1, abs=0.1)


def test_the_centre_of_a_dot_is_where_the_dot_is() -> None:
    y, x = np.mgrid[:200, :300]
    dot = 255 * np.exp(-((x - 120.0) ** 2 + (y - 70.0) ** 2) / (2 * 6.0**2))
    features = local_features(np.repeat(dot[:, :, None], 3, axis=2).astype(np.uint8), limit=10)
    nearest = np.linalg.norm(features.points - [120, 70], axis=1).min()
    assert nearest < 0.2


def test_the_strongest_come_first_and_the_limit_holds() -> None:
    some, more = local_features(scene(4), limit=100), local_features(scene(4), limit=1000)
    assert len(some) == 100
    assert 100 < len(more) <= 1000
    np.testing.assert_array_equal(some.points[:50], more.points[:50])
    np.testing.assert_array_equal(some.descriptors[:50], more.descriptors[:50])


def test_a_busy_corner_does_not_take_all() -> None:
    rng = np.random.default_rng(5)
    pixels = np.clip(scene(5).astype(int) // 6 + 100, 0, 255).astype(np.uint8)
    pixels[:150, :200] = rng.integers(0, 2, (75, 100, 1)).repeat(2, 0).repeat(2, 1) * 255
    features = local_features(pixels, limit=300)
    outside = (features.points[:, 0] > 210) | (features.points[:, 1] > 160)
    assert outside.mean() > 0.2


def test_descriptors_are_rooted_unit_vectors() -> None:
    features = local_features(scene(6), limit=200)
    assert features.descriptors.dtype == np.uint8
    assert features.descriptors.shape == (200, 128)
    lengths = np.linalg.norm(features.descriptors.astype(float), axis=1)
    np.testing.assert_allclose(lengths, 512, rtol=0.02)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3), (300, 2, 3), (60, 60, 3), (400, 300, 3)])
def test_a_plain_picture_has_no_keypoints(shape: tuple[int, int, int]) -> None:
    features = local_features(np.full(shape, 128, np.uint8), limit=100)
    assert len(features) == 0
    assert features.points.shape == (0, 2)
    assert features.descriptors.shape == (0, 128)
    assert len(mirrored(features, shape[1])) == 0


def test_a_thumbnail_has_keypoints_too() -> None:
    thumbnail = np.asarray(Image.fromarray(scene(7)).resize((64, 48)))
    assert len(local_features(thumbnail, limit=500)) > 50


def test_a_panorama_has_keypoints_along_all_of_it() -> None:
    features = local_features(scene(9, width=6000, height=150), limit=500)
    assert len(features) > 60
    assert (np.histogram(features.points[:, 0], bins=6, range=(0, 6000))[0] >= 5).all()


def test_the_same_picture_gives_the_same_features() -> None:
    first, second = (local_features(scene(8), limit=300) for _ in range(2))
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.descriptors, second.descriptors)


def assert_same_features(computed: LocalFeatures, found: LocalFeatures) -> None:
    """The same places, sizes, angles and descriptors, but for the rounding of levels."""
    i, j = partners(computed, found)
    assert len(i) > 0.8 * len(computed)
    alike = cosines(computed.descriptors[i], found.descriptors[j])
    assert np.median(alike) > 0.99
    assert np.percentile(alike, 5) > 0.95
    assert np.abs(np.mean(computed.points[i] - found.points[j], axis=0)).max() < 0.05
    assert np.median(computed.scales[i] / found.scales[j]) == pytest.approx(1, abs=0.01)


def test_negated_features_are_those_of_the_negative() -> None:
    pixels = scene(1, width=480, height=360)
    features, found = local_features(pixels, limit=400), local_features(255 - pixels, limit=400)
    assert_same_features(negated(features), found)
    i, j = partners(negated(features), found)
    assert np.median(cosines(features.descriptors[i], found.descriptors[j])) < 0.9, "the permutation matters"


def test_negating_twice_changes_nothing() -> None:
    features = local_features(scene(2), limit=200)
    twice = negated(negated(features))
    np.testing.assert_array_equal(twice.descriptors, features.descriptors)
    np.testing.assert_array_equal(twice.points, features.points)
    np.testing.assert_allclose(twice.angles, features.angles, atol=1e-3)
    assert (twice.angles < 360).all()


@pytest.mark.parametrize("form", get_args(Form))
def test_each_form_has_the_features_of_the_picture_in_that_form(form: Form) -> None:
    pixels = scene(11, width=480, height=320)
    shown = pixels[:, ::-1] if "mirrored" in form else pixels
    shown = 255 - shown if "negative" in form else shown
    forms = in_forms(local_features(pixels, limit=400), 480)
    assert set(forms) == set(get_args(Form))
    assert_same_features(forms[form], local_features(np.ascontiguousarray(shown), limit=400))


def test_a_picture_without_keypoints_has_none_in_any_form() -> None:
    forms = in_forms(local_features(np.full((90, 120, 3), 128, np.uint8), limit=100), 120)
    assert {form: len(one) for form, one in forms.items()} == dict.fromkeys(get_args(Form), 0)
