"""How the FAISS engine grows: time, disk, memory and recall at 10,000, 100,000, 1,000,000 references.

    python -m benchmarks.engine_scale PHOTOS [--sizes 10000 100000] [--cache FILE.npz] [--queries 400]

The references are made up from the descriptors of the real photos in PHOTOS, the queries are references moved
by what real edits did to real descriptors; see benchmarks/simulated.py. Recall is against the exact answer of
brute force: the nearest reference found first (@1), among ten (@10), and the share of the exact ten found (of
10); `copy` is how often the original of the edited copy is among the ten. Each size runs in processes of its
own, so that memory is that of the index: resident, and of that what no file backs (anonymous). On a machine
that does other work the processor's time for a search (over all threads) says more than the clock's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated import (
    RealDescriptors,
    edited_embeddings,
    edited_hashes,
    made_up_embeddings,
    made_up_hashes,
    real_descriptors,
)
from index.faiss_engine import FaissIndex

ADDED = 1_000
DIMENSION = {"cosine": 512, "hamming": 256}
BLOCK = 20_000


def block(real: RealDescriptors, metric: str, number: int, count: int) -> NDArray[np.generic]:
    """The references of a block, the same in every process."""
    make = made_up_embeddings if metric == "cosine" else made_up_hashes
    return make(real, count, np.random.default_rng(number))


def blocks(real: RealDescriptors, metric: str, size: int):
    """Yield ids and references, block by block."""
    for start in range(0, size, BLOCK):
        count = min(BLOCK, size - start)
        yield np.arange(start, start + count), block(real, metric, start // BLOCK, count)


def queries(real: RealDescriptors, metric: str, size: int, count: int) -> tuple[NDArray, NDArray]:
    """Ids of some references, and an edited copy of each."""
    rng = np.random.default_rng(12345)
    picked = np.sort(rng.permutation(size)[:count])
    edit = edited_embeddings if metric == "cosine" else edited_hashes
    made = []
    for ids, rows in blocks(real, metric, size):
        if len(mine := picked[(picked >= ids[0]) & (picked <= ids[-1])]):
            made.append(edit(rows[mine - ids[0]], real, rng))
    return picked, np.concatenate(made)


def exact(real: RealDescriptors, metric: str, size: int, asked: NDArray) -> tuple[NDArray, NDArray]:
    """The ten nearest by brute force, block by block: scores and ids [q, 10]."""
    scores, ids = np.full((len(asked), 0), 0.0, np.float32), np.full((len(asked), 0), 0)
    for some_ids, rows in blocks(real, metric, size):
        if metric == "cosine":
            best, places = faiss.knn(asked, rows, 10, faiss.METRIC_INNER_PRODUCT)
        else:
            flat = faiss.IndexBinaryFlat(256)
            flat.add(rows)
            bits, places = flat.search(asked, 10)
            best = -bits.astype(np.float32)
        scores, ids = np.hstack([scores, best]), np.hstack([ids, some_ids[places]])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        scores, ids = np.take_along_axis(scores, order, 1), np.take_along_axis(ids, order, 1)
    return scores, ids


def memory() -> tuple[float, float]:
    """Resident and anonymous memory of this process in MB; 0 where the system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    except OSError:
        return 0.0, 0.0
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def cost(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    used = time.process_time()
    return timed(action), time.process_time() - used


def build(real: RealDescriptors, metric: str, size: int, folder: Path) -> dict[str, object]:
    """Make the index in batches and save it; then save sixteen more."""
    index, waits = FaissIndex(DIMENSION[metric], metric), []
    for ids, rows in blocks(real, metric, size):
        for start in range(0, len(ids), ADDED):
            some = slice(start, start + ADDED)
            waits.append(cost(lambda some=some, ids=ids, rows=rows: index.add(ids[some], rows[some])))
    clock, processor = np.array(waits).T
    result: dict[str, object] = {
        "form": index.form,
        "build s": clock.sum(),
        "build cpu s": processor.sum(),
        "longest add s": clock.max(),
        "longest cpu s": processor.max(),
    }
    result["add/s"] = ADDED / np.median(clock[-20:])
    result["save all s"] = timed(lambda: index.save(folder, descriptor="any", generation="0"))
    result["MB on disk"] = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    saves = []
    for batch in range(5):
        more = block(real, metric, 10**6 + batch, 16)
        index.add(np.arange(16) + size + 16 * batch, more)
        saves.append(timed(lambda batch=batch: index.save(folder, descriptor="any", generation=f"1{batch}")))
    result["save 16 ms"] = 1000 * float(np.median(saves))
    result["remove 16 ms"] = 1000 * timed(lambda: index.remove(np.arange(16) * 7))
    index.save(folder, descriptor="any", generation="2")
    return result


def search(real: RealDescriptors, metric: str, size: int, count: int, folder: Path) -> dict[str, object]:
    """Load the index and search it: two forms (a picture and its mirror) of embeddings, eight of hashes."""
    picked, asked = queries(real, metric, size, count)
    _, wanted = exact(real, metric, size, asked)
    forms = 2 if metric == "cosine" else 8
    FaissIndex(8, "hamming").save(folder / "warm", descriptor="any", generation="0")
    before = memory()
    loaded: list[FaissIndex] = []
    load = timed(lambda: loaded.append(FaissIndex.load(folder, descriptor="any")[0]))
    index = loaded[0]
    after_load = memory()
    found, _ = index.search(asked, 10)
    times, used = [], time.process_time()
    for row in range(min(count, 200)):
        some = np.ascontiguousarray(np.roll(asked, -row, axis=0)[:forms])
        times.append(timed(lambda some=some: index.search(some, 10)))
    used = (time.process_time() - used) / len(times)
    after = memory()
    present = ~np.isin(picked, np.arange(16) * 7)
    nearest = wanted[:, :1]
    return {
        "load ms": 1000 * load,
        "MB after load": after_load[0] - before[0],
        "MB resident": after[0] - before[0],
        "MB anonymous": after[1] - before[1],
        "search ms": 1000 * float(np.median(times)),
        "search cpu ms": 1000 * used,
        "p95 ms": 1000 * float(np.percentile(times, 95)),
        "recall@1": float((found[:, 0] == wanted[:, 0])[present].mean()),
        "recall@10": float((found == nearest).any(1)[present].mean()),
        "of 10": float(np.mean([len(set(a) & set(b)) for a, b in zip(found, wanted, strict=True)]) / 10),
        "copy@10": float((found == picked[:, None]).any(1)[present].mean()),
        "copy@10 exact": float((wanted == picked[:, None]).any(1)[present].mean()),
    }


def main() -> None:
    """Run each size and metric in processes of their own, and print a line of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--metrics", nargs="+", default=["cosine", "hamming"])
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--step", choices=["build", "search"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = options.cache or Path(scratch) / "real.npz"
        real = real_descriptors(options.photos, cache)
        if options.step:
            faiss.omp_set_num_threads(2)
            size, metric = options.sizes[0], options.metrics[0]
            if options.step == "build":
                result = build(real, metric, size, options.folder)
            else:
                result = search(real, metric, size, options.queries, options.folder)
            print(json.dumps(result))
            return
        print(f"{len(real.embeddings)} real pictures, {len(real.moves)} real edits; 2 threads")
        for metric in options.metrics:
            for size in options.sizes:
                folder = Path(scratch) / f"{metric}-{size}"
                shown: dict[str, object] = {}
                for step in ("build", "search"):
                    command = [
                        sys.executable, "-m", "benchmarks.engine_scale", str(options.photos), "--step", step,
                        "--cache", str(cache), "--folder", str(folder), "--sizes", str(size),
                        "--metrics", metric, "--queries", str(options.queries),
                    ]  # fmt: skip
                    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                    shown |= json.loads(output.splitlines()[-1])
                print(f"\n{metric} {size:,}")
                for name, value in shown.items():
                    print(f"  {name:14s} {value if isinstance(value, str) else f'{value:,.3f}'}", flush=True)


if __name__ == "__main__":
    main()
