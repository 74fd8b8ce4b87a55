"""People rate captions: the study, the page, the statistics."""

from __future__ import annotations

import csv
import io
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner

from provenance.commands.evaluate import evaluate_app
from provenance.errors import DatabaseError, InputError, NotFoundError, UsageError
from provenance.evaluate.captions.human.agreement import krippendorff_alpha
from provenance.evaluate.captions.human.page import build
from provenance.evaluate.captions.human.ratings import Ratings
from provenance.evaluate.captions.human.results import tabulate_ratings
from provenance.evaluate.captions.human.study import Item, draw_items
from provenance.evaluate.captions.pairs import CaptionedPair
from provenance.evaluate.captions.scores import Draws

ROOT = Path(__file__).parent.parent.parent.parent
MARKS = {"fluency": 5, "correctness": 4, "relevance": 3}


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    files = tmp_path / "before.png", tmp_path / "after.png"
    for file, color in zip(files, ("navy", "orange"), strict=True):
        Image.new("RGB", (64, 48), color).save(file)
    return files


@pytest.fixture
def study(tmp_path: Path, pictures: tuple[Path, Path]) -> Iterator[Ratings]:
    """Two pairs, two systems; they say the same of the second pair. Two people rate each caption."""
    items = [
        Item("p1", *pictures, "a <b>cat</b> was added", ("secret-a",)),
        Item("p1", *pictures, "something changed", ("secret-b",)),
        Item("p2", *pictures, "it is orange now", ("secret-a", "secret-b")),
    ]
    with Ratings.create(tmp_path / "ratings.sqlite", items, raters=2, seed=0) as ratings:
        yield ratings


# ---------------------------------------------------------------- statistics


def test_alpha_by_hand() -> None:
    # Marks 1, 1 | 1, 2 | 2, 2: observed 2 of unlike pairs, expected 2 * 3 * 3 / 5. alpha = 1 - 2 / 3.6.
    assert krippendorff_alpha([[1, 1], [1, 2], [2, 2]], "interval") == pytest.approx(1 - 2 / 3.6)
    assert krippendorff_alpha([[1, 1], [2, 2], [5]], "ordinal") == 1.0
    assert krippendorff_alpha([[1, 2], [2, 1]], "interval") < 0
    assert math.isnan(krippendorff_alpha([[3, 3], [3, 3]]))
    assert math.isnan(krippendorff_alpha([[1], [2]]))


def test_alpha_of_krippendorffs_own_example() -> None:
    """Computing Krippendorff's Alpha-Reliability (2011): four observers, twelve units, some marks missing."""
    observers = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[int(row[n]) for row in observers if row[n] != "."] for n in range(12)]
    assert krippendorff_alpha(units, "ordinal") == pytest.approx(0.815, abs=0.0005)
    assert krippendorff_alpha(units, "interval") == pytest.approx(0.849, abs=0.0005)


def test_means_differences_and_agreement(study: Ratings) -> None:
    for rater, first, second, both in (("ann", 5, 2, 4), ("bob", 4, 1, 4)):
        for item, mark in ((1, first), (2, second), (3, both)):
            study.save(rater, item, {"fluency": mark, "correctness": mark, "relevance": 3})
    table = tabulate_ratings(study, Draws(200))
    lines = {line.method: line for line in table.figures}
    assert lines["secret-a"].cells["Fluency"].values == (pytest.approx((5 + 4 + 4 + 4) / 4),)
    assert lines["secret-b"].cells["Fluency"].values == (pytest.approx((2 + 1 + 4 + 4) / 4),)
    assert lines["secret-a"].pairs == 2
    assert lines["secret-a"].cells["Fluency"].low <= 4.25 <= lines["secret-a"].cells["Fluency"].high
    (difference,) = table.differences
    assert difference.cells["Fluency"].values == (pytest.approx(1.5),)
    expected = krippendorff_alpha([[5, 4], [2, 1], [4, 4]], "ordinal")
    assert lines["Krippendorff's alpha, ordinal"].cells["Fluency"].values == (pytest.approx(expected),)
    assert math.isnan(lines["Krippendorff's alpha, interval"].cells["Relevance"].values[0])


# ---------------------------------------------------------------- study


def test_pairs_are_drawn_and_equal_captions_rated_once(pictures: tuple[Path, Path]) -> None:
    pairs = [CaptionedPair(str(number), ("x",), *pictures) for number in range(20)]
    same = {pair.id: "the same" for pair in pairs}
    other = {**same, **{str(number): "other" for number in range(10)}}
    items = draw_items(pairs, {"a": same, "b": other}, count=12, seed=1)
    assert len({item.pair for item in items}) == 12
    assert all(item.systems == ("a", "b") for item in items if int(item.pair) >= 10)
    assert sum(len(item.systems) for item in items) == 24
    assert items == draw_items(pairs, {"a": same, "b": other}, count=12, seed=1)
    assert items != draw_items(pairs, {"a": same, "b": other}, count=12, seed=2)
    with pytest.raises(InputError, match="no pair with pictures was answered by every system"):
        draw_items(pairs, {"a": {"99": "x"}})


def test_each_person_has_an_order_of_their_own_until_enough_have_rated(study: Ratings) -> None:
    orders = {name: study.left_to(name) for name in map(str, range(30))}
    assert all(sorted(order) == [1, 2, 3] for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) > 3
    study.save("ann", 1, MARKS)
    assert 1 not in study.left_to("ann") and 1 in study.left_to("bob")
    study.save("bob", 1, MARKS)
    assert 1 not in study.left_to("cid")


def test_marks_may_be_changed_but_not_made_up(study: Ratings) -> None:
    study.save("ann", 1, MARKS)
    study.save("ann", 1, {**MARKS, "fluency": 1})
    assert [one.marks for one in study.all()] == [(1, 4, 3)]
    for wrong in ({**MARKS, "fluency": 6}, {**MARKS, "relevance": 0}, {"fluency": 1}):
        with pytest.raises(UsageError, match="a mark of 1 to 5 each"):
            study.save("ann", 1, wrong)
    with pytest.raises(NotFoundError, match="no caption 9"):
        study.save("ann", 9, MARKS)


def test_no_study_is_written_over(study: Ratings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already: leave --dataset and --predictions out"):
        Ratings.create(tmp_path / "ratings.sqlite", [], raters=1, seed=0)
    with pytest.raises(NotFoundError, match="begin a study"):
        Ratings.open(tmp_path / "none.sqlite")
    (tmp_path / "text").write_text("no study")
    with pytest.raises(DatabaseError, match="holds no study"):
        Ratings.open(tmp_path / "text")


# ---------------------------------------------------------------- page


@pytest.fixture
def client(study: Ratings) -> TestClient:
    return TestClient(build(study), base_url="http://127.0.0.1:8321")


def test_a_rater_signs_in_rates_everything_and_is_thanked(client: TestClient, study: Ratings) -> None:
    assert "name" in client.get("/rate").text
    page = client.post("/", data={"name": " Ann  Müller "})
    seen = []
    for _ in range(3):
        assert "Ann Müller" in page.text and "secret" not in page.text
        seen.append(int(page.text.split('name="item" value="')[1].split('"')[0]))
        page = client.post("/rate", data={"item": seen[-1], **MARKS})
    assert "Thank you" in page.text
    assert seen == [one.item for one in study.rated_by("Ann Müller")]
    assert sorted(seen) == [1, 2, 3]


def test_captions_are_text_and_pictures_are_shown(client: TestClient) -> None:
    client.post("/", data={"name": "ann"})
    assert "a &lt;b&gt;cat&lt;/b&gt; was added" in client.get("/rate?item=1").text
    picture = client.get("/picture/1/after.png")
    assert Image.open(io.BytesIO(picture.content)).getpixel((0, 0)) == (255, 165, 0)
    assert client.get("/picture/9/after.png").status_code == 404
    assert client.get("/picture/1/other.png").status_code == 404
    assert client.get("/form.py").status_code == 404


def test_nothing_is_loaded_from_elsewhere_and_no_other_page_may_rate(
    client: TestClient, study: Ratings
) -> None:
    page = client.post("/", data={"name": "ann"})
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text and "https://" not in page.text
    foreign = client.post("/rate", data={"item": 1, **MARKS}, headers={"origin": "https://evil.example"})
    assert (foreign.status_code, study.all()) == (403, [])
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    own = client.post("/rate", data={"item": 1, **MARKS}, headers={"origin": "http://127.0.0.1:8321"})
    assert (own.status_code, len(study.all())) == (200, 1)


def test_wrong_marks_and_names_are_told_on_a_page(client: TestClient, study: Ratings) -> None:
    assert client.post("/", data={"name": "  "}).status_code == 400
    client.post("/", data={"name": "ann"})
    page = client.post("/rate", data={"item": 1, "fluency": 7})
    assert (page.status_code, study.all()) == (400, [])
    assert "a mark of 1 to 5 each" in page.text


# ---------------------------------------------------------------- command, browser


@pytest.fixture
def served(tmp_path: Path, pictures: tuple[Path, Path]) -> Iterator[tuple[str, Path]]:
    """The address of a study of one pair and two systems, as the command serves it, and its file."""
    (tmp_path / "pairs.csv").write_text("before,after,id\nbefore.png,after.png,p1\n")
    for name, caption in (("good", "The picture turned orange."), ("bad", "A cat.")):
        (tmp_path / f"{name}.json").write_text(f'{{"p1": "{caption}"}}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = tmp_path / "ratings.sqlite"
    command = [
        sys.executable, "-m", "cli", "evaluate", "human", "--serve", "--dataset", f"csv:{tmp_path}",
        "-p", str(tmp_path / "good.json"), "-p", str(tmp_path / "bad.json"),
        "--ratings", str(file), "--port", str(port),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}/", file
    process.send_signal(signal.SIGINT)
    process.wait(20)


def test_the_page_is_used_by_keys_in_a_browser(served: tuple[str, Path], tmp_path: Path) -> None:
    address, file = served
    with Browser(tmp_path / "profile") as browser:
        browser.open(address)
        browser.press(*"ann", "Enter")
        browser.until("location.pathname == '/rate' && document.querySelector('.keys')?.hidden === false")
        browser.until("[...document.images].every((image) => image.complete && image.naturalWidth == 64)")
        assert "0 of 2 rated" in browser.text()
        loaded = browser.value("performance.getEntriesByType('resource').map((one) => one.name)")
        assert len(loaded) >= 4 and all(name.startswith(address) for name in loaded)
        first = browser.value("document.getElementById('caption').innerText")
        browser.press("f")
        assert browser.value("document.getElementById('before').src").endswith("after.png")
        browser.press("f", "Enter")  # not yet: nothing is marked
        assert browser.value("document.getElementById('caption').innerText") == first
        browser.press("5", "4", "3")
        assert browser.value(
            "[...document.querySelectorAll('input:checked')].map((one) => one.value)"
        ) == list("543")
        browser.press("Enter")
        browser.until("document.body.innerText.includes('1 of 2 rated')")
        second = browser.value("document.getElementById('caption').innerText")
        assert {first, second} == {"The picture turned orange.", "A cat."}
        # By Tab and arrows alone, as without the script.
        browser.value("document.querySelector('input[name=fluency]').focus()")
        browser.press("ArrowRight", "Tab", " ", "Tab", " ", "Enter")
        browser.until("document.body.innerText.includes('Thank you')")
    result = CliRunner().invoke(
        evaluate_app, ["human", "--results", "--ratings", str(file), "-f", "csv", "--samples", "0"]
    )
    assert result.exit_code == 0, result.output
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(result.stdout))}
    said = {"The picture turned orange.": "good", "A cat.": "bad"}
    marks = [rows[said[first]][column] for column in ("Fluency", "Correctness", "Relevance")]
    assert marks == ["5", "4", "3"]
    assert [rows[said[second]][column] for column in ("Fluency", "Correctness", "Relevance")] == [
        "2",
        "1",
        "1",
    ]


def test_wrong_calls_of_the_command_name_the_cure(tmp_path: Path) -> None:
    def error_of(*arguments: str) -> BaseException | None:
        return CliRunner().invoke(evaluate_app, ["human", *arguments]).exception

    missing = str(tmp_path / "none.sqlite")
    assert "either --serve or --results" in str(error_of())
    assert "both --dataset and --predictions" in str(
        error_of("--serve", "--dataset", "csv:x", "--ratings", missing)
    )
    assert "no such file" in str(error_of("--results", "--ratings", missing))
