"""English words for places, sizes, numbers and colours."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.explain.catalog.en.words import PLACES, REGIONS, name_color, percent, size_words
from provenance.places import name_place


@settings(deadline=None)
@given(st.tuples(*[st.integers(-100, 1100)] * 4), st.integers(1, 1000), st.integers(1, 1000))
def test_every_box_has_a_place_with_words(box: tuple[int, int, int, int], width: int, height: int) -> None:
    place = name_place(box, width=width, height=height)
    assert PLACES[place]
    assert REGIONS[place]


@pytest.mark.parametrize(
    ("area", "words"),
    [
        (0.2, "less than a hundredth of the picture"),
        (1.0, "about a hundredth of the picture"),
        (9.8, "about a tenth of the picture"),
        (24.0, "about a quarter of the picture"),
        (52.0, "about half of the picture"),
        (99.0, "nearly all of the picture"),
    ],
)
def test_sizes_are_said_as_everyday_shares(area: float, words: str) -> None:
    assert size_words(area) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (24.6, "25 %"),
        (3.14, "3.1 %"),
        (3.0, "3 %"),
        (0.02, "less than 0.1 %"),
        (99.98, "99.9 %"),
        (100, "100 %"),
    ],
)
def test_percentages_claim_no_false_precision(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ("#000000", "black"),
        ("#fefefe", "white"),
        ("#808080", "grey"),
        ("#d01010", "red"),
        ("#102080", "dark blue"),
    ],
)
def test_border_colours_get_plain_names(color: str, name: str) -> None:
    assert name_color(color) == name
