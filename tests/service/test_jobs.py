"""Accepted checks survive whatever stops the service; results arrive, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from provenance import Provenance
from provenance.jobs import Bench, Workers
from provenance.jobs import webhooks as webhooks_module
from provenance.jobs.webhooks import secret_of, sign
from provenance.ledger import ANYBODY, NewCheck
from tests.service.conftest import gray

ROOT = Path(__file__).parents[2]


class Receiver(BaseHTTPRequestHandler):
    """Takes results; refuses the first ones."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))  # type: ignore[attr-defined]
        refused = len(self.server.taken) <= self.server.refusals  # type: ignore[attr-defined]
        self.send_response(503 if refused else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.taken, server.refusals = [], 0  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def until(happened: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := happened():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def test_a_result_is_delivered_signed_and_again_until_it_is_taken(
    client: TestClient, library: Provenance, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_module, "RETRY_S", (0, 0, 0))
    receiver.refusals = 2
    place = f"http://127.0.0.1:{receiver.server_port}/hook"
    job = client.post(
        "/v1/check", params={"mode": "job"}, files={"file": ("x.jpg", b"not a picture")},
        data={"callback": place},
    ).json()["id"]  # fmt: skip
    until(lambda: len(receiver.taken) == 3)
    headers, body = receiver.taken[-1]
    assert headers["webhook-id"] == job
    content = json.loads(body)
    assert (content["type"], content["data"]["id"]) == ("check.done", job)
    assert content["data"]["report"]["verdict"] == "error"
    secret = base64.b64decode(secret_of(library.database, 0).removeprefix("whsec_"))
    signed = f"{job}.{headers['webhook-timestamp']}.".encode() + body
    own = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{own}"
    until(lambda: library.database.deliveries.counts().get("delivered") == 1)


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the Standard Webhooks' own libraries."""
    body = b'{"test": 2432232314}'
    made = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_never_takes_it_is_given_up(
    client: TestClient, library: Provenance, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_module, "RETRY_S", (0,))
    receiver.refusals = 100
    place = f"http://127.0.0.1:{receiver.server_port}/hook"
    client.post("/v1/check", params={"mode": "job"}, files={"file": b"x"}, data={"callback": place})
    until(lambda: library.database.deliveries.counts().get("given_up") == 1)
    assert len(receiver.taken) == 2


def test_a_worker_elsewhere_takes_over_what_a_dead_one_left(library: Provenance, trusted: list[Path]) -> None:
    database = library.database
    made, _ = database.checks.accept(NewCheck("check", "x.jpg"), trusted[0].read_bytes(), most=9, by=ANYBODY)
    until(lambda: database.queue.claim("a worker that dies"))
    workers = Workers(library, Bench(1), lease_s=2.0)
    workers.start()
    try:
        until(lambda: database.checks.get(made.token).state == "done")
    finally:
        workers.stop()
    assert database.checks.get(made.token).attempts >= 2


def test_stopping_puts_back_what_is_not_begun(tmp_path: Path) -> None:
    bench = Bench(1)
    with Provenance(tmp_path) as library:
        workers = Workers(library, bench)
        workers.start()
        with bench.place():
            made, _ = library.database.checks.accept(NewCheck("check", "x.jpg"), b"x", most=9, by=ANYBODY)
            workers.stop(patience_s=0.2)
        assert library.database.checks.get(made.token).state == "queued"


def start_server(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A real `provenance serve`; returns it and its address."""
    process = subprocess.Popen(
        [sys.executable, "cli.py", "--home", str(home), "serve", "--port", "0", "--json-log"],
        cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        message = json.loads(line)["message"] if line.startswith(b"{") else ""
        if "running on http" in message:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, message.split("running on ")[1].split(" ")[0]
    raise AssertionError("the server did not start")


def test_kills_lose_no_accepted_check_and_no_acknowledged_reference(
    tmp_path: Path, photos: list[Path], trusted: list[Path]
) -> None:
    """kill -9 amid jobs, twice: each is reported once, what was added is found, what was withdrawn is not."""
    home = tmp_path / "killed"
    (home).mkdir()
    (home / "provenance.toml").write_text("[search]\ndeep_k = 0\n[service]\nchecks = 2\n")
    with Provenance(home) as library:
        library.ingest(trusted)
    accepted: list[str] = []
    added: dict[str, int] = {}
    for round_ in range(2):
        process, address = start_server(home)
        try:
            with httpx.Client(base_url=address, timeout=60) as client:
                for photo in trusted[:2]:
                    answer = client.post(
                        "/v1/check", params={"mode": "job"}, files={"file": (photo.name, gray(photo))}
                    )
                    accepted.append(answer.json()["id"])
                photo = photos[6 + round_]
                answer = client.post("/v1/references", files={"file": (photo.name, photo.read_bytes())})
                added[photo.name] = answer.json()["items"][0]["reference"]["id"]
                if round_:
                    assert client.delete(f"/v1/references/{added[photos[6].name]}").status_code == 204
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    with Provenance(home) as library:
        checks = library.database.checks
        assert sum(checks.counts().values()) == len(accepted)
        workers = Workers(library, Bench(2), lease_s=1.0)
        workers.start()
        try:
            until(lambda: all(checks.get(token).finished_at for token in accepted), 120)
        finally:
            workers.stop()
        assert {checks.get(token).verdict for token in accepted} == {"modified"}
        assert library.check(photos[7]).verdict == "identical"
        assert library.check(photos[6]).verdict != "identical"
        assert library.problems() == []
