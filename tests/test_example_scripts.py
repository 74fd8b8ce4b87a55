"""The examples do what they say."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenance import Provenance
from provenance.db.catalogue import Filter
from provenance.jobs.webhooks import sign

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_example_of_a_receiver_takes_only_what_is_signed() -> None:
    place = EXAMPLES / "webhook_receiver.py"
    spec: Any = importlib.util.spec_from_file_location("webhook_receiver", place)
    receiver: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(receiver)
    secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"{}", int(time.time())
    headers = {
        "webhook-id": "a",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, "a", now, body),
    }
    assert receiver.is_genuine(secret, headers, body)
    assert not receiver.is_genuine(secret, headers, b"{ }")
    assert not receiver.is_genuine(secret, {**headers, "webhook-timestamp": str(now - 1000)}, body)
    assert not receiver.is_genuine(secret, {}, body)
    done = {"name": "w.jpg", "report": None, "error": "no model"}
    assert "no model" in receiver.sentence(json.loads(json.dumps(done)))


def test_a_backup_made_while_pictures_are_added_holds_all_that_were_acknowledged(
    stocked_home: Path, sample: Path, photos: list[Path], tmp_path: Path
) -> None:
    """The recipe of docs/operations.md: SQLite's online backup, then originals/; restored without index/."""
    home, restored = tmp_path / "running", tmp_path / "restored"
    shutil.copytree(stocked_home, home)
    restored.mkdir()
    new = [photo for photo in sorted((sample / "photos").iterdir()) if photo not in photos][:5]
    added: list[str] = []
    with Provenance(home) as library:

        def add() -> None:
            for photo in new:
                added.append(library.add(photo.read_bytes(), name=photo.name)[0].sha256)

        writer = threading.Thread(target=add)
        writer.start()
        while len(added) < 2:
            time.sleep(0.01)
        acknowledged = list(added)
        with (
            closing(sqlite3.connect(home / "provenance.sqlite")) as source,
            closing(sqlite3.connect(restored / "provenance.sqlite")) as copy,
        ):
            source.backup(copy, pages=16, sleep=0.001)
        writer.join()
    shutil.copytree(home / "originals", restored / "originals")
    with Provenance(restored) as library:
        library.searcher.rebuild()
        assert library.problems() == []
        known = {
            record.sha256 for record in library.database.catalogue.page(Filter(), before=None, limit=100)
        }
        assert set(acknowledged) < known
        assert library.check(new[0], explain=False).verdict == "identical"


def test_the_compose_file_is_complete() -> None:
    content = yaml.safe_load((EXAMPLES / "docker-compose.yml").read_text())
    services = content["services"]
    used = {volume.split(":")[0] for one in services.values() for volume in one["volumes"]}
    assert used == set(content["volumes"])
    assert {name for one in services.values() for name in one.get("depends_on", {})} <= set(services)
    build = services["serve"]["build"]
    assert (EXAMPLES / build["context"] / build["dockerfile"]).is_file()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_systemd_unit_is_valid_and_shut_off(tmp_path: Path) -> None:
    unit = (EXAMPLES / "provenance.service").read_text()
    place = tmp_path / "provenance.service"
    place.write_text(unit.replace("/opt/provenance/bin/provenance", "/bin/true"))
    told = subprocess.run(["systemd-analyze", "verify", place], capture_output=True, text=True)
    assert (told.returncode, str(place) in told.stderr) == (0, False), told.stderr
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", place],
        capture_output=True, text=True,
    )  # fmt: skip
    if "unrecognized option" not in judged.stderr:
        assert judged.returncode == 0, judged.stdout
