"""`provenance keys`, `serve` and `worker` on the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenance import Provenance
from provenance.commands.service import keys_app
from provenance.ledger import ANYBODY, NewCheck

ROOT = Path(__file__).parents[2]


def run(home: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(keys_app, [*arguments, "--home", str(home)])
    return result.exit_code, result.stdout, result.stderr


def test_a_key_is_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    code, key, told = run(tmp_path, "create", "Ana", "--role", "curator")
    assert code == 0
    assert re.fullmatch(r"prov_[\w-]{43}\n", key)
    secret = re.findall(r"whsec_\S+", told)
    assert run(tmp_path, "secret", "1")[1].split() == secret
    [listed] = json.loads(run(tmp_path, "list", "-f", "json")[1])
    assert (listed["name"], listed["role"], listed["revoked_at"]) == ("Ana", "curator", None)
    assert key.strip() not in run(tmp_path, "list")[1]
    with Provenance(tmp_path) as library:
        assert library.database.keys.find(key.strip()) is not None
        assert run(tmp_path, "revoke", "1")[0] == 0
        assert library.database.keys.find(key.strip()) is None
        actions = [entry.action for entry in library.database.audit.page(before=None, limit=9)]
    assert actions == ["key.revoke", "key.create"]


@pytest.mark.parametrize(
    "arguments", [["create", ""], ["create", "a\nb"], ["revoke", "9"], ["create", "x", "--role", "god"]]
)
def test_wrong_calls_of_keys_change_nothing(tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path, *arguments)[0] != 0
    assert json.loads(run(tmp_path, "list", "-f", "json")[1]) == []


def test_a_worker_works_beside_and_stops_when_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Provenance(home) as library:
        made, _ = library.database.checks.accept(NewCheck("check", "x.jpg"), b"?", most=9, by=ANYBODY)
        worker = subprocess.Popen(
            [sys.executable, "cli.py", "--home", str(home), "worker", "--json-log"],
            cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while library.database.checks.get(made.token).state != "done" and time.monotonic() < deadline:
                time.sleep(0.1)
            assert library.database.checks.get(made.token).verdict == "error"
        finally:
            worker.send_signal(signal.SIGTERM)
            _, told = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert json.loads(told.splitlines()[0])["message"] == "working on accepted checks"
