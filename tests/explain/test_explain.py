"""What the explain room says: true to the numbers, grammatical, safe, and never more than the evidence."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import UsageError
from provenance.explain import explain, load_captioner
from provenance.explain.measured import categorize
from provenance.explain.measures import name_color
from provenance.records import Change, Comparison, Explanation, Operation

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
WIDTH, HEIGHT = 1600, 1200


def make_comparison(changes: Sequence[Change] = (), **fields: Any) -> Comparison:
    """An 800 x 600 working pair of a 1600 x 1200 query."""
    pixels = np.zeros((600, 800, 3), np.uint8)
    values: dict[str, Any] = {
        "query": pixels,
        "reference": pixels,
        "replayed": pixels,
        "overlap": np.ones((600, 800), np.bool_),
        "change_map": np.zeros((600, 800), np.float32),
        "labels": np.zeros((600, 800), np.int32),
        "changes": tuple(changes),
        "working_scale": 0.5,
        "reference_from_query": np.eye(3),
        "identical_pixels": False,
        "query_overlap": 1.0,
        "reference_overlap": 1.0,
        "unexplained_fraction": 0.0,
        "replay_psnr_db": 35.0,
    }
    return Comparison(**(values | fields))


def say(
    operation: Operation,
    parameters: dict[str, Any],
    *,
    box: tuple[int, int, int, int] | None = None,
    confidence: float = 0.9,
    **texts: str,
) -> str:
    change = Change(operation, confidence, parameters, box=box, **texts)
    return explain(make_comparison([change])).edits[0].sentence


UPPER_LEFT = (100, 100, 400, 300)
BOTTOM = (100, 1080, 1500, 1190)


@pytest.mark.parametrize(
    ("operation", "parameters", "sentence"),
    [
        (
            "crop",
            {"kept_percent": 62.1, "left_percent": 20, "top_percent": 15, "right_percent": 0.2},
            "The picture was cropped to 62 % of the original; "
            "20 % was cut off the left and 15 % off the top.",
        ),
        ("rotate", {"degrees": 3.04}, "The picture was rotated by 3° counter-clockwise."),
        ("rotate", {"degrees": -90.0}, "The picture was rotated by 90° clockwise."),
        ("rotate", {"degrees": 180.0}, "The picture was turned upside down (rotated by 180°)."),
        ("flip", {"axis": "horizontal"}, "The picture was mirrored left to right."),
        (
            "brightness",
            {"percent": 24.8, "stops": 0.32, "sign": 1},
            "The picture is about 25 % brighter than the original (+0.3 stops).",
        ),
        (
            "brightness",
            {"percent": -24.8, "stops": -0.41},
            "The picture is about 25 % darker than the original (−0.4 stops).",
        ),
        (
            "saturation",
            {"percent": -30, "factor": 0.7, "sign": -1},
            "The colours are about 30 % less intense than in the original.",
        ),
        (
            "color_balance",
            {"sign": 1, "tint": "warmer", "red_percent": 5.2, "green_percent": 0.1, "blue_percent": -7},
            "The colours are warmer than in the original (red +5 %, green 0 %, blue −7 %).",
        ),
        (
            "pad",
            {"left_px": 8, "top_px": 8, "right_px": 8, "bottom_px": 8, "color": "#000000"},
            "A black border was added: 8 px on every side.",
        ),
        (
            "stretch",
            {"factor": 0.8},
            "The picture was squeezed by 20 % in width; everything looks narrower than in the original.",
        ),
        ("blur", {"sigma_px": 2.04}, "The whole picture was blurred (by about 2 px)."),
    ],
)
def test_whole_picture_edits_say_amount_and_direction(
    operation: Operation, parameters: dict[str, Any], sentence: str
) -> None:
    assert say(operation, parameters) == sentence


def test_local_edits_say_place_and_size() -> None:
    assert say("object_added", {"area_percent": 9.8}, box=UPPER_LEFT) == (
        "Something was added in the upper left (9.8 % of the picture)."
    )
    assert say(
        "object_duplicated",
        {"area_percent": 3.1, "source_box": [1200, 900, 1400, 1000], "moved": True},
        box=UPPER_LEFT,
    ).startswith("A part of the picture was moved from the lower right to the upper left")
    assert "Something in the upper left was recoloured from red to blue" in say(
        "object_recolored", {"from_color": "red", "to_color": "blue"}, box=UPPER_LEFT
    )


def test_a_face_is_named() -> None:
    assert say("object_removed", {"noun": "face"}, box=UPPER_LEFT) == "A face was removed in the upper left."
    assert say("object_added", {"noun": "with_face"}, box=UPPER_LEFT) == (
        "Something with a face was added in the upper left."
    )
    assert say("object_blurred", {"kind": "pixelated", "noun": "face"}, box=UPPER_LEFT) == (
        "A face in the upper left was pixelated."
    )
    faces = [Change("object_added", 0.9, {"noun": "face"}, box=box) for box in (UPPER_LEFT, BOTTOM)]
    other = Change("object_added", 0.9, {}, box=UPPER_LEFT)
    assert explain(make_comparison([*faces, other])).caption == (
        "Faces were added in the upper left and along the bottom edge, "
        "and something was added in the upper left."
    )


def test_text_is_quoted_exactly() -> None:
    assert say("text_added", {}, box=BOTTOM, text_after="BREAKING NEWS") == (
        "The text “BREAKING NEWS” was added along the bottom edge."
    )
    assert "Text along the bottom edge was changed from “1990” to “1998”" in say(
        "text_changed", {}, box=BOTTOM, text_before="1990", text_after="1998"
    )
    assert say("text_removed", {}, box=BOTTOM) == "Text was removed along the bottom edge."


@pytest.mark.parametrize("confidence", [0.0, 0.69, math.nan])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_unsure_edit_is_hedged(operation: Operation, confidence: float) -> None:
    assert re.search(
        r"\bappears? to (be|have been)\b", say(operation, {}, box=UPPER_LEFT, confidence=confidence)
    )


def test_hostile_text_is_made_safe_and_shortened() -> None:
    hostile = "\x1b[2Jpay\u202e\u2066\x00 me\n\n now" + "e" + "\u0301" * 50 + "x" * 500
    sentence = say("text_added", {}, box=BOTTOM, text_after=hostile)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", sentence)
    assert "pay me now" in sentence
    assert sentence.count("\u0301") <= 3
    assert len(sentence) < 160
    assert "…”" in sentence


@pytest.mark.parametrize(
    ("operation", "category"),
    [
        ("text_changed", "text"),
        ("background_replaced", "background"),
        ("composite", "background"),
        ("object_blurred", "local_object"),
        ("crop", "image_style"),
        ("noise", "image_style"),
    ],
)
def test_operations_fall_in_the_four_categories_of_the_paper(operation: Operation, category: str) -> None:
    assert categorize(operation) == category


# ---------------------------------------------------------------- caption


def test_no_change_says_that_only_the_encoding_differs() -> None:
    assert "only the encoding or the size" in explain(make_comparison()).caption
    assert "identical" in explain(make_comparison(identical_pixels=True)).caption


def test_unexplained_differences_are_admitted() -> None:
    blank = explain(make_comparison(unexplained_fraction=0.5)).caption
    assert "could not be described" in blank
    assert "No edit" not in blank
    crop = Change("crop", 0.9, {"kept_percent": 62})
    assert (
        "other changes could not be described"
        in explain(make_comparison([crop], unexplained_fraction=0.5)).caption
    )
    assert "could not be described" not in explain(make_comparison([crop], unexplained_fraction=0.1)).caption


def test_caption_says_the_content_first_and_shares_the_subject() -> None:
    changes = [
        Change("crop", 0.9, {"kept_percent": 62}),
        Change("brightness", 0.9, {"percent": 25, "sign": 1}),
        Change("text_added", 0.9, {}, box=BOTTOM, text_after="NEWS"),
        Change("object_removed", 0.9, {"area_percent": 4}, box=UPPER_LEFT),
    ]
    explanation = explain(make_comparison(changes))
    assert explanation.caption == (
        "Something was removed in the upper left, and the text “NEWS” was added along the bottom edge. "
        "The picture is about 25 % brighter and was cropped to 62 % of the original."
    )
    assert [edit.operation for edit in explanation.edits] == [
        "object_removed",
        "text_added",
        "brightness",
        "crop",
    ]


def test_equal_edits_share_a_clause_and_no_place_is_overclaimed() -> None:
    def caption(*added: tuple[int, float]) -> str:
        changes = [Change("object_added", sure, {}, box=(x, 0, x + 50, 50)) for x, sure in added]
        return explain(make_comparison(changes)).caption

    assert caption((0, 0.9), (1300, 0.9)) == (
        "Something was added in the upper left corner and in the upper right."
    )
    assert caption((0, 0.3), (1300, 0.9)) == (
        "Something was added in the upper right and possibly in the upper left corner."
    )
    assert caption((0, 0.3), (1500, 0.3)).startswith("Something appears to have been added in the upper left")
    assert caption((0, 0.9), (50, 0.9)) == "Something was added in two places."
    assert caption((0, 0.9), (50, 0.3)) == "Something was added in up to two places."
    assert "in four places" in caption(*[(x, 0.9) for x in (0, 500, 900, 1500)])


def test_a_list_of_places_is_parted_from_the_next_predicate() -> None:
    changes = [
        Change("object_added", 0.9, {}, box=(0, 0, 50, 50)),
        Change("object_added", 0.9, {}, box=(1500, 0, 1550, 50)),
        Change("object_removed", 0.9, {}, box=(0, 1100, 50, 1150)),
        Change("grayscale", 0.9, {"kind": "gray"}),
        Change("flip", 0.9, {"axis": "horizontal"}),
    ]
    assert explain(make_comparison(changes)).caption == (
        "Something was added in the upper left corner and in the upper right corner, "
        "and something was removed in the lower left corner. "
        "The picture was turned into black and white and mirrored left to right."
    )


def test_many_edits_are_summed_up() -> None:
    kinds: tuple[Operation, ...] = ("brightness", "contrast", "saturation", "blur", "crop", "rotate")
    assert (
        "three more changes were found"
        in explain(make_comparison([Change(kind, 0.9, {}) for kind in kinds])).caption
    )


def test_unknown_captioner_or_language_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="measured"):
        load_captioner("oracle")
    with pytest.raises(UsageError, match="known: en"):
        explain(make_comparison(), language="tlh")


# ---------------------------------------------------------------- any change at all

KEYS = [
    "kept_percent",
    "left_percent",
    "top_percent",
    "right_percent",
    "bottom_percent",
    "left_px",
    "top_px",
    "right_px",
    "bottom_px",
    "degrees",
    "corner_shift_percent",
    "factor",
    "percent",
    "stops",
    "sign",
    "red_percent",
    "green_percent",
    "blue_percent",
    "mean_shift_levels",
    "sigma_px",
    "sigma_levels",
    "area_percent",
    "difference_levels",
    "hue_degrees",
    "block_px",
]
WORDS = {
    "axis": st.sampled_from(["horizontal", "vertical"]),
    "color": st.sampled_from(["#000000", "#ffffff", "#ff8800", "#808080", "#123456"]),
    "tint": st.sampled_from(["warmer", "cooler", "greener", "more magenta"]),
    "kind": st.sampled_from(
        [
            "gray",
            "sepia",
            "tinted",
            "curve",
            "inverted",
            "posterized",
            "vignette",
            "shadows",
            "highlights",
            "blurred",
            "pixelated",
            "filled",
            "darkened",
            "brightened",
            "recolored",
            "desaturated",
            "unheard-of",
        ]
    ),
    "from_color": st.sampled_from(["red", "blue"]),
    "to_color": st.sampled_from(["green", "blue"]),
    "moved": st.booleans(),
    "source_box": st.lists(st.integers(0, 2000), min_size=4, max_size=4),
}
NUMBERS = st.one_of(
    st.floats(-400, 400),
    st.just(math.nan),
    st.just(math.inf),
    st.none(),
    st.integers(-400, 400),
    st.just("?"),
)
PARAMETERS = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, NUMBERS) | WORDS)
TEXTS = st.one_of(st.none(), st.text(st.characters(blacklist_characters="{}"), max_size=120))
BOXES = st.tuples(*[st.integers(-50, 1700)] * 4)
CHANGES = st.builds(
    Change,
    operation=st.sampled_from(OPERATIONS),
    confidence=st.floats(0, 1),
    parameters=PARAMETERS,
    box=st.one_of(st.none(), BOXES),
    text_before=TEXTS,
    text_after=TEXTS,
)


def check_prose(text: str) -> None:
    unquoted = re.sub(r"“[^”]*”", "“”", text)
    assert text[0].isupper()
    assert text.endswith(".") and not text.endswith("..")
    assert "  " not in text and "\n" not in text
    assert not re.search(r"\bNone\b|\bnan\b|\binf\b|[{}]", unquoted)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text)
    assert not re.search(r"\s[,.;:]", unquoted)
    assert unquoted.count("(") == unquoted.count(")")


@settings(max_examples=150, deadline=None)
@given(st.lists(CHANGES, max_size=8), st.floats(0, 1), st.booleans())
def test_every_sentence_is_well_formed(changes: list[Change], unexplained: float, identical: bool) -> None:
    explanation: Explanation = explain(
        make_comparison(changes, unexplained_fraction=unexplained, identical_pixels=identical)
    )
    assert len(explanation.edits) == len(changes)
    check_prose(explanation.caption)
    for edit in explanation.edits:
        check_prose(edit.sentence)
        assert 0 <= edit.confidence <= 1


@settings(deadline=None)
@given(st.sampled_from(["brightness", "contrast", "saturation"]), st.floats(1, 400), st.sampled_from([-1, 1]))
def test_the_measured_amount_is_in_the_sentence(operation: Operation, amount: float, sign: int) -> None:
    sentence = say(operation, {"percent": sign * amount, "sign": sign})
    told = re.search(r"about ([\d.]+) % (\w+ ?\w*)", sentence)
    assert told is not None
    assert float(told[1]) == pytest.approx(amount, rel=0.1, abs=0.06)
    assert (told[2].split()[0] in {"darker", "weaker", "less"}) == (sign < 0)


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ("#000000", "black"),
        ("#fefefe", "white"),
        ("#808080", "gray"),
        ("#d01010", "red"),
        ("#102080", "dark blue"),
        ("beige", "beige"),
    ],
)
def test_border_colours_get_plain_names(color: str, name: str) -> None:
    assert name_color(color) == name
