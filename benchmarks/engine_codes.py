"""What short codes of embeddings cost and find inside inverted lists: bytes, ms, recall against exact.

    python -m benchmarks.engine_codes PHOTOS [--size 100000] [--cache FILE.npz]

References and queries are made up from real descriptors, see benchmarks/simulated.py. `nearest@10` is how
often the exact nearest is among the ten found, `of 10` the share of the exact ten, `score error` how far the
scores of what was found are off (95th percentile): scores go into the confidence. Milliseconds are processor
time of one thread for two queries. This is how the codes of index/faiss_forms were chosen.
"""

from __future__ import annotations

import argparse
import time
from math import isqrt
from pathlib import Path

import faiss
import numpy as np

from benchmarks.simulated import edited_embeddings, made_up_embeddings, real_descriptors

INNER = faiss.METRIC_INNER_PRODUCT
QUERIES = 300


def codes(coarse: faiss.Index, lists: int) -> dict[str, tuple[float, faiss.Index]]:
    """Bytes a vector (ids not counted) and an untrained index, by the name of the code."""
    d, scalar = coarse.d, faiss.ScalarQuantizer
    made = {
        "8 bits a number": (d, faiss.IndexIVFScalarQuantizer(coarse, d, lists, scalar.QT_8bit, INNER, False)),
        "8 bits, residual": (d, faiss.IndexIVFScalarQuantizer(coarse, d, lists, scalar.QT_8bit, INNER, True)),
        "6 bits, residual": (
            d * 0.75,
            faiss.IndexIVFScalarQuantizer(coarse, d, lists, scalar.QT_6bit, INNER, True),
        ),
        "4 bits, residual": (
            d / 2,
            faiss.IndexIVFScalarQuantizer(coarse, d, lists, scalar.QT_4bit, INNER, True),
        ),
        "PQ 64 bytes": (64, faiss.IndexIVFPQ(coarse, d, lists, 64, 8, INNER)),
    }
    if hasattr(faiss, "IndexIVFRaBitQ"):
        for bits in (1, 4):
            index = faiss.IndexIVFRaBitQ(coarse, d, lists, INNER, True, bits)
            made[f"RaBitQ {bits} bits"] = (index.code_size, index)
    return made


def main() -> None:
    """Print a line for each code and number of lists searched."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--probes", type=int, nargs="+", default=[8, 32])
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    real = real_descriptors(options.photos, options.cache)
    references = made_up_embeddings(real, options.size, rng)
    picked = rng.permutation(options.size)[:QUERIES]
    asked = edited_embeddings(references[picked], real, rng)
    _, wanted = faiss.knn(asked, references, 10, INNER)
    lists = 2 * isqrt(options.size)
    sample = references[rng.permutation(options.size)[: 32 * lists]]
    kmeans = faiss.Kmeans(references.shape[1], lists, niter=6, spherical=True, min_points_per_centroid=1)
    kmeans.train(sample)
    coarse = faiss.IndexFlatIP(references.shape[1])
    coarse.add(kmeans.centroids)
    print(f"{options.size:,} references, {lists} lists, {QUERIES} queries")
    print("code              bytes  lists  nearest@1  nearest@10  of 10  score error     ms  add/s")
    faiss.omp_set_num_threads(1)
    for name, (size, index) in codes(coarse, lists).items():
        index.train(sample)
        start = time.process_time()
        index.add(references)
        rate = options.size / (time.process_time() - start)
        for index.nprobe in options.probes:
            scores, found = index.search(asked, 10)
            true = np.einsum("qd,qkd->qk", asked, references[found])
            start = time.process_time()
            for row in range(0, 100, 2):
                index.search(asked[row : row + 2], 10)
            cost = (time.process_time() - start) / 50 * 1000
            same = np.mean([len(set(a) & set(b)) for a, b in zip(found, wanted, strict=True)]) / 10
            print(
                f"{name:16s} {size:6.0f} {index.nprobe:6d} {(found[:, 0] == wanted[:, 0]).mean():10.3f}"
                f" {(found == wanted[:, :1]).any(1).mean():11.3f} {same:6.3f}"
                f" {np.percentile(np.abs(scores - true), 95):12.4f} {cost:6.2f} {rate:6.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
