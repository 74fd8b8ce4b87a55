"""Texts of the languages: filled safely, numbers written as readers expect, remarks recognised."""

from __future__ import annotations

import pytest

from provenance.errors import UsageError
from provenance.languages import Language, languages, load_language

ENGLISH = load_language("en")


def made_up(**texts: str) -> Language:
    return Language("xx", {"number.decimal": ",", **texts})


def test_a_bracket_is_left_out_when_one_of_its_slots_is_empty() -> None:
    language = made_up(crop="cropped[ to {kept} of {whole}]", cut="{amount} off")
    assert language.say("crop", kept="62 %", whole="it") == "cropped to 62 % of it"
    assert language.say("crop", kept="", whole="it") == "cropped"
    assert language.say("crop") == "cropped"
    with pytest.raises(KeyError):
        language.say("cut")


def test_what_is_filled_in_is_no_template() -> None:
    language = made_up(quote="“{text}”[ {where}]", clause="{text} | was | added")
    assert language.say("quote", text="{text} [x] {where}", where="[here]") == "“{text} [x] {where}” [here]"
    assert language.parts("clause", text="a | b") == ("a | b", "was", "added")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (24.6, "25 %"),
        (3.14, "3.1 %"),
        (3.0, "3 %"),
        (0.02, "less than 0.1 %"),
        (99.98, "99.9 %"),
        (100, "100 %"),
        (250.4, "250 %"),
    ],
)
def test_percentages_claim_no_false_precision(value: float, text: str) -> None:
    assert ENGLISH.percent(value) == text


def test_numbers_follow_the_language() -> None:
    assert (ENGLISH.number(3.14159, 2), ENGLISH.number(3.0, 1), ENGLISH.signed(-1.0, 1)) == (
        "3.14",
        "3",
        "−1.0",
    )
    assert (made_up().number(3.14159, 2), made_up().signed(0.34, 1), made_up().signed(0.04, 1)) == (
        "3,14",
        "+0,3",
        "0",
    )


def test_lists_and_counts_are_said_as_words() -> None:
    assert ENGLISH.join([]) == ""
    assert ENGLISH.join(["a"]) == "a"
    assert ENGLISH.join(["a", "b", "c"]) == "a, b and c"
    assert (ENGLISH.count_word(2), ENGLISH.count_word(12)) == ("two", "12")
    assert (ENGLISH.count("copies", 1), ENGLISH.count("copies", 7)) == ("1 copy", "7 copies")


def test_an_unknown_language_names_the_known_ones() -> None:
    assert "en" in languages()
    with pytest.raises(UsageError, match="known: en"):
        load_language("../en")
