"""The judge of retrieval: what counts as found, missed and false, and how it is shown."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance.errors import UsageError
from provenance.evaluate.contact import describe_mistake, draw_contact_sheet
from provenance.evaluate.metrics import reliability
from provenance.evaluate.plots import draw_reliability
from provenance.evaluate.queries import Query, make_queries
from provenance.evaluate.retrieval import (
    RetrievalResult,
    evaluate_retrieval,
    is_large_enough,
    require_trusted,
    without_explanation,
)
from provenance.evaluate.tables import retrieval_table
from provenance.records import CandidateSummary, Match, QueryInfo, ReferenceRecord, Report, Verdict

ROOT = Path(__file__).parents[2]


def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "evaluate", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files "a", "b" and "c" of different bytes."""
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(name.encode())
    return {name: tmp_path / name for name in ("a", "b", "c")}


def matched(path: Path, confidence: float) -> Report:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    record = ReferenceRecord(1, str(path), digest, None, 1, 100, 100, "PNG", "active")
    return report_of("modified", confidence, path, Match(record, ("local",), 50, 1.0, 1.0, None))


def unmatched(best: Path | None, confidence: float) -> Report:
    return report_of("no_match", confidence, best, None)


def report_of(verdict: Verdict, confidence: float, best: Path | None, match: Match | None) -> Report:
    candidates = (CandidateSummary(1, str(best), 1.0, match is not None, ""),) if best else ()
    timings = {"decode": 1.0, "verify": 10.0 * confidence, "total": 20.0}
    return Report(QueryInfo("q", "", 9, 9), verdict, confidence, match, candidates, None, timings, {})


def run(asked: list[tuple[Path | None, Report]], *, kinds: str = "") -> RetrievalResult:
    """The result of queries, given by their true original and the report they get."""
    queries = [
        Query(Path(f"query-{number}"), reference, kinds[number : number + 1])
        for number, (reference, _) in enumerate(asked)
    ]
    reports = {query.path: report for query, (_, report) in zip(queries, asked, strict=True)}
    return evaluate_retrieval(queries, reports.__getitem__)


def test_the_right_match_is_found_and_any_other_is_false(files: dict[str, Path]) -> None:
    result = run(
        [
            (files["a"], matched(files["a"], 0.99)),
            (files["b"], matched(files["a"], 0.6)),
            (None, matched(files["c"], 0.8)),
            (None, unmatched(files["c"], 0.1)),
            (files["c"], unmatched(files["c"], 0.3)),
        ]
    )
    figures = result.overall
    assert (figures.queries, figures.originals, figures.strangers) == (5, 3, 2)
    assert figures.recall == pytest.approx(1 / 3)
    assert (figures.false_matches, figures.strangers_matched) == (2, 1)
    assert figures.false_match_rate == 0.4
    assert [one.false for one in result.mistakes] == [True, True, False]
    # Ranked: right 0.99, false 0.8, false 0.6, right 0.3 (the best candidate, not matched), false 0.1.
    assert figures.micro_average_precision == pytest.approx((1 + 2 / 4) / 3)
    assert figures.recall_at_p90 == pytest.approx(1 / 3)


def test_a_copy_of_the_original_under_another_name_is_the_original(files: dict[str, Path]) -> None:
    twin = files["a"].with_name("twin")
    twin.write_bytes(files["a"].read_bytes())
    assert run([(files["a"], matched(twin, 0.9))]).overall.recall == 1.0


@dataclass(frozen=True, slots=True, eq=False)
class MatchWithCopies(Match):
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReportOfSeveral(Report):
    other_matches: tuple[Match, ...] = ()


def test_an_original_among_the_copies_of_the_match_is_found(files: dict[str, Path]) -> None:
    report = matched(files["b"], 0.9)
    assert report.match is not None
    record = report.match.reference
    for copies, right in (((str(files["c"]),), False), ((str(files["c"]), str(files["a"])), True)):
        match = MatchWithCopies(record, ("local",), 50, 1.0, 1.0, None, copies=copies)
        assert run([(files["a"], replace(report, match=match))]).outcomes[0].right is right


def test_any_original_of_a_collage_is_right_and_all_are_counted(files: dict[str, Path]) -> None:
    query = Query(Path("q"), files["a"], "collage", also=(files["b"],))
    alone = Query(Path("r"), files["a"], "crop")

    def report(first: str, *further: str) -> Report:
        one = matched(files[first], 0.9)
        others = tuple(match for name in further if (match := matched(files[name], 0.9).match))
        return ReportOfSeveral(
            **{item.name: getattr(one, item.name) for item in fields(one)}, other_matches=others
        )

    def figures(asked: Query, answer: Report) -> tuple[float | None, int, int, int]:
        overall = evaluate_retrieval([asked], lambda _: answer).overall
        return overall.recall, overall.sources, overall.sources_found, overall.further_false

    assert figures(query, report("b")) == (1.0, 2, 1, 0)
    assert figures(query, report("b", "a")) == (1.0, 2, 2, 0)
    assert figures(query, report("b", "b", "c")) == (1.0, 2, 1, 1)
    assert figures(query, report("c", "a")) == (0.0, 2, 1, 0)
    assert figures(query, matched(files["a"], 0.9)) == (1.0, 2, 1, 0)
    assert figures(alone, report("a", "b")) == (1.0, 0, 0, 1)
    result = evaluate_retrieval([query, alone], lambda _: report("b", "a"))
    assert "sources found: 1.000 of the originals of queries that show several (2/2)" in retrieval_table(
        result
    )
    assert result.as_dict()["overall"]["sources_found"] == 2


def test_one_false_match_sets_the_bar_for_every_kind(files: dict[str, Path]) -> None:
    result = run(
        [
            (files["a"], matched(files["a"], 0.95)),
            (files["b"], matched(files["b"], 0.85)),
            (None, matched(files["c"], 0.9)),
        ],
        kinds="xyz",
    )
    assert result.overall.recall == 1.0
    assert result.overall.recall_at_zero_false == 0.5
    assert {kind: figures.recall_at_zero_false for kind, figures in result.by_kind.items()} == {
        "x": 1.0, "y": 0.0, "z": None,
    }  # fmt: skip


def test_kinds_are_listed_worst_first_by_what_is_missed_or_mistaken(files: dict[str, Path]) -> None:
    result = run(
        [
            (files["a"], matched(files["a"], 0.9)),
            (files["b"], unmatched(None, 0.0)),
            (files["c"], matched(files["c"], 0.9)),
            (files["c"], unmatched(None, 0.0)),
            (None, matched(files["c"], 0.9)),
            (None, matched(files["c"], 0.9)),
            (None, unmatched(None, 0.0)),
        ],
        kinds="xyzzwww",
    )
    assert [(kind, figures.recall) for kind, figures in result.by_kind.items()] == [
        ("y", 0.0), ("w", None), ("z", 0.5), ("x", 1.0),
    ]  # fmt: skip


def test_confidence_is_held_against_the_truth(files: dict[str, Path]) -> None:
    result = run(
        [
            (files["a"], matched(files["a"], 1.0)),
            (files["b"], matched(files["a"], 0.99)),
            (None, unmatched(files["c"], 0.05)),
            (None, unmatched(None, 0.0)),
        ]
    )
    assert result.sure == (2, 1)
    low, high = result.calibration
    assert (low.count, low.accuracy, high.count, high.accuracy) == (2, 0.0, 2, 0.5)
    assert [one.count for one in result.calibration_of_matches] == [2]


def test_times_are_by_stage_and_by_outcome(files: dict[str, Path]) -> None:
    result = run(
        [
            (files["a"], matched(files["a"], 1.0)),
            (files["a"], matched(files["a"], 0.6)),
            (None, unmatched(None, 0.0)),
        ]
    )
    assert result.times["verify"][0] == 6.0
    assert result.times["total, matched"] == result.times["total, no match"] == (20.0, 20.0)
    assert list(result.times)[-3:] == ["total", "total, matched", "total, no match"]


def test_small_and_scanty_queries_are_told_apart() -> None:
    path = Path("q")
    assert is_large_enough(Query(path, path, "", 0.25, 150))
    assert not is_large_enough(Query(path, path, "", 0.24, 500))
    assert not is_large_enough(Query(path, path, "", 1.0, 149))
    assert is_large_enough(Query(path, None, "", 0.1, 20))
    assert is_large_enough(Query(path, path))


def test_an_original_that_is_not_trusted_is_an_error(files: dict[str, Path]) -> None:
    queries = [Query(Path("q"), files["a"]), Query(Path("r"), None)]
    require_trusted(queries, lambda _: True)
    with pytest.raises(UsageError, match="--trusted"):
        require_trusted(queries, lambda _: False)


def test_the_table_and_the_json_hold_the_figures(files: dict[str, Path]) -> None:
    result = run(
        [(files["a"], matched(files["a"], 0.99)), (files["b"], unmatched(files["b"], 0.3)),
         (None, matched(files["c"], 0.7))], kinds="xyz",
    )  # fmt: skip
    text = retrieval_table(result)
    assert "false-match rate: 0.3333 of all queries, 1/1 of those without an original" in text
    assert "(95 % interval 0.207 to 1.000)" in text
    assert "expected calibration error" in text
    missed = next(line for line in text.splitlines() if line.startswith("not found"))
    assert missed.endswith("its original came first")
    content = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert content["overall"]["recall"] == 0.5
    assert content["by_kind"]["z"]["recall"] is None
    assert [one["false"] for one in content["mistakes"]] == [False, True]


def test_the_diagram_shows_how_far_confidence_is_off() -> None:
    right = np.asarray(draw_reliability(reliability([0.95] * 20, [True] * 19 + [False]), "right"))
    wrong = np.asarray(draw_reliability(reliability([0.95] * 20, [True] * 4 + [False] * 16), "wrong"))
    bar = (66, 112, 178)
    bars = [(picture == bar).all(axis=2).sum() for picture in (right, wrong)]
    assert bars[0] > 4 * bars[1] > 0
    assert draw_reliability((), "none").size == (right.shape[1], right.shape[0])


def test_the_sheet_shows_query_original_and_answer(tmp_path: Path) -> None:
    colors = {"query": (250, 0, 0), "original": (0, 250, 0), "answer": (0, 0, 250)}
    paths = {name: tmp_path / f"{name}.png" for name in colors}
    for name, color in colors.items():
        Image.new("RGB", (60, 40), color).save(paths[name])
    queries = [Query(paths["query"], paths["original"], "crop 50")]
    result = evaluate_retrieval(queries, lambda _: matched(paths["answer"], 0.9))
    sheet = np.asarray(draw_contact_sheet(result.mistakes))
    for color in colors.values():
        assert (sheet == color).all(axis=2).sum() == 60 * 40
    assert draw_contact_sheet(()).width == sheet.shape[1]


def test_the_sheet_does_without_a_picture_that_is_gone(files: dict[str, Path]) -> None:
    result = run([(files["a"], matched(files["b"], 0.9))])
    assert draw_contact_sheet(result.mistakes).width > 0


def test_of_many_mistakes_the_sheet_shows_some_of_every_kind(files: dict[str, Path]) -> None:
    asked = [(files["a"], unmatched(files["b"], 0.1)) for _ in range(9)] + [(None, matched(files["b"], 0.9))]
    result = run(asked, kinds="xxxxxxxyzw")
    sheets = [draw_contact_sheet(result.mistakes, rows=rows) for rows in (4, 10)]
    assert sheets[1].height - sheets[0].height == 6 * 208


def test_a_mistake_is_put_in_words(files: dict[str, Path]) -> None:
    missed = replace(
        unmatched(files["b"], 0.3),
        candidates=(
            CandidateSummary(1, str(files["b"]), 0.5, False, "3 inliers"),
            CandidateSummary(2, str(files["a"]), 0.4, False, "no keypoints"),
        ),
    )
    (one,) = run([(files["a"], missed)], kinds="x").mistakes
    words = "\n".join(describe_mistake(one))
    for part in ("NOT FOUND  x", "verdict no_match, confidence 0.300", "best candidate: b", "why: 3 inliers",
                 "candidate 2, no keypoints"):  # fmt: skip
        assert part in words
    lost = run([(files["c"], missed)]).mistakes[0]
    assert lost.original_reason == "not among the 2 candidates reported"
    broken = replace(missed, query=replace(missed.query, error="cut off"), candidates=())
    assert run([(files["c"], broken)]).mistakes[0].reason == "cut off"
    false = run([(None, matched(files["a"], 0.9))]).mistakes[0]
    assert describe_mistake(false)[0].startswith("FALSE MATCH")
    assert "no original" in describe_mistake(false)


def test_explanations_are_left_out_where_the_check_can_do_without(files: dict[str, Path]) -> None:
    def check(path: Path) -> Report:
        return unmatched(None, 0.0)

    def check_with_choice(path: Path, *, explain: bool = True) -> Report:
        return unmatched(None, float(explain))

    assert without_explanation(check)(files["a"]).confidence == 0.0
    assert without_explanation(check_with_choice)(files["a"]).confidence == 0.0
    assert check_with_choice(files["a"]).confidence == 1.0


def test_the_commands_measure_a_folder_from_photos_to_figures(tmp_path: Path, photos: list[Path]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in photos[:4]:
        with Image.open(path) as image:
            image.convert("RGB").resize((480, 320)).save(folder / f"{path.stem}.jpg", quality=90)
    out, plot, sheet = tmp_path / "set", tmp_path / "plot.png", tmp_path / "mistakes.png"
    made = run_command(
        "make-queries", "--photos", folder, "--out", out, "--per-photo", "1", "--strangers", "1",
        "--kinds", "crop 70, darker",
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    assert "3 queries of 2 kinds, 1 of them without an original" in made.stdout
    measured = run_command(
        "retrieval", "--trusted", out / "trusted", "--queries", out / "queries.csv", "--format", "json",
        "--plot", plot, "--contact-sheet", sheet, "--no-explain", "--limit", "3",
    )  # fmt: skip
    assert (measured.returncode, measured.stderr) == (0, "")
    figures = json.loads(measured.stdout)
    assert figures["overall"]["queries"] == 3
    assert figures["overall"]["recall"] == 1.0
    assert figures["overall"]["strangers_matched"] == 0
    assert {"decode", "describe", "search", "verify", "total"} <= set(figures["times_ms"])
    for file in (plot, sheet):
        with Image.open(file) as image:
            assert image.format == "PNG"


def test_the_command_refuses_a_trusted_folder_without_the_originals(
    tmp_path: Path, photos: list[Path]
) -> None:
    folder, other = tmp_path / "photos", tmp_path / "other"
    for place, paths in ((folder, photos[:2]), (other, photos[2:3])):
        place.mkdir()
        for path in paths:
            with Image.open(path) as image:
                image.convert("RGB").resize((240, 160)).save(place / f"{path.stem}.png")
    make_queries(folder, tmp_path / "set", per_photo=1, kinds=["as posted"])
    ran = run_command("retrieval", "--trusted", other, "--queries", tmp_path / "set" / "queries.csv")
    assert ran.returncode == 2
    assert "not in the trusted folder" in ran.stderr
