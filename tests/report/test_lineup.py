"""The original lies in the query's frame as the homography says, sharp, and grey where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from provenance.records import Evidence, Pixels, Report
from provenance.report.lineup import OUTSIDE, is_reframed, line_up, shown_area


@pytest.fixture
def evidence(modified: Report) -> Evidence:
    """A query of 360 x 300 that shows a reference of 400 x 300 from x = 40 on."""
    if modified.evidence is None:
        raise ValueError("the modified report holds evidence")
    return modified.evidence


def seen_by(evidence: Evidence, homography: NDArray[np.float64]) -> Evidence:
    return replace(evidence, comparison=replace(evidence.comparison, reference_from_query=homography))


def apart(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_a_crop_is_lined_up_pixel_by_pixel(evidence: Evidence) -> None:
    assert apart(line_up(evidence, side=1800), evidence.reference.pixels[:, 40:]) < 0.5
    assert is_reframed(evidence)
    assert not is_reframed(seen_by(replace(evidence, query=evidence.reference), np.eye(3)))


def test_a_mirrored_original_is_lined_up(evidence: Evidence) -> None:
    mirrored = np.array([[-1.0, 0, 359], [0, 1, 0], [0, 0, 1]])
    aligned = line_up(seen_by(evidence, mirrored), side=1800)
    assert apart(aligned, evidence.reference.pixels[:, 359::-1]) < 0.5


def test_what_the_original_does_not_show_is_grey(evidence: Evidence) -> None:
    half = np.array([[2.0, 0, -200], [0, 2, 0], [0, 0, 1]])  # an inset: 200 x 150 px, from x = 100 on
    aligned = line_up(seen_by(evidence, half), side=1800)
    scale = aligned.shape[1] / evidence.query.width
    assert scale == pytest.approx(2)  # as sharp as the original
    assert (aligned[:, : int(95 * scale)] == OUTSIDE).all()
    assert (aligned[int(155 * scale) :] == OUTSIDE).all()
    assert not (aligned[: int(145 * scale), int(105 * scale) : int(295 * scale)] == OUTSIDE).all(axis=2).any()
    assert np.ptp(shown_area(seen_by(evidence, half)), axis=0).tolist() == pytest.approx([200, 150])


def test_a_large_original_is_reduced_without_skipping_pixels(evidence: Evidence) -> None:
    stripes = np.zeros((3000, 4000, 3), np.uint8)
    stripes[:, ::2] = 255
    reference = replace(evidence.reference, pixels=stripes, width=4000, height=3000)
    tenfold = np.array([[10.0, 0, 0], [0, 10, 0], [0, 0, 1]])
    aligned = line_up(seen_by(replace(evidence, reference=reference), tenfold), side=360)
    assert aligned.shape == (300, 360, 3)
    assert aligned.min() > 100
    assert aligned.max() < 155
