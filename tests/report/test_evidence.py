"""The pictures behind a report show the changed places, and only those."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from provenance.records import Comparison, Report
from provenance.report import heat_map, outlined
from provenance.report.evidence import trace_regions


@pytest.fixture
def comparison(modified: Report) -> Comparison:
    if modified.evidence is None:
        raise ValueError("the modified report holds evidence")
    return modified.evidence.comparison


def test_the_heat_map_is_grey_where_nothing_changed(comparison: Comparison) -> None:
    picture = heat_map(comparison)
    assert picture.shape == comparison.query.shape
    assert picture.dtype == np.uint8
    spread = np.ptp(picture.astype(int), axis=2)
    changed = comparison.labels > 0
    assert spread[~changed].max() == 0
    assert spread[changed].min() > 20


def test_stronger_changes_look_stronger(comparison: Comparison) -> None:
    ramp = np.tile(
        np.linspace(0, 1, comparison.query.shape[1], dtype=np.float32), (comparison.query.shape[0], 1)
    )
    gray = np.full_like(comparison.query, 128)
    row = heat_map(replace(comparison, query=gray, change_map=ramp))[0].astype(int)
    plain = row[0]
    distances = np.abs(row - plain).sum(axis=1)
    assert distances[0] == 0
    assert distances[len(row) // 2] > 30
    assert row[-1].sum() < row[len(row) // 4].sum()  # the strongest is the darkest


def test_outside_the_overlap_is_marked(comparison: Comparison) -> None:
    overlap = comparison.overlap.copy()
    overlap[:, :20] = False
    gray = np.full_like(comparison.query, 128)
    quiet = np.zeros_like(comparison.change_map)
    picture = heat_map(replace(comparison, query=gray, overlap=overlap, change_map=quiet)).astype(int)
    assert (picture[:, :20, 2] > picture[:, :20, 0]).all()


def test_outlines_are_drawn_around_regions_only(comparison: Comparison) -> None:
    picture = outlined(comparison)
    touched = (picture != comparison.query).any(axis=2)
    assert touched[20, 15:45].any()  # the upper side of the first region, at half size
    assert not touched[30:45, 25:40].any()  # its inside
    assert not touched[60:115].any()
    assert np.array_equal(outlined(comparison, {}), comparison.query)


def test_regions_are_traced_largest_first() -> None:
    labels = np.zeros((50, 60), np.int32)
    labels[2:5, 2:5] = 4
    labels[10:40, 10:50] = 4
    labels[45, 0] = 9  # a single pixel has no outline
    regions = trace_regions(labels)
    assert list(regions) == [4]
    first, second = regions[4]
    assert first.min(axis=0).tolist() == [10, 10]
    assert first.max(axis=0).tolist() == [49, 39]
    assert second.max(axis=0).tolist() == [4, 4]


def test_a_margin_joins_letters_and_keeps_large_holes() -> None:
    labels = np.zeros((100, 200), np.int32)
    for x in range(10, 40, 7):
        labels[10:30, x : x + 3] = 1  # strokes four pixels apart
    labels[40:95, 60:180] = 2
    labels[55:80, 90:150] = 0
    assert len(trace_regions(labels)[1]) == 5
    regions = trace_regions(labels, margin=2)
    assert len(regions[1]) == 1
    outer, hole = regions[2]
    assert outer.min(axis=0).tolist() == [58, 38]
    assert hole.min(axis=0)[0] > 88
