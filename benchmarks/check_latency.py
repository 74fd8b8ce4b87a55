"""How long a warm `check` takes with many references: those of a bench, and made-up ones beside them.

    provenance evaluate make-queries --photos PHOTOS --out OUT --per-photo 2 --strangers 100
    python -m benchmarks.check_latency OUT --references 10000 --queries 200

The trusted photos of OUT are ingested; the others are simulated from their descriptors: every made-up
reference has keypoints drawn from all photos, with noise, at random places (so that lists and votes are as
long as they would be, without a geometry in common), the mean of two embeddings with noise, and a random
hash. Prints median and 95th percentile by stage, of matches and of the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from provenance import Provenance
from provenance.decode import decode, reduce, thumbnail
from provenance.evaluate.queries import read_queries
from provenance.evaluate.retrieval import evaluate_retrieval
from provenance.records import Description, LocalFeatures, NewReference

AT_ONCE = 200
NOISE = 25.0
"""Levels of 255: so far apart are keypoints that look alike; those of copies are nearer."""


def simulate(provenance: Provenance, photos: list[Path], count: int, seed: int = 0) -> None:
    """Add `count` made-up references to the database."""
    rng = np.random.default_rng(seed)
    images = [reduce(decode(path), 1024) for path in photos]
    described = provenance.describer.describe(images)
    pool = [np.concatenate([getattr(one.local, name) for one in described])
            for name in ("scales", "angles", "descriptors")]  # fmt: skip
    thumbnails = [thumbnail(image) for image in images]
    for start in range(0, count, AT_ONCE):
        batch = []
        for number in range(start, min(count, start + AT_ONCE)):
            one, other = rng.choice(len(images), 2, replace=False)
            size = (images[one].width, images[one].height)
            drawn = rng.integers(len(pool[0]), size=len(described[one].local) or 1)
            scales, angles, descriptors = (part[drawn] for part in pool)
            noisy = descriptors + rng.normal(0, NOISE, descriptors.shape)
            local = LocalFeatures(
                (rng.random((len(drawn), 2)) * size).astype(np.float32), scales, angles,
                np.clip(noisy, 0, 255).astype(np.uint8),
            )  # fmt: skip
            embeddings = {}
            for name, vector in described[one].embeddings.items():
                mixed = vector + described[other].embeddings[name] + rng.normal(0, 0.02, vector.shape)
                embeddings[name] = (mixed / np.linalg.norm(mixed)).astype(np.float32)
            digest = hashlib.sha256(f"made up {number}".encode()).hexdigest()
            batch.append(
                NewReference(
                    f"/made/up/{number}.jpg",
                    0,
                    replace(images[one], sha256=digest, pixel_sha256=digest),
                    Description(rng.integers(0, 256, 32, dtype=np.uint8), embeddings, local),
                    thumbnails[one],
                )
            )
        provenance.database.add_references(batch, provenance.describer.versions)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--references", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--no-explain", action="store_true")
    arguments = parser.parse_args()
    queries = list(read_queries(arguments.bench / "queries.csv"))
    random.Random(0).shuffle(queries)
    photos = sorted((arguments.bench / "trusted").iterdir())
    with tempfile.TemporaryDirectory() as home, Provenance(home) as provenance:
        provenance.ingest([arguments.bench / "trusted"])
        simulate(provenance, photos, arguments.references - len(photos))
        started = time.perf_counter()
        provenance.searcher.sync()
        seconds = time.perf_counter() - started
        print(f"{len(provenance.database.active_ids())} references, indexed in {seconds:.0f} s")
        for query in queries[:5]:
            provenance.check(query.path)
        result = evaluate_retrieval(
            queries[: arguments.queries],
            lambda path: provenance.check(path, explain=not arguments.no_explain),
        )
        found = result.overall
        print(f"recall@1 {found.recall}, {found.false_matches} false matches of {found.queries}")
        for stage, (median, p95) in result.times.items():
            print(f"{stage:18} median {median:6.0f} ms   95 % {p95:6.0f} ms")
        index = sum(path.stat().st_size for path in (Path(home) / "index").rglob("*") if path.is_file())
        stored = provenance.database.stats().bytes_on_disk or 0
        print(f"indexes {index / 1e6:.0f} MB, database {stored / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
