"""A process that saves for ever and says what it saved, killed in the middle of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path


def last_reported_when_killed(code: str, folder: Path, wait: float) -> int:
    """The last number that `code`, run on a folder, printed before it was killed after so many seconds."""
    saver = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert saver.stdout
    reported = int(saver.stdout.readline())
    time.sleep(wait)
    saver.send_signal(signal.SIGKILL)
    reported = max([reported, *map(int, saver.stdout.read().split("\n")[:-1])])
    saver.wait()
    return reported
