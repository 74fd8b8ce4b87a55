"""An ingest killed at any moment loses nothing: the next run completes it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provenance import Provenance

KILLS = 10


@pytest.fixture
def trusted(tmp_path: Path, sample: Path) -> Path:
    """Thirty photos in a folder of their own."""
    folder = tmp_path / "trusted"
    folder.mkdir()
    for photo in sorted((sample / "photos").iterdir())[:30]:
        shutil.copy(photo, folder)
    return folder


def start_ingest(home: Path, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cli", "--home", str(home), "ingest", str(folder)]
    environment = {**os.environ, "PROVENANCE_DESCRIBE__BATCH": "3"}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
    )


def test_killed_ten_times_and_completed_it_equals_an_uninterrupted_run(tmp_path: Path, trusted: Path) -> None:
    with Provenance(tmp_path / "whole") as whole:
        assert whole.ingest([trusted]).added == 30
        digest = whole.database.digest()
    moments = random.Random(5)
    reported = 0
    for _ in range(KILLS):
        process = start_ingest(tmp_path / "killed", trusted)
        time.sleep(moments.uniform(0.3, 3.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (tmp_path / "killed" / "provenance.sqlite").exists():
            with Provenance(tmp_path / "killed") as library:
                stored = library.database.stats().references
                assert stored >= reported, "a committed reference was lost"
                reported = stored
    with Provenance(tmp_path / "killed") as library:
        library.ingest([trusted])
        assert library.problems() == []
        assert library.database.stats().references == 30
        assert library.database.digest() == digest
