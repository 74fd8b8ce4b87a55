"""A headless Chromium that tests drive: its DevTools protocol over a pipe, without further packages."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest


class Browser:
    """One page. Skips the test where there is no Chromium."""

    def __init__(self, profile: Path, *, width: int = 1200, height: int = 900) -> None:
        names = ("chromium", "chromium-browser", "google-chrome")
        program = next(filter(None, map(shutil.which, names)), None)
        if program is None:
            pytest.skip("no Chromium on this machine")
        asks, self._write = os.pipe()
        self._read, answers = os.pipe()

        def hand_over() -> None:
            for fd, place in ((os.dup(asks), 3), (os.dup(answers), 4)):
                os.dup2(fd, place)

        options = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
        self._process = subprocess.Popen(
            [program, *options.split(), "--remote-debugging-pipe", f"--user-data-dir={profile}",
             f"--window-size={width},{height}"],
            preexec_fn=hand_over, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(asks)
        os.close(answers)
        self._number, self._waiting, self._session = 0, b"", None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser; raises RuntimeError with its answer when it refuses."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer.get("result", {})

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is there."""
        self.call("Page.navigate", url=url)
        self.until(f"location.href.startsWith({url!r}) && document.readyState == 'complete'")

    def value(self, script: str) -> Any:
        """The value of a script."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def until(self, script: str, *, seconds: float = 30) -> None:
        """Wait until a script is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.value(script):
                    return
            except RuntimeError:  # between two pages
                pass
            time.sleep(0.05)
        raise TimeoutError(f"{script} stayed false at {self.value('location.href')}: {self.text()}")

    def press(self, *keys: str) -> None:
        """Type keys, one after the other: letters, digits, "Enter", "Tab", " "."""
        codes = {"Enter": ("\r", 13), "Tab": ("", 9), "ArrowRight": ("", 39)}
        for key in keys:
            text, code = codes.get(key, (key, ord(key.upper()[0])))
            typed = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
            self.call("Input.dispatchKeyEvent", type="keyDown", **typed)
            self.call("Input.dispatchKeyEvent", type="keyUp", **typed)

    def text(self) -> str:
        """What the page says."""
        return str(self.value("document.body.innerText"))

    def screenshot(self, file: Path) -> None:
        """Write what is seen."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            part = os.read(self._read, 1 << 20)
            if not part:
                raise RuntimeError("Chromium ended")
            self._waiting += part
        message, _, self._waiting = self._waiting.partition(b"\0")
        return json.loads(message)  # type: ignore[no-any-return]
