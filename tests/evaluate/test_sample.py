"""The judge of the sample: what counts as found, named, missed and invented."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from provenance.errors import NotFoundError, UsageError
from provenance.evaluate.sample import box_iou, evaluate_sample, read_truth
from provenance.records import Box, Edit, Explanation, Match, QueryInfo, ReferenceRecord, Report, Verdict

SHA256 = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b")}


def folder_with(tmp_path: Path, reference: str | None, *operations: tuple[str, Box | None]) -> Path:
    """A sample folder of one query and two trusted files, "a" and "b"."""
    for place in ("photos", "queries"):
        (tmp_path / place).mkdir(exist_ok=True)
    for name in SHA256:
        (tmp_path / "photos" / name).write_bytes(name.encode())
    (tmp_path / "queries" / "q").write_bytes(b"q")
    truth = {
        "query": "queries/q",
        "reference": f"photos/{reference}" if reference else None,
        "operations": [{"operation": name, "box": box} for name, box in operations],
    }
    (tmp_path / "truth.json").write_text(json.dumps([truth]))
    return tmp_path


def report_of(verdict: Verdict, original: str | None, *edits: tuple[str, Box | None]) -> Report:
    explanation = Explanation(
        caption="",
        captioner="test",
        edits=tuple(Edit(name, "image_style", "", 1.0, {}, box) for name, box in edits),  # type: ignore[arg-type]
        unexplained_fraction=0.0,
        replay_psnr_db=None,
    )
    match = None
    if original is not None:
        reference = ReferenceRecord(1, original, SHA256[original], None, 1, 100, 100, "PNG", "active")
        match = Match(reference, ("copy",), 50, 1.0, 1.0, None)
    return Report(
        QueryInfo("q", "", 100, 100), verdict, 0.9, match, (), explanation if match else None, {}, {}
    )


def test_right_original_and_right_edits(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "a", ("crop", None), ("object_added", (10, 10, 30, 30)))
    report = report_of("modified", "a", ("object_added", (10, 10, 30, 20)), ("crop", None))
    result = evaluate_sample(folder, lambda _: report)
    assert result.originals_found == (1, 1)
    assert result.operations == (2, 0, 0)
    assert result.queries[0].ious == (0.5,)


def test_another_original_does_not_count(tmp_path: Path) -> None:
    result = evaluate_sample(folder_with(tmp_path, "a"), lambda _: report_of("unmodified", "b"))
    assert result.originals_found == (0, 1)
    assert "NOT FOUND" in result.table()


def test_no_match_misses_every_edit(tmp_path: Path) -> None:
    result = evaluate_sample(
        folder_with(tmp_path, "a", ("blur", None)), lambda _: report_of("no_match", None)
    )
    assert result.originals_found == (0, 1)
    assert result.operations == (0, 1, 0)


def test_stranger_must_not_be_matched(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, None)
    assert evaluate_sample(folder, lambda _: report_of("no_match", None)).strangers_matched == (0, 1)
    matched = evaluate_sample(folder, lambda _: report_of("related", "a"))
    assert matched.strangers_matched == (1, 1)
    assert matched.originals_found == (0, 0)
    assert "FALSE MATCH" in matched.table()


def test_edit_on_an_unedited_query_is_false(tmp_path: Path) -> None:
    result = evaluate_sample(
        folder_with(tmp_path, "a"), lambda _: report_of("modified", "a", ("noise", None))
    )
    assert result.false_edits_on_unedited == 1
    assert "+noise" in result.table()


def test_right_word_in_the_wrong_place_is_both_missed_and_false(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "a", ("object_removed", (0, 0, 10, 10)))
    result = evaluate_sample(
        folder, lambda _: report_of("modified", "a", ("object_removed", (50, 50, 90, 90)))
    )
    assert result.operations == (0, 1, 1)


def test_each_reported_edit_counts_once_and_goes_to_the_closest(tmp_path: Path) -> None:
    first, second = (0, 0, 20, 20), (10, 0, 30, 20)
    folder = folder_with(tmp_path, "a", ("text_added", first), ("text_added", second))
    both = evaluate_sample(
        folder, lambda _: report_of("modified", "a", ("text_added", second), ("text_added", first))
    )
    assert both.queries[0].ious == (1.0, 1.0)
    one = evaluate_sample(folder, lambda _: report_of("modified", "a", ("text_added", first)))
    assert one.operations == (1, 1, 0)


def test_box_of_an_edit_reported_for_the_whole_picture_is_the_whole_picture(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "a", ("background_replaced", (0, 0, 100, 80)))
    result = evaluate_sample(folder, lambda _: report_of("modified", "a", ("background_replaced", None)))
    assert result.queries[0].ious == (0.8,)


@pytest.mark.parametrize(
    ("true", "reported", "right"),
    [
        ("brightness", "tone", True),
        ("tone", "brightness", False),
        ("brightness", "contrast", False),
        ("object_added", "composite", False),
        ("background_replaced", "background_changed", False),
    ],
)
def test_words_that_overlap_and_words_that_do_not(
    tmp_path: Path, true: str, reported: str, right: bool
) -> None:
    folder = folder_with(tmp_path, "a", (true, None))
    result = evaluate_sample(folder, lambda _: report_of("modified", "a", (reported, None)))
    assert result.operations == ((1, 0, 0) if right else (0, 1, 1))


def test_table_is_aligned_and_ends_with_totals(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "a", ("blur", None), ("crop", None))
    table = evaluate_sample(
        folder, lambda _: report_of("modified", "a", ("blur", None), ("pad", None))
    ).table()
    lines = table.splitlines()
    assert lines[0].index("verdict") == lines[2].index("modified")
    assert "blur -crop +pad" in lines[2]
    assert "originals found           1/1" in lines
    assert "edits named, recall       0.50 (1/2)" in lines
    assert "edits named, precision    0.50 (1/2)" in lines


def test_box_iou() -> None:
    assert box_iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert box_iou((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert box_iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)


def test_missing_and_broken_truth_are_explained(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"truth\.json"):
        read_truth(tmp_path)
    for text in (
        "not json",
        "{}",
        "[]",
        '[{"query": "x"}]',
        '[{"query": "x", "reference": null, "operations": [3]}]',
    ):
        (tmp_path / "truth.json").write_text(text)
        with pytest.raises(UsageError, match="make_sample_db"):
            read_truth(tmp_path)
    folder = folder_with(tmp_path, "a")
    (folder / "photos" / "a").unlink()
    with pytest.raises(NotFoundError, match="not there"):
        read_truth(folder)


# ---------------------------------------------------------------- the committed sample itself


def test_sample_holds_together(sample: Path) -> None:
    truths = read_truth(sample)
    strangers = [truth for truth in truths if truth.reference is None]
    unedited = [truth for truth in truths if truth.reference and not truth.edits]
    assert len(strangers) == 3
    assert len(unedited) >= 4
    assert len(truths) - len(strangers) >= 24
    assert {truth.query for truth in truths} == set((sample / "queries").iterdir())
    assert len(list((sample / "photos").iterdir())) == 75


def test_sample_boxes_lie_inside_the_queries(sample: Path) -> None:
    for truth in read_truth(sample):
        with Image.open(truth.query) as query:
            for edit in truth.edits:
                if edit.box is not None:
                    x0, y0, x1, y1 = edit.box
                    assert 0 <= x0 < x1 <= query.width, truth.query
                    assert 0 <= y0 < y1 <= query.height, truth.query


def test_sample_credits_every_photo_and_stays_small(sample: Path) -> None:
    import csv

    with (sample / "credits.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    credited = {sample / row["path"] for row in rows}
    assert set((sample / "photos").iterdir()) <= credited
    assert set((sample / "queries").glob("stranger-*")) <= credited
    assert all(path.is_file() for path in credited)
    assert all(row["title"] and row["credit"] and row["source"] for row in rows)
    assert {row["license"] for row in rows} == {"Public Domain", "CC0-1.0"}
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 12 * 2**20
