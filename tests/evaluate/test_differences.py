"""The rules by which what is said of a pair is held against what is true, and the figures made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from provenance.commands.evaluate import evaluate_app
from provenance.errors import UsageError
from provenance.evaluate.differences.figures import (
    direction_right,
    edit_distance,
    measure,
    parameter_error,
    text_errors,
)
from provenance.evaluate.differences.matching import SaidEdit, match
from provenance.evaluate.differences.run import Outcome, choose_pairs
from provenance.evaluate.differences.tables import edits_table
from provenance.evaluate.pairs.truth import Pair, TrueEdit, write_pairs

BOX = (100, 100, 200, 200)
FAR = (400, 400, 500, 500)


def outcome(*said: SaidEdit, true: tuple[TrueEdit, ...] = (), verdict: str = "modified") -> Outcome:
    pair = Pair("one", Path("a"), Path("b"), "kind", None, true)
    return Outcome(pair, verdict, said, match(true, said), unexplained_fraction=0.1, replay_psnr_db=40.0)


def test_name_and_place_must_fit() -> None:
    true = (TrueEdit("object_added", BOX),)
    assert match(true, [SaidEdit("object_added", (110, 90, 210, 190))]).found
    assert match(true, [SaidEdit("object_added", (120, 120, 140, 140))]).found, "a part of it"
    assert match(true, [SaidEdit("object_added", FAR)]).missed
    assert match(true, [SaidEdit("object_removed", BOX)]).missed
    assert match(true, [SaidEdit("object_added", (0, 0, 1000, 1000))]).missed, "no place at all"


def test_an_edit_is_found_once() -> None:
    said = [SaidEdit("object_added", (100, 100, 200, 150)), SaidEdit("object_added", BOX)]
    found = match((TrueEdit("object_added", BOX),), said)
    assert found.found[0][1] is said[1]
    assert found.false == (said[0],)


def test_exact_names_go_before_accepted_ones() -> None:
    true = (TrueEdit("object_duplicated", BOX, accepted=("object_added",)),)
    said = [SaidEdit("object_added", BOX), SaidEdit("object_duplicated", (100, 100, 180, 200))]
    assert match(true, said).found[0][1] is said[1]
    assert match(true, said[:1]).found


def test_optional_edits_are_neither_hit_nor_error() -> None:
    true = (TrueEdit("rotate"), TrueEdit("crop", optional=True), TrueEdit("text_added", BOX, optional=True))
    found = match(true, [SaidEdit("rotate"), SaidEdit("crop"), SaidEdit("text_added", FAR)])
    assert [len(part) for part in (found.found, found.missed, found.neutral, found.false)] == [1, 0, 1, 1]


def test_a_place_is_found_under_any_name() -> None:
    true = (TrueEdit("object_added", BOX),)
    assert match(true, [SaidEdit("object_replaced", BOX)]).placed
    assert match(true, [SaidEdit("changed", BOX)]).placed
    assert not match(true, [SaidEdit("blur")]).placed


def test_figures_count_what_is_said() -> None:
    added, crop = TrueEdit("object_added", BOX, strength="visible"), TrueEdit("crop", strength="barely")
    figures = measure(
        [
            outcome(SaidEdit("object_added", BOX), SaidEdit("blur"), true=(added, crop)),
            outcome(true=()),
            outcome(SaidEdit("noise"), true=()),
            outcome(true=(), verdict="no_match"),
        ]
    )
    assert (figures.overall.recall, figures.overall.precision) == (1 / 2, 1 / 3)
    assert figures.overall.f1 == pytest.approx(0.4)
    assert figures.overall.clear_found / figures.overall.clear_true == 1
    assert figures.overall.by_strength == {"visible": (1, 1), "barely": (0, 1)}
    assert figures.specificity == pytest.approx(1 / 3), "a pair that is not recognised is not left alone"
    assert figures.benign_false == 1
    assert figures.not_explained == 1
    assert figures.by_operation["object_added"].ious == [1.0]
    table = edits_table(figures)
    assert "missed crop" in table
    assert "false noise" in table


def test_directions() -> None:
    def right(operation: str, true: dict[str, object], said: dict[str, object]) -> bool | None:
        return direction_right(TrueEdit(operation, parameters=true), SaidEdit(operation, parameters=said))

    assert right("brightness", {"sign": 1}, {"sign": 1}) is True
    assert right("brightness", {"sign": 1}, {"sign": -1}) is False
    assert right("rotate", {"degrees": 5.0}, {"degrees": -5.0}) is False
    assert right("color_balance", {"tint": "warmer", "sign": 1}, {"tint": "cooler"}) is False
    assert right("noise", {}, {}) is None
    removed = TrueEdit("object_removed", BOX)
    wrong, good = (
        measure([outcome(SaidEdit(name, BOX), true=(removed,))]) for name in ("text_added", "object_removed")
    )
    assert wrong.overall.directions == [False]
    assert good.overall.directions == [True]


def test_parameter_errors_have_units() -> None:
    def error(operation: str, true: dict[str, object], said: dict[str, object]) -> float | None:
        return parameter_error(TrueEdit(operation, parameters=true), SaidEdit(operation, parameters=said))

    assert error("rotate", {"degrees": 179.5}, {"degrees": -179.5}) == pytest.approx(1.0)
    assert error("pad", {"left_px": 3, "top_px": 9}, {"left_px": 5, "top_px": 9}) == 2
    assert error("stretch", {"factor": 1.2}, {"factor": 1.21}) == pytest.approx(1.0)
    assert error("color_balance", {"red_percent": 9}, {"red_percent": 4, "added": True}) is None
    crop = TrueEdit("crop", reference_box=BOX), SaidEdit("crop", reference_box=(100, 100, 200, 150))
    assert parameter_error(*crop) == pytest.approx(0.5)


def test_text_is_compared_by_characters() -> None:
    assert edit_distance("kitten", "sitting") == 3
    edit = TrueEdit("text_changed", text_before="June 15 1984", text_after="June 15 1994",
                    words_before="1984", words_after="1994")  # fmt: skip
    assert (
        text_errors(edit, SaidEdit("text_changed", text_before="June15 1984", text_after="June 15 1994"))[0]
        == 0
    )
    assert text_errors(edit, SaidEdit("text_changed", text_before="1984", text_after="1994")) == (0, 8)
    assert text_errors(edit, SaidEdit("text_changed", text_before="1984", text_after="1998"))[0] == 1
    assert text_errors(TrueEdit("text_added"), SaidEdit("text_added", text_after="x")) == (0, 0)


def test_pairs_are_chosen_by_kind_and_operation() -> None:
    pairs = [
        Pair(str(number), Path(), Path(), kind, None, (TrueEdit("crop"),) if kind == "b" else ())
        for number, kind in enumerate("aaab")
    ]
    assert len(choose_pairs(pairs, limit=2)) == 2
    assert {pair.kind for pair in choose_pairs(pairs, limit=2)} == {"a", "b"}
    assert [pair.id for pair in choose_pairs(pairs, kinds=["crop"])] == ["3"]
    with pytest.raises(UsageError, match="there are a, b"):
        choose_pairs(pairs, kinds=["c"])


def test_the_command_explains_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(20, 236, (24, 32, 3), dtype=np.uint8)
    photo = np.asarray(Image.fromarray(coarse).resize((480, 360), Image.Resampling.BICUBIC))
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(photo).save(tmp_path / "same.jpg", quality=80)
    Image.fromarray(np.ascontiguousarray(photo[40:, 60:])).save(tmp_path / "cut.png")
    crop = TrueEdit("crop", reference_box=(60, 40, 480, 360), strength="visible")
    write_pairs(
        tmp_path / "pairs.json",
        [
            Pair("cut", tmp_path / "photo.png", tmp_path / "cut.png", "crop", "visible", (crop,)),
            Pair(
                "cut amiss", tmp_path / "photo.png", tmp_path / "cut.png", "blur", None, (TrueEdit("blur"),)
            ),
            Pair("same", tmp_path / "photo.png", tmp_path / "same.jpg", "jpeg"),
        ],
    )
    arguments = ["edits", "--pairs", str(tmp_path / "pairs.json"), "--no-text"]
    run = CliRunner().invoke(evaluate_app, [*arguments, "--mistakes", str(tmp_path / "sheet.png")])
    assert run.exit_code == 0, run.output
    assert "specificity 1.0000 (1/1," in run.output
    assert "cut amiss" in run.output
    assert Image.open(tmp_path / "sheet.png").height > 200
