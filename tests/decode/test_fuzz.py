"""Hostile bytes: whatever a file holds, decoding ends in pixels or in one of this package's own errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.decode import Limits, decode
from provenance.errors import InputError
from tests.decode.pictures import samples

SAMPLES = samples()
LIMITS = Limits(max_pixels=4_000_000)
often = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def survives(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = decode(data, name="fuzz", limits=LIMITS, min_side=16)
        except InputError as error:
            assert "'fuzz'" in str(error)
            assert ";" in str(error) or "accepted" in str(error), "a reason and a cure"
            return
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape[2] == 3
    assert image.width * image.height <= LIMITS.max_pixels


@often
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    survives(data)


@often
@given(st.sampled_from(sorted(SAMPLES)), st.binary(max_size=200))
def test_a_right_beginning_with_a_wrong_rest(kind: str, rest: bytes) -> None:
    survives(SAMPLES[kind][:16] + rest)


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_truncations(kind: str) -> None:
    data = SAMPLES[kind]
    for end in range(0, len(data), max(1, len(data) // 60)):
        survives(data[:end])


@pytest.mark.parametrize("kind", sorted(SAMPLES))
@often
@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_bit_flips(kind: str, damage: list[tuple[float, int]]) -> None:
    data = bytearray(SAMPLES[kind])
    for place, value in damage:
        # Squared: most of the damage falls on the header, where the decisions are.
        data[int(place**2 * (len(data) - 1))] = value
    survives(bytes(data))
