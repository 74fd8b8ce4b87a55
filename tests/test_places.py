"""Boxes get the names a person would give them."""

from __future__ import annotations

import pytest

from provenance.places import name_place


@pytest.mark.parametrize(
    ("box", "place"),
    [
        ((0, 0, 200, 200), "upper_left_corner"),
        ((750, 800, 960, 950), "lower_right_corner"),
        ((100, 100, 300, 300), "upper_left"),
        ((0, 0, 400, 200), "upper_left"),
        ((400, 10, 600, 200), "top"),
        ((450, 450, 550, 550), "middle"),
        ((850, 400, 990, 600), "right"),
        ((600, 700, 900, 900), "lower_right"),
        ((0, 920, 1000, 1000), "bottom_edge"),
        ((50, 800, 950, 920), "across_lower"),
        ((100, 450, 900, 560), "across_middle"),
        ((0, 0, 1000, 60), "top_edge"),
        ((0, 0, 1000, 500), "upper_half"),
        ((0, 0, 60, 1000), "left_edge"),
        ((500, 0, 1000, 1000), "right_half"),
        ((20, 20, 980, 980), "everywhere"),
    ],
)
def test_a_box_gets_the_place_a_person_would_name(box: tuple[int, int, int, int], place: str) -> None:
    assert name_place(box, width=1000, height=1000) == place
