"""Colours get the words a person would use."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.compare.colors import color_word, hue_shift_degrees, lab_of


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((5, 5, 5), "black"),
        ((128, 128, 128), "gray"),
        ((252, 252, 250), "white"),
        ((210, 30, 35), "red"),
        ((240, 140, 30), "orange"),
        ((245, 220, 40), "yellow"),
        ((40, 150, 50), "green"),
        ((30, 60, 190), "blue"),
        ((15, 25, 80), "dark blue"),
        ((130, 50, 160), "purple"),
        ((120, 75, 40), "brown"),
        ((250, 170, 190), "pink"),
    ],
)
def test_plain_words(rgb: tuple[int, int, int], word: str) -> None:
    assert color_word(np.array(rgb, np.uint8)) == word


def test_hue_turns_the_short_way_and_grays_have_none() -> None:
    red, green, gray = (lab_of(np.array(rgb, np.uint8)) for rgb in ((200, 40, 40), (40, 170, 60), (120,) * 3))
    assert 60 < hue_shift_degrees(red, green) < 180
    assert hue_shift_degrees(green, red) == pytest.approx(-hue_shift_degrees(red, green))
    assert hue_shift_degrees(red, gray) == 0
