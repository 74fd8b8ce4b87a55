"""Files of captions: layouts, and what is said of broken ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provenance.errors import InputError, NotFoundError
from provenance.evaluate.captions.pairs import (
    CaptionedPair,
    empty_notes,
    match_answers,
    read_pairs,
    read_predictions,
)

Write = Callable[[str, Any], Path]
TWO = (CaptionedPair("1", ("a", "b")), CaptionedPair("2", ("c",)))


@pytest.mark.parametrize(
    "content",
    [
        {"annotations": [{"image_id": 1, "id": 7, "caption": "a"}, {"image_id": 2, "id": 8, "caption": "c"},
                         {"image_id": 1, "id": 9, "caption": "b"}]},
        [{"image_id": "1", "caption": "a"}, {"image_id": "2", "caption": "c"},
         {"image_id": "1", "caption": "b"}],
        [{"img_id": "1", "sentences": ["a"]}, {"img_id": "2", "sentences": ["c"]},
         {"img_id": "1", "sentences": ["b"]}],
        {"1": ["a", "b"], "2": "c"},
        '{"uid": "1", "sents": ["a", "b"]}\n{"uid": "2", "sents": ["c"]}\n',
        '\ufeff[{"id": "1", "captions": ["a", "b"]}, {"id": "2", "caption": "c"}]',
    ],
    ids=["coco", "coco results", "spot-the-diff", "object", "json lines", "with byte order mark"],
)  # fmt: skip
def test_every_layout_gives_the_same_pairs(write: Write, content: Any) -> None:
    assert read_pairs(write("references.json", content)) == TWO


def test_editing_requests_name_their_pictures_and_may_name_a_category(write: Write) -> None:
    row = {
        "uid": "Reddit_2",
        "img0": "a.jpg",
        "img1": "b.jpg",
        "sents": ["x"],
        "category": "Local object, text",
    }
    (pair,) = read_pairs(write("ier.json", [row]))
    assert (pair.id, pair.before, pair.after) == ("Reddit_2", Path("a.jpg"), Path("b.jpg"))
    assert pair.categories == ("local_object", "text")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"image_id": 1, "caption": "a"}', "not JSON: .* line 1, column .*write it again"),
        ("", "not JSON"),
        ("[]", "holds no captions"),
        ('"caption"', "no list of captions; accepted are"),
        ([["a", "b"]], "no list of captions; accepted are"),
        ([{"image_id": 1, "caption": "a"}, {"caption": "b"}], "row 2: no id; give it one as image_id"),
        ([{"image_id": " ", "caption": "a"}], "row 1: no id"),
        ([{"image_id": 1.5, "caption": "a"}], "row 1: no id"),
        ([{"image_id": 1}], "row 1: no caption; give text"),
        ([{"image_id": 1, "caption": 5}], "row 1: no caption"),
        ([{"image_id": 1, "caption": []}], "row 1: no caption"),
        ([{"image_id": 1, "caption": " "}], "every caption is empty"),
        ([{"id": 1, "caption": "a", "category": "hat"}], "no category 'hat'; known are background"),
        ([{"uid": "2", "img0": "a", "img1": "b", "sents": ["x"]},
          {"uid": "2", "img0": "c", "img1": "d", "sents": ["y"]}],
         "'2' names two pairs, a > b and c > d; make ids unique"),
    ],
)  # fmt: skip
def test_broken_references_are_named_with_the_cure(write: Write, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(write("broken.json", content))
    assert "broken.json" in str(caught.value)
    assert caught.value.exit_code == 65


def test_a_missing_file_and_one_of_another_encoding(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_pairs(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes('[{"id": 1, "caption": "caf\xe9"}]'.encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_pairs(tmp_path / "latin.json")


def test_one_answer_a_pair(write: Write) -> None:
    rows = [{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "a"}, {"uid": "2", "sents": [""]}]
    assert read_predictions(write("answers.json", rows)) == {"1": "a", "2": ""}
    with pytest.raises(InputError, match="row 2: several answers for '1'; keep one"):
        read_predictions(write("two.json", [{"id": 1, "caption": "a"}, {"id": 1, "caption": "b"}]))
    with pytest.raises(InputError, match="several answers"):
        read_predictions(write("beams.json", {"1": ["a", "b"]}))
    with pytest.raises(InputError, match="every answer is empty"):
        read_predictions(write("silent.json", {"1": "", "2": "  "}))


def test_pairs_without_an_answer_are_counted_and_may_be_left_out() -> None:
    with pytest.raises(InputError, match=r"mine: 1 pair \('2'\) without an answer.*--partial"):
        match_answers(TWO, {"mine": {"1": "x", "3": "y"}})
    pairs, answers = match_answers(TWO, {"mine": {"1": "x"}, "theirs": {"1": "y", "2": "z"}}, partial=True)
    assert (pairs, answers) == (TWO[:1], {"mine": ("x",), "theirs": ("y",)})


def test_ids_of_another_form_are_told_apart() -> None:
    requests = [CaptionedPair("Reddit_2", ("a",)), CaptionedPair("Zhopped_2", ("b",))]
    with pytest.raises(InputError, match=re.escape("'Reddit_2' there and '2' here: write the whole id")):
        match_answers(requests, {"mine": {"2": "x"}})
    with pytest.raises(InputError, match="same data set and split"):
        match_answers(requests, {"mine": {"cat": "x"}})
    with pytest.raises(InputError, match="no pair was answered by every system"):
        match_answers(TWO, {"a": {"1": "x"}, "b": {"2": "y"}}, partial=True)


def test_captions_without_a_word_are_noted() -> None:
    pairs = [CaptionedPair("1", ("", " ")), CaptionedPair("2", ("", "c"))]
    notes = empty_notes(pairs, {"mine": ("x", "")})
    assert len(notes) == 2
    assert "1 pair ('1')" in notes[0]
    assert "mine says nothing of 1 pair ('2')" in notes[1]
