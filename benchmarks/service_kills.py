"""Kill the service and a worker, again and again, amid accepted checks: each must be reported exactly once.

    python -m benchmarks.service_kills sample_db --kills 50 --jobs 2000 [--url postgresql+psycopg://...]

Trusts the first photos of the sample, sends copies of them as jobs, adds and withdraws references meanwhile,
and ends server or worker with kill -9 at random moments. In the end every accepted job must have one report
with the right original, every acknowledged reference must be found, every withdrawn one not.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from provenance import Provenance

TRUSTED = 8
SETTINGS = "[search]\ndeep_k = 0\n[service]\nqueue = 100000\nrequests_per_minute = 0\n"


def start(home: Path, url: str | None, *command: str) -> subprocess.Popen[bytes]:
    """A process of the service."""
    environment = {**os.environ, **({"PROVENANCE_DB__URL": url} if url else {})}
    return subprocess.Popen(
        [sys.executable, "cli.py", "--home", str(home), *command, "--json-log"],
        stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip


def start_server(home: Path, url: str | None) -> tuple[subprocess.Popen[bytes], str]:
    """A server that answers, and its address."""
    process = start(home, url, "serve", "--port", "0")
    assert process.stderr is not None
    for line in process.stderr:
        message = json.loads(line)["message"] if line.startswith(b"{") else ""
        if "running on http" in message:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, message.split("running on ")[1].split(" ")[0]
    raise RuntimeError("the server did not start")


def copies(photos: list[Path], rng: random.Random) -> list[tuple[str, bytes]]:
    """Small edited copies of photos, with the names of their originals."""
    made = []
    for photo in photos:
        image = Image.open(photo).convert("RGB")
        image.thumbnail((400, 400))
        buffer = io.BytesIO()
        image.point(lambda level: level * 0.8).save(buffer, "JPEG", quality=rng.randint(60, 90))
        made.append((photo.name, buffer.getvalue()))
    return made


class Ledger:
    """What the service has acknowledged."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.added: dict[str, int] = {}
        self.withdrawn: set[str] = set()
        self.unsure: set[str] = set()
        """Their withdrawal was asked for, and the answer was lost."""


def send(client: httpx.Client, asked: Ledger, pictures: Any, spare: list[Path], rng: random.Random) -> None:
    """One request; what it acknowledges is written down."""
    if spare and rng.random() < 0.02:
        photo = spare.pop()
        answer = client.post("/v1/references", files={"file": (photo.name, photo.read_bytes())})
        if answer.status_code in (200, 201):
            asked.added[photo.name] = answer.json()["items"][0]["reference"]["id"]
    elif asked.added and rng.random() < 0.01:
        name = rng.choice(sorted(asked.added))
        asked.unsure.add(name)
        if client.delete(f"/v1/references/{asked.added[name]}").status_code == 204:
            asked.withdrawn.add(name)
            asked.unsure.discard(name)
    else:
        name, content = rng.choice(pictures)
        answer = client.post(
            "/v1/check", params={"mode": "job", "explain": False}, files={"file": (name, content)}
        )
        if answer.status_code == 202:
            asked.jobs[answer.json()["id"]] = name


def main() -> None:
    """Run it and print what was lost, which must be nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sample", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--url", help="database URL; SQLite without it")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    photos = sorted((options.sample / "photos").iterdir())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "provenance.toml").write_text(SETTINGS)
        database = {"url": options.url} if options.url else {}
        with Provenance(home, db=database) as library:
            library.ingest(photos[:TRUSTED])
        asked, spare, pictures = Ledger(), photos[TRUSTED:], copies(photos[:TRUSTED], rng)
        kills = 0
        server, address = start_server(home, options.url)
        worker = start(home, options.url, "worker")
        started = time.perf_counter()
        while kills < options.kills or len(asked.jobs) < options.jobs:
            until = time.monotonic() + rng.uniform(0.2, 6)
            quota = len(asked.jobs) + -(-options.jobs // max(options.kills, 1))
            with httpx.Client(base_url=address, timeout=30) as client:
                while time.monotonic() < until or len(asked.jobs) < quota:
                    if len(asked.jobs) >= options.jobs and time.monotonic() >= until:
                        break
                    try:
                        send(client, asked, pictures, spare, rng)
                    except httpx.HTTPError:
                        break
            if kills < options.kills:
                if rng.random() < 0.7:
                    server.kill()
                    server.wait()
                    server, address = start_server(home, options.url)
                else:
                    worker.kill()
                    worker.wait()
                    worker = start(home, options.url, "worker")
                kills += 1
                print(f"{kills} kills, {len(asked.jobs)} jobs accepted", flush=True)
        finish(home, database, asked, started, kills)
        for process in (server, worker):
            process.kill()
            process.wait()


def finish(home: Path, database: dict[str, str], asked: Ledger, started: float, kills: int) -> None:
    """Wait until all is done and count what is not as it was promised."""
    with Provenance(home, db=database, search={"deep_k": 0}) as library:
        checks = library.database.checks
        while (counts := checks.counts()).get("queued") or counts.get("running"):
            print(counts, flush=True)
            time.sleep(5)
        wrong = lost = 0
        for token, name in asked.jobs.items():
            check = checks.get(token)
            lost += check.report is None
            match = (check.report or {}).get("match")
            wrong += match is None or Path(match["path"]).name != name
        repeated = sum(counts.values()) - len(asked.jobs)
        missing = []
        for name in sorted(asked.added.keys() - asked.unsure):
            record = library.database.catalogue.get(asked.added[name])
            found = library.check(Path(record.path), explain=False).verdict == "identical"
            if found == (name in asked.withdrawn):
                missing.append(name)
        print(
            f"{kills} kills, {len(asked.jobs)} accepted jobs in {time.perf_counter() - started:.0f} s: "
            f"{counts}, {lost} without a report, {wrong} with a wrong original, "
            f"{max(0, repeated)} accepted but not acknowledged; {len(asked.added)} references added, "
            f"{len(asked.withdrawn)} withdrawn, {len(missing)} not as acknowledged; "
            f"problems: {library.problems() or 'none'}"
        )


if __name__ == "__main__":
    main()
