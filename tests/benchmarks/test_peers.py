"""The side-by-side run: its arithmetic, what driver and workers write to each other, and two real peers."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from benchmarks.peer.protocol import Answer, Plan, Run, read_plan, read_run, write_plan, write_run
from benchmarks.peer.registry import PEERS, Entry
from benchmarks.peer.table import Row, as_markdown, make_row, write_csv
from benchmarks.peer.worker import run_entry
from benchmarks.peers import make_plan, python_of, run_peer
from provenance.errors import UsageError
from provenance.evaluate.queries import Query, read_queries, write_queries

ROOT = Path(__file__).parents[2]
PHOTOS = sorted((ROOT / "sample_db" / "photos").iterdir())[:6]
# Scores as hashes give them: minus the differing bits.
SURE, LESS, UNSURE, WORST = -2.0, -10.0, -20.0, -40.0


def plan_of(queries: int) -> Plan:
    return Plan(("a.jpg", "b.jpg"), tuple(f"q{number}.jpg" for number in range(queries)), 2)


def run_of(*answers: tuple[int | None, float], **figures: object) -> Run:
    made = tuple(Answer(number, photo, score, 10.0 * number) for number, (photo, score) in enumerate(answers))
    return Run(answers=made, **figures)


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    """Four trusted photos, copies of two of them at half the size, and two strangers; the table's file."""
    trusted, queries = tmp_path / "trusted", tmp_path / "queries"
    trusted.mkdir()
    queries.mkdir()
    for photo in PHOTOS[:4]:
        shutil.copy(photo, trusted)
    rows = []
    for number, photo in enumerate(PHOTOS[2:]):
        path = queries / f"{number}.png"
        ImageOps.scale(Image.open(photo).convert("RGB"), 0.5).save(path)
        rows.append(Query(path, trusted / photo.name if number < 2 else None))
    write_queries(tmp_path / "queries.csv", rows)
    return tmp_path / "queries.csv"


def test_a_hit_must_be_above_the_best_answer_to_a_stranger() -> None:
    run = run_of((0, SURE), (1, UNSURE), (0, LESS))
    row = make_row("peer", run, plan_of(3), [frozenset({0}), frozenset({1}), frozenset()])
    assert row.recall_at_1 == 1.0
    assert row.recall_at_1_at_zero_false == 0.5
    assert row.micro_average_precision == pytest.approx((1 + 2 / 3) / 2)


def test_a_hit_must_be_above_every_wrong_answer() -> None:
    run = run_of((0, SURE), (1, UNSURE), (0, LESS), (None, WORST))
    row = make_row("peer", run, plan_of(4), [frozenset({0}), frozenset({1}), frozenset({1}), frozenset({1})])
    assert row.recall_at_1 == 0.5
    assert row.recall_at_1_at_zero_false == 0.25


def test_a_hit_as_sure_as_a_stranger_does_not_count() -> None:
    row = make_row("peer", run_of((0, LESS), (1, LESS)), plan_of(2), [frozenset({0}), frozenset()])
    assert row.recall_at_1_at_zero_false == 0.0


def test_any_original_of_a_collage_is_right() -> None:
    row = make_row("peer", run_of((1, LESS)), plan_of(1), [frozenset({0, 1})])
    assert row.recall_at_1 == row.recall_at_1_at_zero_false == 1.0


def test_rates_and_sizes_are_per_image() -> None:
    run = run_of(
        (0, 1.0), (0, 1.0), (0, 1.0),
        ingest_s=0.5, ingest_cpu_s=0.8, query_cpu_s=0.3, stored_bytes=64, peak_bytes=5_000_000,
    )  # fmt: skip
    row = make_row("peer", run, plan_of(3), [frozenset({0})] * 3)
    assert (row.ingest_images_per_s, row.ingest_cpu_ms) == (4.0, 400.0)
    assert (row.query_ms_median, row.query_ms_p95) == (10.0, pytest.approx(19.0))
    assert row.query_cpu_ms == pytest.approx(100.0)
    assert (row.bytes_per_image, row.peak_memory_mb) == (32.0, 5.0)


def test_a_run_for_its_times_has_no_recall() -> None:
    row = make_row("peer", run_of((0, 1.0), speed_only=True, ingest_s=1.0), plan_of(1), [frozenset({0})])
    assert row.recall_at_1 is None
    assert row.ingest_images_per_s == 2.0


def test_plan_and_run_survive_their_files(tmp_path: Path) -> None:
    plan, run = plan_of(2), run_of((0, -3.0), (None, 0.0), note="a note", ingest_s=1.5, stored_bytes=16)
    write_plan(tmp_path / "plan.json", plan)
    write_run(tmp_path / "run.jsonl", run)
    assert read_plan(tmp_path / "plan.json") == plan
    assert read_run(tmp_path / "run.jsonl") == run
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 3


def test_the_tables_say_the_same(tmp_path: Path) -> None:
    rows = [Row("one", 0.5, 0.25), Row("two", note="not installed: pip install two | three")]
    write_csv(tmp_path / "peers.csv", rows)
    with (tmp_path / "peers.csv").open(newline="", encoding="utf-8") as stream:
        read = list(csv.DictReader(stream))
    assert [one["peer"] for one in read] == ["one", "two"]
    assert read[0]["recall_at_1"] == "0.5"
    table = as_markdown(rows, "caption").splitlines()
    assert table[0] == "caption"
    assert table[4].startswith("| one | 0.500 | 0.250 | - |")
    assert table[5].endswith(r"| not installed: pip install two \| three |")


def test_the_plan_names_originals_by_content(small_set: Path) -> None:
    queries = read_queries(small_set)
    plan, truth = make_plan(small_set.parent / "trusted", queries, 1)
    assert [Path(photo).name for photo in plan.photos] == [photo.name for photo in PHOTOS[:4]]
    assert truth == [frozenset({2}), frozenset({3}), frozenset(), frozenset()]


def test_an_original_that_is_not_trusted_is_refused(small_set: Path) -> None:
    queries = [Query(read_queries(small_set)[0].path, PHOTOS[5])]
    with pytest.raises(UsageError):
        make_plan(small_set.parent / "trusted", queries, 1)


def test_imagehash_and_orb_really_run(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", "--trusted", str(small_set.parent / "trusted"),
         "--queries", str(small_set), "--out", str(out), "--threads", "1",
         "--peers", "imagehash-dihedral", "orb"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (out / "peers.csv").open(newline="", encoding="utf-8") as stream:
        hashed, voted = csv.DictReader(stream)
    for row in (hashed, voted):
        assert float(row["recall_at_1"]) == float(row["recall_at_1_at_zero_false"]) == 1.0
        assert float(row["ingest_images_per_s"]) > 0
        assert float(row["peak_memory_mb"]) > 10
    assert float(hashed["bytes_per_image"]) == 8
    assert "4 trusted photos; 4 queries, 2 of them strangers" in (out / "peers.md").read_text()


def test_a_missing_package_gives_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pdqhash", None)
    monkeypatch.delitem(sys.modules, "benchmarks.peer.pdq", raising=False)
    run = run_entry(PEERS["pdq"], plan_of(1))
    row = make_row("PDQ", run, plan_of(1), [frozenset({0})])
    assert row.note == "not installed: pip install pdqhash (no module pdqhash)"
    assert row.recall_at_1 is None
    assert "| PDQ | - | - |" in as_markdown([row], "")


def test_a_peer_that_breaks_off_gives_a_row(small_set: Path, tmp_path: Path) -> None:
    plan, _ = make_plan(small_set.parent / "trusted", read_queries(small_set), 1)
    write_plan(tmp_path / "plan.json", Plan(("/nowhere.jpg",), plan.queries, 1))
    run = run_peer("imagehash", sys.executable, tmp_path, {})
    assert run.missing.startswith("failed: FileNotFoundError")


def test_an_interpreter_for_a_family() -> None:
    assert python_of("sscd-distilled", {"sscd": "/other/python"}) == "/other/python"
    assert python_of("orb", {"sscd": "/other/python"}) == sys.executable


@pytest.mark.parametrize("entry", PEERS.values(), ids=list(PEERS))
def test_every_peer_has_its_file(entry: Entry) -> None:
    module, _, name = entry.target.partition(":")
    source = (ROOT / "benchmarks" / "peer" / f"{module}.py").read_text(encoding="utf-8")
    assert f"class {name}" in source
    assert ("provenance" in source.split('"""', 2)[2]) == (module == "ours")
