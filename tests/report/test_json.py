"""JSON reports keep to the schema whatever the numbers and names are."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import provenance.report
from provenance.errors import InputError
from provenance.records import Box, Edit, Explanation, QueryInfo, Report
from provenance.report import from_dict, to_dict, to_json

SCHEMA = json.loads((Path(provenance.report.__file__).parent / "report.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
HOSTILE = "\x1b[31m\x9b2J\u202e\u2028\udcff<b>\n"


def test_the_packaged_schema_keeps_all_of_the_agreed_one() -> None:
    shared = Path(__file__).parents[3] / "shared" / "report.schema.json"
    if not shared.exists():
        pytest.skip("the shared schema is not on this machine")

    def kept(agreed: Any, packaged: Any) -> bool:
        if not isinstance(agreed, dict):
            return bool(agreed == packaged)
        return all(key in packaged and kept(value, packaged[key]) for key, value in agreed.items())

    assert kept(json.loads(shared.read_text("utf-8")), SCHEMA)


def test_every_verdict_keeps_to_the_schema(every_report: dict[str, Report]) -> None:
    for report in every_report.values():
        VALIDATOR.validate(json.loads(to_json(report)))


def test_a_report_is_one_line_unless_indented(modified: Report) -> None:
    assert "\n" not in to_json(modified)
    assert json.loads(to_json(modified, indent=2)) == json.loads(to_json(modified))


def test_numbers_are_finite_and_rounded(modified: Report) -> None:
    edit = Edit(
        "blur",
        "image_style",
        "It was blurred.",
        math.nan,
        {
            "sigma_px": np.float32(2.123456),
            "n": np.int64(3),
            "bad": math.inf,
            "curve": [(0, np.float64(1 / 3))],
        },
        box=(np.int64(1), 2, 3, 4),  # type: ignore[arg-type]
    )
    explanation = Explanation("It was blurred.", "measured", (edit,), math.nan, math.inf)
    report = replace(
        modified, confidence=1.7, explanation=explanation, timings_ms={"a": math.inf, "b": 12.345}
    )
    data = json.loads(to_json(report))
    VALIDATOR.validate(data)
    assert data["confidence"] == 1
    assert data["timings_ms"] == {"a": None, "b": 12.3}
    told = data["explanation"]["edits"][0]
    assert told["parameters"] == {"sigma_px": 2.1235, "n": 3, "bad": None, "curve": [[0, 0.3333]]}
    assert told["confidence"] == 0
    assert data["explanation"]["replay_psnr_db"] is None


def test_a_broken_homography_becomes_null(modified: Report) -> None:
    if modified.match is None:
        raise ValueError("the modified report holds a match")
    report = replace(modified, match=replace(modified.match, reference_from_query=np.full((3, 3), np.nan)))
    assert to_dict(report)["match"]["reference_from_query"] is None


def test_names_cannot_steer_a_terminal_and_survive(renamed: Callable[[str], Report]) -> None:
    text = to_json(renamed(HOSTILE))
    assert text.isprintable()
    text.encode("utf-8")
    assert json.loads(text)["query"]["name"] == HOSTILE


@settings(deadline=None)
@given(st.text(st.characters(), max_size=40))
def test_any_name_makes_valid_json(name: str) -> None:
    report = Report(QueryInfo(name, "", 1, 1), "no_match", 0.0, None, (), None, {}, {})
    text = to_json(report)
    text.encode("utf-8")
    assert json.loads(text)["query"]["name"] == name


def test_a_report_read_back_says_the_same(every_report: dict[str, Report]) -> None:
    for report in every_report.values():
        data = to_dict(report)
        assert to_dict(from_dict(data)) == data


def test_every_source_of_a_collage_is_told_with_its_place(collage: Report) -> None:
    data = to_dict(collage)
    assert len(data["match"]["copies"]) == 7
    assert [one["path"] for one in data["other_matches"]] == ["archive/sea.png", "archive/hill.png"]
    assert [one["query_box"] for one in data["other_matches"]] == [[210, 0, 360, 140], None]
    assert [one["confidence"] for one in data["other_matches"]] == [0.97, 0.62]


def test_a_report_from_before_the_other_matches_is_read(modified: Report) -> None:
    data = to_dict(modified)
    del data["other_matches"]
    for key in ("confidence", "query_box", "copies"):
        del data["match"][key]
    VALIDATOR.validate(data)
    report = from_dict(data)
    assert report.match is not None
    assert (report.match.query_box, report.match.copies, report.other_matches) == (None, (), ())
    assert report.match.confidence == report.confidence == 0.9912


@pytest.mark.parametrize(
    "wrong",
    [
        {"query_box": [1, 2, 3]},
        {"query_box": [0.5, 0, 1, 1]},
        {"confidence": 1.1},
        {"copies": [1]},
        {"path": 1},
    ],
)
@pytest.mark.parametrize("place", ["match", "other_matches"])
def test_the_schema_notices_a_wrong_match(collage: Report, wrong: dict[str, Any], place: str) -> None:
    data = to_dict(collage)
    (data["match"] if place == "match" else data["other_matches"][1]).update(wrong)
    assert not VALIDATOR.is_valid(data)


def test_no_match_among_the_others_is_refused(collage: Report) -> None:
    data = {**to_dict(collage), "other_matches": [None]}
    assert not VALIDATOR.is_valid(data)
    with pytest.raises(InputError, match="not a report"):
        from_dict(data)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(), max_size=20),
            st.floats(),
            st.none() | st.tuples(*[st.integers(0, 10**6)] * 4),
            st.lists(st.text(st.characters(), max_size=20), max_size=3),
        ),
        max_size=3,
    )
)
def test_any_sources_make_valid_json_and_are_read_back(
    collage: Report, sources: list[tuple[str, float, Box | None, list[str]]]
) -> None:
    (first, *_) = collage.other_matches
    matches = [
        replace(
            first, reference=replace(first.reference, path=path), confidence=confidence,
            query_box=box, copies=tuple(copies),
        )
        for path, confidence, box, copies in sources
    ]  # fmt: skip
    data = json.loads(to_json(replace(collage, other_matches=tuple(matches))))
    VALIDATOR.validate(data)
    read = from_dict(data)
    assert to_dict(read) == data
    assert [(one.reference.path, one.query_box, list(one.copies)) for one in read.other_matches] == [
        (path, box, copies) for path, _, box, copies in sources
    ]


@pytest.mark.parametrize("data", [{}, {"schema": "other/1"}, {"schema": "provenance.report/1", "query": 3}])
def test_what_is_no_report_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not a report"):
        from_dict(data)
