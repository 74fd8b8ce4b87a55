"""What the driver asks of a worker (a JSON file) and what the worker answers (a file of JSON lines)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol


class Peer(Protocol):
    """A way to find originals, made and loaded before anything is timed: `Class(threads=2, **options)`."""

    note: str
    """What a reader of its row must know; empty where there is nothing."""
    speed_only: bool
    """Its answers mean nothing; only its times do."""

    def ingest(self, photos: Sequence[Path]) -> None:
        """Read, describe and index all trusted photos, decoding included."""

    def query(self, path: Path) -> tuple[int | None, float]:
        """The best photo's place in `photos` (None: no answer) and its score, higher for surer."""

    def stored_bytes(self) -> int:
        """Bytes kept for all photos."""


class PeerMissingError(Exception):
    """This peer cannot run here; the message says what it lacks and how to get it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The same work for every peer; paths are absolute."""

    photos: tuple[str, ...]
    queries: tuple[str, ...]
    threads: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The best answer to one query: the photo's place in the plan, None for none; higher scores are surer."""

    query: int
    photo: int | None
    score: float
    ms: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a worker measured, or why it could not (`missing`); CPU seconds are of all its cores."""

    missing: str = ""
    note: str = ""
    speed_only: bool = False
    ingest_s: float = 0.0
    ingest_cpu_s: float = 0.0
    query_cpu_s: float = 0.0
    stored_bytes: int = 0
    peak_bytes: int = 0
    answers: tuple[Answer, ...] = field(default=(), repr=False)


def write_plan(file: Path, plan: Plan) -> None:
    """Write what every worker of a run reads."""
    file.write_text(json.dumps(asdict(plan)), encoding="utf-8")


def read_plan(file: Path) -> Plan:
    """Read what `write_plan` wrote."""
    data = json.loads(file.read_text(encoding="utf-8"))
    return Plan(tuple(data["photos"]), tuple(data["queries"]), data["threads"])


def write_run(file: Path, run: Run) -> None:
    """Write the run's own figures as the first line, then a line for each answer."""
    head = {name: value for name, value in asdict(run).items() if name != "answers"}
    lines = [head, *(asdict(answer) for answer in run.answers)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def read_run(file: Path) -> Run:
    """Read what `write_run` wrote."""
    head, *answers = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return Run(**head, answers=tuple(Answer(**answer) for answer in answers))
