"""Directions, unchanged pairs and categories, read from captions."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.evaluate.captions.answers import Answers
from provenance.evaluate.captions.categories import categorize_captions
from provenance.evaluate.captions.direction import judge_directions, statements
from provenance.evaluate.captions.metrics import load_metric
from provenance.evaluate.captions.pairs import read_pairs
from provenance.evaluate.captions.unchanged import is_unchanged, says_no_change


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Remove the man and add a hat", [("presence", -1), ("presence", 1)]),
        ("the red car is no longer there", [("presence", -1)]),
        ("there is now a red car by the pole", [("presence", 1)]),
        ("Significantly increase the overall brightness", [("brightness", 1)]),
        ("reduce exposure, more contrast", [("brightness", -1), ("contrast", 1)]),
        ("the contrast was lowered", [("contrast", -1)]),
        ("DARKEN THE PHOTO", [("brightness", -1)]),
        ("make the colours less saturated", [("saturation", -1)]),
        ("desaturate it", [("saturation", -1)]),
        ("zoom out; rotate counter-clockwise", [("size", -1), ("turn", -1)]),
        ("rotate 90 degrees clockwise", [("turn", 1)]),
        ("blur the background, sharpen the face", [("sharpness", -1), ("sharpness", 1)]),
        ("lighten the dark side and darken the light side", [("brightness", 1), ("brightness", -1)]),
        ("the man is tall", []),
        ("", []),
    ],
)
def test_a_caption_says_these_directions(caption: str, expected: list[tuple[str, int]]) -> None:
    assert [(one.axis, one.sign) for one in statements(caption)] == expected


def test_only_what_people_spoke_of_is_judged() -> None:
    people = ["Remove the two dogs", "brighten the photo"]
    assert judge_directions("remove the dog, brighten it", people) == (2, 0)
    assert judge_directions("add a dog and darken the image", people) == (0, 2)
    assert judge_directions("add a cat, increase the contrast", people) == (0, 0)
    assert judge_directions("remove the dog", ["remove the dog", "add a dog"]) == (0, 0)


def test_exchanged_directions_are_seen(shared: Path) -> None:
    opposites = "add remove, brighten darken, lighten darken, increase decrease, insert delete, put erase"
    exchanged = {a: b for pair in opposites.split(", ") for a, b in [pair.split(), pair.split()[::-1]]}
    pairs = read_pairs(shared / "captions" / "ier_test.json")
    said = [pair.captions[0] for pair in pairs]
    swapped = [" ".join(exchanged.get(word.lower(), word) for word in text.split()) for text in said]
    others = tuple(pair.captions[1:] for pair in pairs)
    direction = load_metric("direction")
    (people,), (liar,) = direction([Answers(tuple(said), others), Answers(tuple(swapped), others)])
    assert people.value() > 0.95
    assert liar.value() < 0.25


@pytest.mark.parametrize(
    "caption",
    [
        "no change was made", "both scenes seem identical", "the scene stays the same", "nothing has changed",
        "nothing in the second shot appears to have changed", "I don't see any differences",
        "there are no noticeable differences here", "It hasn't been edited",
        "The picture is identical to the original.",
        "No edit was found: only the encoding or the size of the file differs from the original.",
    ],
)  # fmt: skip
def test_no_change_is_understood(caption: str) -> None:
    assert says_no_change(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "the man is no longer there", "there is no change except that the man is gone",
        "add the same text below", "remove the car", "both are identical outside of a piece of trash", "",
    ],
)  # fmt: skip
def test_a_change_is_not_taken_for_none(caption: str) -> None:
    assert not says_no_change(caption)


def test_specificity_counts_unchanged_pairs_and_the_changes_seen() -> None:
    known = (
        ("no change", "nothing has changed"),
        ("there is no difference", "the car is gone"),
        ("add a hat",),
    )
    assert [is_unchanged(texts) for texts in known] == [True, False, False]
    measure = load_metric("specificity")
    ((quiet, seen),) = measure(
        [Answers(("nothing was changed", "nothing was changed", "a hat was added"), known)]
    )
    assert (quiet.value(), seen.value()) == (1.0, 0.5)
    ((invents, _),) = measure([Answers(("a man was added",) * 3, known)])
    assert invents.value() == 0.0


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        (["change the background", "Replace the background", "make it blue"], {"background"}),
        (["remove the man in the background", "Remove the boy behind the old man"], {"local_object"}),
        (["add text pool party", 'Add "Pool Party"'], {"text"}),
        (["increase the contrast", "make the photo brighter", "crop it"], {"image_style"}),
        (["crop it, add a hat on the dog", "crop the image and add a hat"], {"image_style", "local_object"}),
        (["Cut out the boy and insert him into a new background"], {"local_object", "background"}),
    ],
)
def test_categories_are_what_half_of_the_people_speak_of(captions: list[str], expected: set[str]) -> None:
    assert set(categorize_captions(captions)) == expected


def test_the_categories_of_editing_requests_are_near_the_papers(shared: Path) -> None:
    """People labelled 117, 53, 277 and 223 of the 495 test pairs (paper, table 6)."""
    pairs = read_pairs(shared / "captions" / "ier_test.json")
    labels = [categorize_captions(pair.captions) for pair in pairs]
    assert all(labels)
    for category, count in {"background": 117, "text": 53, "local_object": 277, "image_style": 223}.items():
        assert sum(category in kinds for kinds in labels) == pytest.approx(count, rel=0.2)
