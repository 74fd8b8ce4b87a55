"""The table in each form, and the command that prints it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from provenance.commands.evaluate import evaluate_app
from provenance.errors import InputError, UsageError

Write = Callable[[str, Any], Path]
REFERENCES = [
    {"uid": "a_1", "img0": "x.jpg", "img1": "1.jpg", "sents": ["remove the man", "take out the man"]},
    {"uid": "a_2", "img0": "y.jpg", "img1": "2.jpg", "sents": ["brighten the photo", "increase brightness"]},
    {"uid": "b_2", "img0": "z.jpg", "img1": "3.jpg", "sents": ["add a hat", "put a hat on the dog"]},
]
TRAINING = [{"uid": "c", "img0": "z.jpg", "img1": "4.jpg", "sents": ["remove the background"]}]


@pytest.fixture
def files(write: Write) -> list[str]:
    """Two systems, references, and training captions that lie beside them."""
    pytest.importorskip("pycocoevalcap.bleu.bleu", reason="needs the extra evaluate")
    write("pairs_train.json", TRAINING)
    good = {"a_1": "remove the man", "a_2": "brighten the photo", "b_2": "add a hat"}
    bad = {"a_1": "add a man", "a_2": "darken the photo", "b_2": "remove the hat"}
    return [
        "captions", "--metrics", "bleu,rouge,direction", "--samples", "50",
        "-p", f"good_one={write('good.json', good)}", "-p", str(write("bad.json", bad)),
        "-r", str(write("pairs_test.json", REFERENCES)),
    ]  # fmt: skip


def run(arguments: list[str]) -> Result:
    return CliRunner().invoke(evaluate_app, arguments)


def test_markdown_has_systems_baselines_subsets_and_differences(files: list[str]) -> None:
    result = run(files)
    assert result.exit_code == 0, result.output
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in result.stdout.splitlines() if line
    ]
    assert rows[0] == [
        "Testing set",
        "Method",
        "Pairs",
        "BLEU-1",
        "BLEU-2",
        "BLEU-3",
        "BLEU-4",
        "ROUGE-L",
        "Direction",
    ]
    methods = [row[1] for row in rows]
    assert methods[2:10] == [
        "good_one", "95 % interval", "bad", "95 % interval",
        'constant "increase the brightness of the image"',
        'constant "remove the background" (commonest in training)', "random training caption",
        "human against the others",
    ]  # fmt: skip
    assert rows[2][0:3] == ["pairs_test", "good_one", "3"]
    assert (rows[2][-1], rows[4][-1]) == ("100.00", "0.00")
    assert [row[0] for row in rows if row[1] == "good_one"] == [
        "pairs_test", "source-disjoint", "local object", "image style",
    ]  # fmt: skip
    assert [row[2] for row in rows if row[1] == "good_one"] == ["3", "2", "2", "1"]
    (difference, *_) = [row for row in rows if row[1] == "good_one - bad"]
    assert difference[-1] == "+100.00"
    assert "train captions from" in result.stderr


def test_csv_has_a_line_a_run_and_numbers(files: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(run([*files, "-f", "csv"]).stdout)))
    first = rows[0]
    assert (first["testing_set"], first["method"], first["pairs"]) == ("pairs_test", "good_one", "3")
    assert float(first["Direction"]) == 100.0
    assert float(first["ROUGE-L low"]) <= float(first["ROUGE-L"]) <= float(first["ROUGE-L high"])
    assert {"human against the others 1", "human against the others 2"} <= {row["method"] for row in rows}
    (difference, *_) = [row for row in rows if row["method"] == "good_one - bad"]
    assert 0 < float(difference["Direction p"]) <= 1


def test_latex_is_escaped_and_balanced(files: list[str]) -> None:
    text = run([*files, "-f", "latex"]).stdout
    assert r"good\_one" in text and r"95 \% interval" in text
    tabulars = text.split(r"\end{tabular}")
    assert len(tabulars) == 3
    columns = 2 + 1 + 6
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.count(" & ") == columns - 1 for line in lines)


def test_json_has_no_invalid_numbers(files: list[str]) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    table = json.loads(run([*files, "-f", "json", "--samples", "0"]).stdout, parse_constant=refuse)
    assert table["figures"][0]["cells"]["BLEU-1"]["low"] is None
    assert table["differences"][0]["method"] == "good_one - bad"


def test_references_may_be_a_data_set_with_its_other_splits(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("pycocoevalcap.bleu.bleu", reason="needs the extra evaluate")
    rows = ["before,after,caption,category,split", "a.png,1.png,remove the man,local object,test",
            "b.png,2.png,no change was made,,test", "a.png,3.png,brighten it,,train"]  # fmt: skip
    write("pairs.csv", "\n".join(rows))
    answers = write("mine.json", {"1.png": "add a man", "2.png": "nothing was changed"})
    result = run(
        [
            "captions",
            "-p",
            str(answers),
            "-r",
            f"csv:{tmp_path}",
            "--metrics",
            "direction,specificity",
            "-f",
            "json",
        ]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)["figures"]
    mine = {line["testing_set"]: line for line in figures if line["method"] == "mine"}
    assert list(mine)[1:] == ["source-disjoint", "local object"]
    values = {metric: cell["values"] for metric, cell in next(iter(mine.values()))["cells"].items()}
    assert values == {"Direction": [0.0], "Specificity": [100.0], "Change seen": [100.0]}
    assert mine["source-disjoint"]["pairs"] == 1
    assert 'constant "brighten it" (commonest in training)' in {line["method"] for line in figures}


def test_a_data_set_without_splits_is_not_its_own_training_set(write: Write, tmp_path: Path) -> None:
    write("pairs.json", [{"original": "a.jpg", "edited": "b.jpg", "instruction": "add a cat"}])
    answers = write("mine.json", {"b": "add a cat"})
    result = run(["captions", "-p", str(answers), "-r", f"magicbrush:{tmp_path}", "--metrics", "direction"])
    assert result.exit_code == 0, result.output
    assert "training" not in result.stdout
    assert "no training captions" in result.stderr


def test_wrong_calls_name_the_cure(files: list[str], write: Write) -> None:
    files[2] = "bertscore"
    assert isinstance(result := run(files).exception, UsageError)
    assert "--bertscore-model" in str(result)
    files[2] = "bleu"
    broken = [*files[:-1], str(write("cut.json", "[{"))]
    assert isinstance(run(broken).exception, InputError)
