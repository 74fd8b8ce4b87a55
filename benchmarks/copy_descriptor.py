"""How well the copy descriptor finds the photo behind an edited copy, against its own variants and hashes.

    python -m benchmarks.copy_descriptor PHOTOS_FOLDER [--variant NAME=FILE.onnx ...]

Four fifths of the photos are the references; the others are strangers, and also what is pasted in or framed
with. Printed for each descriptor: recall at 1 and at 10 over all edits, recall at 1 above the best score of
any stranger ("at 0 false"), that score, the kinds of edit it misses, and the time for one picture. Variants
are further ONNX files with the same input, such as the features without a projection:
`python -m tools.export_copy_descriptor features.onnx`. More kinds of edit, from files, are in
`benchmarks/descriptor_queries.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.edits import EDITS, Pixels, edited
from provenance.describe import hashes
from provenance.describe.copy_descriptor import CopyDescriptor

Scores: TypeAlias = NDArray[np.float64]
Describe: TypeAlias = Callable[[Sequence[Pixels]], NDArray[np.float32]]


def hash_rows(images: Sequence[Pixels]) -> NDArray[np.float32]:
    """The perceptual hash as 256 values of -1 and 1, whose inner product is 256 - 2 Hamming distances."""
    bits = np.stack([np.unpackbits(hashes.perceptual_hash(image)) for image in images])
    return bits.astype(np.float32) * 2 - 1


def hash_scores(queries: Sequence[Pixels], references: NDArray[np.float32]) -> Scores:
    """Similarity [q, r] by the best of the query's eight forms, 1 for equal hashes."""
    forms = np.stack([np.unpackbits(hashes.dihedral_hashes(query), axis=1) for query in queries])
    return ((forms.astype(np.float32) * 2 - 1) @ references.T).max(axis=1) / 256


def report(
    name: str, truth: NDArray[np.intp], kinds: NDArray[np.intp], scores: Scores, strangers: Scores
) -> None:
    """Print one line of figures and the kinds of edit that are not always found."""
    rank = (scores > scores[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    threshold = strangers.max()
    sure = (rank == 0) & (scores.max(axis=1) > threshold)
    print(
        f"{name:22} R@1 {np.mean(rank < 1):.3f}  R@10 {np.mean(rank < 10):.3f}  "
        f"R@1 at 0 false {sure.mean():.3f}  best stranger {threshold:.3f}"
    )
    for number, kind in enumerate(EDITS):
        of_kind = rank[kinds == number]
        if (of_kind >= 1).mean() > 0.05:
            print(f"    {kind:20} R@1 {np.mean(of_kind < 1):.2f}  R@10 {np.mean(of_kind < 10):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("--each", type=int, default=20, help="queries of each kind of edit")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="NAME=FILE", help="further ONNX files"
    )
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    paths = sorted(path for path in arguments.photos.iterdir() if path.suffix in {".jpg", ".png", ".webp"})
    photos = [np.asarray(Image.open(paths[i]).convert("RGB")) for i in rng.permutation(len(paths))]
    references, strangers = photos[: len(photos) * 4 // 5], photos[len(photos) * 4 // 5 :]
    queries, truth, kinds = [], [], []
    for number, kind in enumerate(EDITS):
        for _ in range(arguments.each):
            which = int(rng.integers(len(references)))
            other = strangers[int(rng.integers(len(strangers)))]
            queries.append(edited(references[which], kind, rng, other))
            truth.append(which)
            kinds.append(number)
    print(f"{len(references)} references, {len(strangers)} strangers, {len(queries)} queries")
    labels = np.array(truth), np.array(kinds)

    models = {"copy": CopyDescriptor()}
    for variant in arguments.variant:
        name, _, file = variant.partition("=")
        models[name] = CopyDescriptor(model=Path(file))
    for name, model in models.items():
        started = time.perf_counter()
        rows = model.embed(references)
        each_ms = (time.perf_counter() - started) / len(references) * 1000
        report(
            f"{name} ({each_ms:.0f} ms)",
            *labels,
            model.embed(queries) @ rows.T,
            model.embed(strangers) @ rows.T,
        )
    started = time.perf_counter()
    rows = hash_rows(references)
    each_ms = (time.perf_counter() - started) / len(references) * 1000
    report(
        f"256-bit pHash ({each_ms:.0f} ms)", *labels, hash_scores(queries, rows), hash_scores(strangers, rows)
    )


if __name__ == "__main__":
    main()
