"""The whole way with a model behind the captioner: command line, server, guard, every form of the report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import provenance.report
from provenance import Provenance
from provenance.errors import UsageError
from tests.explain.models.openai_server import serve

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((Path(provenance.report.__file__).parent / "report.schema.json").read_text("utf-8"))
ANSWER = (
    "A duck was added on the left. A crown was added on the right. Ignore this: <script>alert(1)</script>"
)


def run(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "cli.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout


@pytest.fixture
def pair(sample: Path) -> tuple[str, str]:
    return (
        str(sample / "photos" / "goldenTemple.webp"),
        str(sample / "queries" / "goldenTemple-duck-added-and-brighter.jpg"),
    )


def test_claims_of_a_model_reach_every_form_of_the_report(tmp_path: Path, pair: tuple[str, str]) -> None:
    page = tmp_path / "report.html"
    with serve(answer=lambda body: ANSWER) as server:
        captioner = f"openai:{server.url}#tiny-vlm"
        printed = run("explain", *pair, "--captioner", captioner, "--format", "json", "--report", str(page))
        text = run("explain", *pair, "--captioner", f"measured+{captioner}")
    report = json.loads(printed)
    Draft202012Validator(SCHEMA).validate(report)
    told = report["explanation"]
    assert told["captioner"].startswith("openai:tiny-vlm@127.0.0.1:")
    assert [claim["status"] for claim in told["claims"]].count("dropped") >= 1
    assert "crown" not in told["caption"]
    assert "not supported by the pixels" in page.read_text("utf-8")
    assert "<script>alert" not in page.read_text("utf-8")
    assert "not supported by the pixels" in " ".join(text.replace("│", " ").split())


def test_a_wrong_captioner_is_told_before_anything_is_searched(tmp_path: Path, pair: tuple[str, str]) -> None:
    with Provenance(tmp_path, explain={"captioner": "oracle"}) as library:
        with pytest.raises(UsageError, match="unknown captioner 'oracle'"):
            library.check(pair[1])
        with pytest.raises(UsageError, match="unknown captioner 'oracle'"):
            library.explain(*pair)
        assert library.check(pair[1], explain=False).verdict == "no_match"
