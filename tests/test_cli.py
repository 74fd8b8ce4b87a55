"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "provenance" / "report" / "report.schema.json").read_text())


def run(*arguments: str | Path, home: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PROVENANCE_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path, stocked_home: Path) -> Path:
    """A copy of the stocked home that a test may spoil."""
    return Path(shutil.copytree(stocked_home, tmp_path / "own"))


def test_version_and_help() -> None:
    assert run("--version", home=ROOT).stdout.startswith("provenance ")
    for command in (
        [],
        ["ingest"],
        ["check"],
        ["explain"],
        ["db"],
        ["hashes"],
        ["evaluate"],
        ["replay"],
        ["serve"],
    ):
        result = run(*command, "--help", home=ROOT)
        assert result.returncode == 0
        assert "Usage" in result.stdout


def test_jsonl_prints_a_valid_report_a_line_in_the_order_of_the_inputs(
    tmp_path: Path, stocked_home: Path, photos: list[Path]
) -> None:
    folder = tmp_path / "queries"
    folder.mkdir()
    for number, photo in enumerate(photos[:3]):
        Image.open(photo).convert("L").save(folder / f"{number}.jpg", quality=85)
    (folder / "3.jpg").write_text("not a picture")
    result = run("check", folder, "--format", "jsonl", home=stocked_home)
    assert (result.returncode, result.stderr) == (0, "")
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    for report in reports:
        jsonschema.validate(report, SCHEMA)
    assert [Path(report["query"]["name"]).name for report in reports] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert [report["verdict"] for report in reports] == ["modified"] * 3 + ["error"]
    assert [Path(report["match"]["path"]).name for report in reports[:3]] == [p.name for p in photos[:3]]


def test_without_an_explanation_only_the_originals_are_found(
    tmp_path: Path, stocked_home: Path, photos: list[Path]
) -> None:
    folder = tmp_path / "queries"
    folder.mkdir()
    for number, photo in enumerate(photos[:2]):
        Image.open(photo).convert("RGB").save(folder / f"{number}.jpg", quality=85)
    page = tmp_path / "page.html"
    result = run("check", folder, "--no-explain", "-f", "jsonl", "--report", page, home=stocked_home)
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    for report, photo in zip(reports, photos[:2], strict=True):
        jsonschema.validate(report, SCHEMA)
        assert Path(report["match"]["path"]).name == photo.name
        assert (report["verdict"], report["explanation"]) == ("modified", None)
        assert "compare" not in report["timings_ms"]
    assert "not compared" in page.read_text()


def test_json_of_one_picture_is_one_report(stocked_home: Path, photos: list[Path]) -> None:
    report = json.loads(run("check", photos[0], "--format", "json", home=stocked_home).stdout)
    jsonschema.validate(report, SCHEMA)
    assert report["verdict"] == "identical"


def test_jsonld_of_several_pictures_is_a_list_of_drafts(
    tmp_path: Path, stocked_home: Path, photos: list[Path]
) -> None:
    Image.new("RGB", (300, 200), "teal").save(tmp_path / "stranger.png")
    result = run("check", photos[0], tmp_path / "stranger.png", "-f", "jsonld", home=stocked_home)
    known, unknown = json.loads(result.stdout)
    assert [one["@type"] for one in known["@graph"]] == ["MediaReview", "ClaimReview"]
    assert known["@graph"][0]["mediaAuthenticityCategory"] == "https://schema.org/OriginalMediaContent"
    assert unknown["@graph"] == []
    assert "nothing to propose" in result.stderr
    assert "no_match" in result.stderr


def test_text_says_the_verdict_in_words_and_writes_the_page(
    tmp_path: Path, stocked_home: Path, photos: list[Path]
) -> None:
    query = tmp_path / "query.jpg"
    Image.open(photos[0]).convert("L").save(query, quality=85)
    page = tmp_path / "new folder" / "report.html"
    result = run("check", query, "--report", page, home=stocked_home)
    assert result.returncode == 0
    assert photos[0].name in result.stdout.replace("\n", "")
    assert "</html>" in page.read_text()


def test_explain_tells_in_another_language_and_leaves_evidence(tmp_path: Path, photos: list[Path]) -> None:
    query = tmp_path / "gray.png"
    Image.open(photos[0]).convert("L").save(query)
    asked = ("explain", photos[0], query, "--language")
    result = run(*asked, "fr", "--evidence", tmp_path / "evidence", home=tmp_path / "none")
    assert (result.returncode, result.stderr) == (0, "")
    assert "L’image a été convertie en noir et blanc" in result.stdout
    assert len(list((tmp_path / "evidence").glob("gray-*.png"))) == 5
    unknown = run(*asked, "tlh", home=tmp_path / "none")
    assert unknown.returncode == 2
    assert "known: en, es, fr" in unknown.stderr


def test_replay_repeats_the_edits_of_a_report(tmp_path: Path, photos: list[Path]) -> None:
    query, file, out = tmp_path / "query.png", tmp_path / "report.json", tmp_path / "out.png"
    Image.open(photos[0]).convert("L").crop((20, 30, 260, 220)).save(query)
    none = tmp_path / "none"
    file.write_text(run("explain", photos[0], query, "-f", "json", home=none).stdout)
    result = run("replay", file, photos[0], "-o", out, "--fill-from", query, home=none)
    assert (result.returncode, result.stderr) == (0, "")
    assert "repeated: grayscale, crop" in result.stdout
    assert "agrees with the checked picture" in result.stdout
    assert Image.open(out).size == (240, 190)
    for arguments, code, words in (
        ((file, photos[0], "-o", tmp_path / "out.xyz"), 2, "end its name in"),
        ((file, photos[0], "-o", query, "--fill-from", query), 2, "one of the files given"),
        ((query, photos[0], "-o", out), 65, "no report"),
        ((tmp_path / "gone.json", photos[0], "-o", out), 66, "gone.json"),
    ):
        failed = run("replay", *arguments, home=none)
        assert failed.returncode == code
        assert words in failed.stderr


def test_explain_prints_a_report(tmp_path: Path, photos: list[Path]) -> None:
    query = tmp_path / "query.jpg"
    Image.open(photos[0]).convert("L").save(query, quality=85)
    result = run("explain", photos[0], query, "--format", "json", home=tmp_path / "none")
    report = json.loads(result.stdout)
    jsonschema.validate(report, SCHEMA)
    assert [edit["operation"] for edit in report["explanation"]["edits"]] == ["grayscale"]


def test_only_when_no_input_could_be_read_the_call_fails(tmp_path: Path, stocked_home: Path) -> None:
    result = run("check", tmp_path / "nowhere.jpg", "--format", "json", home=stocked_home)
    assert json.loads(result.stdout)["verdict"] == "error"
    assert result.returncode == 65


def test_a_reader_that_has_seen_enough_is_no_error(stocked_home: Path, photos: list[Path]) -> None:
    command = [sys.executable, "-m", "cli", "--home", str(stocked_home), "check", *map(str, photos)]
    check = subprocess.Popen(
        [*command, "--format", "jsonl"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert check.stdout is not None
    assert check.stderr is not None
    assert json.loads(check.stdout.readline())["verdict"] == "identical"
    check.stdout.close()
    errors = check.stderr.read()
    assert (check.wait(60), errors) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
def test_an_interrupted_ingest_says_what_to_do_and_is_completed_by_the_next(
    tmp_path: Path, sample: Path
) -> None:
    home = tmp_path / "home"
    # The signal is set back because a shell starts what it runs in the background without it.
    code = (
        "import signal, sys, cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.argv = ['provenance', '--home', {str(home)!r}, 'ingest', {str(sample / 'photos')!r}]\n"
        "cli.main()"
    )
    ingest = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PROVENANCE_DESCRIBE__BATCH": "2"},
    )  # fmt: skip
    while ingest.poll() is None and references(home) == 0:
        time.sleep(0.05)
    ingest.send_signal(signal.SIGINT)
    _, errors = ingest.communicate(timeout=120)
    assert ingest.returncode == 130
    assert errors.startswith("interrupted: ")
    assert "Traceback" not in errors
    assert references(home) > 0
    assert run("db", "verify", home=home).returncode == 0


def references(home: Path) -> int:
    """How many references the database in `home` holds by now."""
    try:
        with closing(sqlite3.connect(f"file:{home / 'provenance.sqlite'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM reference_images").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_jsonl_of_a_summary_is_one_line(tmp_path: Path, photos: list[Path]) -> None:
    printed = run("ingest", photos[0], "--format", "jsonl", home=tmp_path).stdout
    assert json.loads(printed)["added"] == 1
    assert printed.count("\n") == 1


def test_db_commands(home: Path, photos: list[Path]) -> None:
    assert "at revision" in run("db", "upgrade", home=home).stdout
    assert json.loads(run("db", "stats", "--format", "json", home=home).stdout)["references"] == len(photos)
    assert run("db", "verify", "--files", home=home).returncode == 0
    assert run("db", "withdraw", photos[0], home=home).returncode == 0
    assert json.loads(run("check", photos[0], "--format", "json", home=home).stdout)["verdict"] == "no_match"
    assert run("db", "withdraw", "--restore", photos[0], home=home).returncode == 0
    assert json.loads(run("check", photos[0], "--format", "json", home=home).stdout)["verdict"] == "identical"
    assert run("db", "withdraw", "no-such-thing", home=home).returncode == 66


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "manifest"])
def test_a_damaged_index_is_noticed_and_made_again(
    home: Path, tmp_path: Path, photos: list[Path], damage: str
) -> None:
    folder = home / "index" / "copy"
    data = next(path for path in folder.iterdir() if path.name != "manifest.json")
    if damage == "missing":
        shutil.rmtree(home / "index")
    elif damage == "truncated":
        data.write_bytes(data.read_bytes()[:100])
    elif damage == "flipped":
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 0xFF
        data.write_bytes(content)
    else:
        (folder / "manifest.json").write_text("{")
    assert run("db", "verify", home=home).returncode == 74
    query = tmp_path / "query.jpg"
    Image.open(photos[4]).convert("L").save(query, quality=85)
    report = json.loads(run("check", query, "--format", "json", home=home).stdout)
    assert Path(report["match"]["path"]).name == photos[4].name
    assert run("db", "verify", home=home).returncode == 0


def test_a_database_of_a_newer_version_is_refused_with_the_cure(home: Path, photos: list[Path]) -> None:
    with sqlite3.connect(home / "provenance.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    result = run("check", photos[0], home=home)
    assert result.returncode == 70
    assert "newer" in result.stderr
    assert "upgrade" in result.stderr.lower()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, photos: list[Path]) -> None:
    (tmp_path / "provenance.sqlite").write_bytes(b"this is not a database" * 100)
    result = run("check", photos[0], home=tmp_path)
    assert result.returncode == 74
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_is_named(tmp_path: Path, photos: list[Path]) -> None:
    (tmp_path / "provenance.toml").write_text("[search]\ntop_q = 1\n")
    result = run("check", photos[0], home=tmp_path)
    assert result.returncode == 78
    assert "search.top_q" in result.stderr


def test_a_copy_model_can_be_named(tmp_path: Path, photos: list[Path]) -> None:
    wrong = run("ingest", photos[0], "--copy-model", "sscd", home=tmp_path / "home")
    assert wrong.returncode == 2
    assert "write builtin, onnx:FILE" in wrong.stderr
    missing = run("ingest", photos[0], "--copy-model", "onnx:nowhere.onnx,side=320", home=tmp_path / "home")
    assert missing.returncode == 69
    assert "nowhere.onnx" in missing.stderr


def test_clip_without_the_extra_names_the_extra(tmp_path: Path, photos: list[Path]) -> None:
    try:
        import open_clip  # noqa: F401
    except ModuleNotFoundError:
        pass
    else:
        pytest.skip("the extra clip is installed")
    result = run("ingest", photos[0], "--clip", "ViT-B-32:laion2b_s34b_b79k", home=tmp_path / "home")
    assert result.returncode == 69
    assert "provenance[clip]" in result.stderr


def test_a_full_disk_keeps_what_was_done_and_names_the_cure(tmp_path: Path, photos: list[Path]) -> None:
    home = tmp_path / "home"
    assert run("ingest", *photos[:2], home=home).returncode == 0
    # A limit on the size of files is the disk that is full: writes past it fail.
    used = (home / "provenance.sqlite").stat().st_size
    code = (
        "import resource, signal, sys, cli\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({used}, {used}))\n"
        f"sys.argv = ['provenance', '--home', {str(home)!r}, 'ingest', *{[str(p) for p in photos]!r}]\n"
        "cli.main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 74, result.stderr
    assert "space" in result.stderr or "full" in result.stderr
    assert run("ingest", *photos, home=home).returncode == 0
    assert run("db", "verify", home=home).returncode == 0


def test_checking_goes_on_while_an_ingest_runs(home: Path, sample: Path, photos: list[Path]) -> None:
    ingest = subprocess.Popen(
        [sys.executable, "-m", "cli", "--home", str(home), "ingest", str(sample / "photos")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, "PROVENANCE_DESCRIBE__BATCH": "2"},
    )  # fmt: skip
    try:
        checked = 0
        while ingest.poll() is None and checked < 3:
            report = json.loads(run("check", photos[checked], "--format", "json", home=home).stdout)
            assert report["verdict"] == "identical"
            checked += 1
        assert checked
    finally:
        _, errors = ingest.communicate(timeout=120)
    assert (ingest.returncode, errors) == (0, b"")
    assert run("db", "verify", home=home).returncode == 0
