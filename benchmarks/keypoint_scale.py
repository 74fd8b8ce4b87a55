"""How the keypoint index grows to 1,000,000 references: memory, time of a look-up, what is still found.

    provenance evaluate make-queries --photos PHOTOS --out OUT --per-photo 3
    python -m benchmarks.keypoint_scale OUT [--sizes 10000 100000 1000000] [--keypoints 150]

The trusted photos of OUT are in the index as they are. The others are simulated: the keypoints of a made-up
reference are drawn from all real ones, stay in their list, have one byte in four of their code exchanged for
another keypoint's, and lie at random places; so lists are as full as they would be, codes are nearer than
real ones, and no geometry is in common. Queries are the edited copies in OUT. `found` is how often the
original is the first by votes, or among the first ten; `alone` is with the trusted photos only. Times are of
one look-up (the query upright).
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.keypoints import ROW, KeypointIndex
from provenance.decode import decode, reduce
from provenance.describe import local_features
from provenance.evaluate.queries import read_queries
from provenance.find import ASKED
from provenance.records import LocalFeatures
from provenance.search.votes import places, vote

AT_ONCE = 20_000
EXCHANGED = 0.25
FIRST_ID = 1_000_000
WORKING_SIDE = 1024


def described(path: Path, count: int) -> tuple[LocalFeatures, tuple[int, int]]:
    """Keypoints and full size of a picture."""
    image = reduce(decode(path), WORKING_SIDE)
    return local_features(image.pixels, limit=count, scale=image.scale), (image.width, image.height)


def made_up(pool: NDArray[np.void], owners: range, count: int, rng: np.random.Generator) -> NDArray[np.void]:
    """Rows of the index for made-up references."""
    rows = pool[rng.integers(len(pool), size=len(owners) * count)].copy()
    other = pool["code"][rng.integers(len(pool), size=len(rows))]
    exchanged = rng.random(other.shape, np.float32) < EXCHANGED
    rows["code"] = np.where(exchanged, other, rows["code"])
    place = rng.integers(2**16, size=len(rows)) << 16
    rows["key"] = np.repeat(np.array(owners, np.int64), count) << 32 | place | (rows["key"] & 0xFFFF)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--keypoints", type=int, default=150, help="of each reference")
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)

    photos = sorted((arguments.bench / "trusted").iterdir())
    index = KeypointIndex()
    for number, path in enumerate(photos):
        features, size = described(path, 2 * arguments.keypoints)
        features = features.strongest(arguments.keypoints)
        index.add(np.array([FIRST_ID * 2 + number]), [features.descriptors], [places(features, size)])
    _, pool = index._rows_of(index.ids())
    pool = pool[pool["list"] >= 0].astype(ROW)
    numbers = {path.resolve(): FIRST_ID * 2 + number for number, path in enumerate(photos)}

    asked = [one for one in read_queries(arguments.bench / "queries.csv") if one.reference is not None]
    random.Random(0).shuffle(asked)
    queries = []
    for one in asked[: arguments.queries]:
        features, size = described(one.path, 1500)
        queries.append((features.strongest(ASKED["upright"]), size, numbers[one.reference.resolve()]))

    def measure(label: str) -> None:
        first = ten = 0
        cpu, wall = [], []
        for features, size, truth in queries:
            start, used = time.perf_counter(), time.process_time()
            votes = vote(index, features, size)
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - used)
            order = sorted(votes, key=lambda owner: -votes[owner].weight)
            first += order[:1] == [truth]
            ten += truth in order[:10]
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{label:>10}  keypoints {index.keypoints:>12,}  {index.keypoints * 24 / 1e6:8,.0f} MB of lists  "
            f"most memory {resident:7,.0f} MB  found {first / len(queries):.3f} / {ten / len(queries):.3f}  "
            f"cpu {np.median(cpu) * 1e3:6.0f} ms  wall {np.median(wall) * 1e3:6.0f} ms "
            f"(95 % {np.quantile(wall, 0.95) * 1e3:.0f})",
            flush=True,
        )

    measure("alone")
    done = 0
    for size in arguments.sizes:
        while done < size - len(photos):
            some = range(done, min(done + AT_ONCE, size - len(photos)))
            index._put(made_up(pool, some, arguments.keypoints, rng))
            done = some.stop
        measure(f"{size:,}")


if __name__ == "__main__":
    main()
