"""Descriptors compared on queries with known truth: recall, recall above every stranger, precision, time.

    provenance evaluate make-queries --photos PHOTOS --out QUERIES --per-photo 7 --strangers 90
    python -m benchmarks.descriptor_queries QUERIES/queries.csv [MORE.csv ...] [--kinds]
        [--variant NAME=FILE.onnx ...] [--background FOLDER]

A variant is any ONNX file that takes uint8 [n, side, side, 3] (SIDE where the file leaves it open) and gives
one vector a picture; the shipped descriptor is always measured. Printed for each: recall at 1 and at 10,
recall at 1 above the best score of any stranger ("at 0 false"), micro average precision of the best hits with
the strangers among them, and milliseconds a picture on one core without decoding. With a background (photos
that are neither trusted nor strangers) the scores are printed normalised too: less the mean similarity to the
nearest background photos (Douze et al. 2021). `--kinds` adds both recalls at 1 of every kind of edit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from provenance.decode import decode, reduce
from provenance.describe.copy_descriptor import MODEL_FILE, SIDE
from provenance.evaluate.queries import Query, read_queries

Rows: TypeAlias = NDArray[np.float32]

LONG_SIDE_PX = 1280
BACKGROUND_NEAREST = 3
BACKGROUND_WEIGHTS = (0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one descriptor does on all queries; `first` and `sure` are per query with an original."""

    first: NDArray[np.bool_]
    tenth: NDArray[np.bool_]
    sure: NDArray[np.bool_]
    threshold: float
    precision: float


class Model:
    """An ONNX descriptor on one core."""

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        side = self._input.shape[1]
        self.side = side if isinstance(side, int) else SIDE
        self.milliseconds: list[float] = []

    def embed(self, paths: Sequence[Path]) -> Rows:
        """Unit vectors [n, d] of the pictures in files."""
        rows = []
        for path in paths:
            pixels = reduce(decode(path), LONG_SIDE_PX).pixels
            started = time.perf_counter()
            small = Image.fromarray(pixels).resize(
                (self.side, self.side), Image.Resampling.BILINEAR, reducing_gap=2.0
            )
            rows.append(self._session.run(None, {self._input.name: np.asarray(small)[None]})[0][0])
            self.milliseconds.append((time.perf_counter() - started) * 1000)
        vectors = np.stack(rows).astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def measure(scores: Rows, truth: NDArray[np.intp]) -> Figures:
    """Figures from scores [queries, references]; truth is the reference of each query, -1 for a stranger."""
    known = truth >= 0
    own = scores[known, truth[known]]
    rank = (scores[known] > own[:, None]).sum(axis=1)
    threshold = float(scores[~known].max()) if not known.all() else -np.inf
    best = scores.max(axis=1)
    right = np.zeros(len(truth), bool)
    right[known] = rank == 0
    order = np.argsort(-best, kind="stable")
    hits = right[order]
    precision = float((hits * np.cumsum(hits) / np.arange(1, len(hits) + 1)).sum() / known.sum())
    return Figures(rank == 0, rank < 10, (rank == 0) & (best[known] > threshold), threshold, precision)


def commonness(rows: Rows, background: Rows) -> Rows:
    """Mean similarity [n] of each row to its nearest background photos."""
    near = np.sort(rows @ background.T, axis=1)[:, -BACKGROUND_NEAREST:]
    return np.asarray(near.mean(axis=1), np.float32)


def show(name: str, figures: Figures, milliseconds: float | None = None) -> None:
    """Print one line."""
    spent = f"  {milliseconds:5.1f} ms" if milliseconds is not None else ""
    print(
        f"{name:30} R@1 {figures.first.mean():.3f}  R@10 {figures.tenth.mean():.3f}  "
        f"R@1 at 0 false {figures.sure.mean():.3f} (above {figures.threshold:.3f})  "
        f"µAP {figures.precision:.3f}{spent}",
        flush=True,
    )


def show_kinds(queries: Sequence[Query], all_figures: dict[str, Figures]) -> None:
    """Print recall at 1 / at 0 false of every kind, a column for each descriptor."""
    kinds = np.array([query.kind for query in queries if query.reference])
    print(f"\n{'kind':32}" + "".join(f"{name[:18]:>20}" for name in all_figures))
    for kind in dict.fromkeys(kinds):
        of_kind = kinds == kind
        cells = [
            f"{f.first[of_kind].mean():.2f} / {f.sure[of_kind].mean():.2f}" for f in all_figures.values()
        ]
        print(f"{kind:32}" + "".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("queries", type=Path, nargs="+", help="queries.csv of one or more sets")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--background", type=Path, help="photos for score normalisation")
    parser.add_argument("--kinds", action="store_true", help="figures of every kind of edit")
    arguments = parser.parse_args()
    queries = [query for file in arguments.queries for query in read_queries(file)]
    # Sets made from the same photos with several seeds share their references by name.
    trusted = {path.name: path for query in queries if query.reference for path in [query.reference]}
    trusted |= {
        path.name: path for file in arguments.queries for path in sorted((file.parent / "trusted").iterdir())
    }
    number = {name: row for row, name in enumerate(trusted)}
    truth = np.array([number[query.reference.name] if query.reference else -1 for query in queries])
    print(f"{len(trusted)} trusted, {(truth >= 0).sum()} queries, {(truth < 0).sum()} strangers")
    background = sorted(arguments.background.iterdir()) if arguments.background else []
    background = [path for path in background if path.suffix in {".jpg", ".png", ".webp"}]
    models = {"shipped": MODEL_FILE}
    models |= {
        name: Path(file) for name, _, file in (variant.partition("=") for variant in arguments.variant)
    }
    all_figures = {}
    for name, file in models.items():
        model = Model(file)
        rows, references = model.embed([query.path for query in queries]), model.embed([*trusted.values()])
        scores = rows @ references.T
        all_figures[name] = measure(scores, truth)
        show(name, all_figures[name], float(np.median(model.milliseconds)))
        if background:
            common = commonness(rows, model.embed(background))
            for weight in BACKGROUND_WEIGHTS:
                normalised = measure(scores - weight * common[:, None], truth)
                show(f"  less {weight} of background", normalised)
    if arguments.kinds:
        show_kinds(queries, all_figures)


if __name__ == "__main__":
    main()
