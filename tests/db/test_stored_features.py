"""Keypoints come back as precise as they are needed; damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.db.descriptors import check_blob, pack_description, unpack_vectors
from provenance.db.features import pack_features, unpack_features
from provenance.errors import DatabaseError
from provenance.records import LocalFeatures
from tests.db.pictures import VERSIONS, some_description, some_features


@given(count=st.integers(0, 40), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_keypoints_come_back(count: int, seed: int) -> None:
    features = some_features(seed, count)
    blob = pack_features(features)
    assert len(blob) == 12 + 140 * count
    back = unpack_features(blob)
    assert len(back) == count
    assert (back.points == features.points).all()
    assert (back.descriptors == features.descriptors).all()
    np.testing.assert_allclose(back.scales, features.scales, rtol=1e-3)
    turn = np.abs(back.angles - features.angles) % 360
    assert (np.minimum(turn, 360 - turn) < 0.006).all()
    for name, dtype in (("points", np.float32), ("scales", np.float32), ("descriptors", np.uint8)):
        assert getattr(back, name).dtype == dtype
    assert back.points.shape == (count, 2)
    assert back.descriptors.shape == (count, 128)
    assert pack_features(back) == blob, "storing again changes nothing"


def test_huge_keypoints_and_whole_turns_are_kept_in_range() -> None:
    features = LocalFeatures(
        np.array([[19_999.75, 0.25]], np.float32),
        np.array([1e6], np.float32),
        np.array([360.0], np.float32),
        np.zeros((1, 128), np.uint8),
    )
    back = unpack_features(pack_features(features))
    assert back.points.tolist() == [[19_999.75, 0.25]]
    assert np.isfinite(back.scales).all()
    assert back.angles.tolist() == [0.0]


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    features = some_features(1)
    with pytest.raises(ValueError, match="20 keypoints"):
        pack_features(
            LocalFeatures(features.points, features.scales[:-1], features.angles, features.descriptors)
        )


@given(place=st.integers(0, 12 + 140 * 5 - 1), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_any_flipped_bit_of_keypoints_is_noticed(place: int, bit: int) -> None:
    blob = bytearray(pack_features(some_features(1, 5)))
    blob[place] ^= 1 << bit
    with pytest.raises(DatabaseError, match="damaged"):
        unpack_features(bytes(blob))


@pytest.mark.parametrize("name", ["phash", "local", "copy"])
@pytest.mark.parametrize("cut", [1, 5, 1000])
def test_truncated_blobs_are_noticed(name: str, cut: int) -> None:
    blob = pack_description(some_description(1), VERSIONS)[name]
    check_blob(name, blob)
    with pytest.raises(DatabaseError, match="damaged"):
        check_blob(name, blob[:-cut])


def test_vectors_of_different_lengths_are_noticed() -> None:
    blobs = [
        pack_description(some_description(1, clip=True), {"clip": "1", "copy": "1"})[n]
        for n in ("clip", "copy")
    ]
    with pytest.raises(DatabaseError, match="lengths"):
        unpack_vectors("copy", blobs)
