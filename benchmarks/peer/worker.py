"""Runs one peer and writes its answers: `python -m benchmarks.peer.worker NAME PLAN.json OUT.jsonl`.

Loading a library or model is timed for nobody. The whole process may use as many cores as the plan says.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.peer.protocol import Answer, Peer, PeerMissingError, Plan, Run, read_plan, write_run
from benchmarks.peer.registry import PEERS, Entry

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("plan", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=JSON")
    arguments = parser.parse_args()
    plan = read_plan(arguments.plan)
    options = {name: json.loads(value) for name, _, value in (one.partition("=") for one in arguments.option)}
    keep_to_cores(plan.threads)
    write_run(arguments.out, run_entry(PEERS[arguments.name], plan, **options))


def keep_to_cores(threads: int) -> None:
    """Let this process and its threads use `threads` cores; must come before numpy and torch are loaded."""
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    # Threads that spin while they wait slow a peer down, many times over, wherever a core is not its own.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def run_entry(entry: Entry, plan: Plan, **options: object) -> Run:
    """Load and measure a peer, or say what it lacks here."""
    try:
        return measure(load(entry, threads=plan.threads, **options), plan)
    except ModuleNotFoundError as error:
        return Run(missing=f"not installed: {entry.install} (no module {error.name})")
    except PeerMissingError as error:
        return Run(missing=str(error))


def load(entry: Entry, **options: object) -> Peer:
    """Make the peer, with its libraries and models loaded."""
    module, _, name = entry.target.partition(":")
    peer: Peer = getattr(import_module(f"benchmarks.peer.{module}"), name)(**{**entry.options, **options})
    return peer


def measure(peer: Peer, plan: Plan) -> Run:
    """Ingest all photos, then answer the queries one by one."""
    started, cpu = time.perf_counter(), cpu_seconds()
    peer.ingest([Path(photo) for photo in plan.photos])
    ingest_s, ingest_cpu_s = time.perf_counter() - started, cpu_seconds() - cpu
    if plan.queries:
        # The first of all pays for what is loaded late; users of a running program do not wait for that.
        peer.query(Path(plan.queries[0]))
    answers, cpu = [], cpu_seconds()
    for number, query in enumerate(plan.queries):
        started = time.perf_counter()
        photo, score = peer.query(Path(query))
        answers.append(Answer(number, photo, score, (time.perf_counter() - started) * 1000))
    query_cpu_s = cpu_seconds() - cpu
    return Run(
        note=peer.note, speed_only=peer.speed_only, ingest_s=ingest_s, ingest_cpu_s=ingest_cpu_s,
        query_cpu_s=query_cpu_s, stored_bytes=peer.stored_bytes(), peak_bytes=peak_bytes(),
        answers=tuple(answers),
    )  # fmt: skip


def cpu_seconds() -> float:
    """Processor time used so far by this process and those it has waited for, all cores together."""
    return sum(os.times()[:4])


def peak_bytes() -> int:
    """The most memory this process has held."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Not ru_maxrss: there, a process starts with the peak of the one that started it.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
