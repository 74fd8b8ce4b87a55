"""Fit the logistic weights of `provenance/verify/decide.py` to queries with known truth.

    provenance evaluate make-queries --photos PHOTOS --out QUERIES --per-photo 6 --strangers 330 --branded 64
    python -m tools.fit_confidence QUERIES [QUERIES...]

PHOTOS must not be those that retrieval is measured on. Judged are, for every query, its originals and the
wrong references that verification meets: those with the most votes and the nearest by the copy descriptor.
Strangers with a background in common with a trusted photo are left out of the fit: pixel for pixel they are
that photo with its subject replaced. Prints the weights to paste, and what they would have said of the same
queries.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance import Provenance
from provenance.decode import decode, reduce
from provenance.describe import in_forms
from provenance.evaluate.metrics import expected_calibration_error, reliability
from provenance.evaluate.queries import Query, read_queries
from provenance.find import ASKED
from provenance.verify import QueryView, query_gray, small_gray
from provenance.verify.decide import ENOUGH_INLIERS, MIN_INLIERS, Evidence, gather

BY_VOTES, BY_EMBEDDING = 4, 3
LEFT_OUT = frozenset({"shared background"})
PRIOR = 0.02
RESEMBLING = 0.4
"""True pairs count for the whole-picture weights only where the whole pictures resemble each other."""


@dataclass(frozen=True)
class Row:
    """One judged pair: what the weights see of it, and the truth."""

    query: int
    kind: str
    true: bool
    has_original: bool
    keypoints: tuple[float, ...] | None
    picture: tuple[float, ...] | None
    resembling: bool


def judge(home: Path, number: int, query: Query) -> list[Row]:
    """Evidence of a query's originals and of the nearest wrong references."""
    with Provenance(home, threads=1) as provenance:
        return list(_rows(provenance, number, query))


def _rows(provenance: Provenance, number: int, query: Query) -> Iterator[Row]:
    image = reduce(decode(query.path), provenance.settings.describe.side_px)
    size = (image.width, image.height)
    forms = in_forms(provenance.describer.query_keypoints(image), image.width)
    asked = {form: forms[form].strongest(count) for form, count in ASKED.items()}
    votes = provenance.searcher.by_keypoints(asked, size)
    near = provenance.searcher.by_embedding("copy", provenance.describer.embed_query(image)["copy"], 10)
    truth = {provenance.database.find(str(path.resolve())).reference_id for path in query.originals}
    voted = sorted(votes, key=lambda one: -votes[one][0].weight)[:BY_VOTES]
    alike = sorted(near, key=lambda one: -near[one])[:BY_EMBEDDING]
    view = QueryView(forms, query_gray(image.pixels), size)
    for one in dict.fromkeys([*truth, *voted, *alike]):
        record = provenance.database.references([one])[one]
        local = provenance.database.local_features([one], provenance.describer.versions["local"])[one]
        small = small_gray(decode(provenance.database.thumbnail(one)).pixels)
        first = votes[one][1] if one in votes else "upright"
        tried = tuple(dict.fromkeys((first, "upright", "mirrored")))
        evidence = gather(view, local, small, (record.width, record.height), tried)
        yield _row(number, query, one in truth, evidence)


def _row(number: int, query: Query, true: bool, evidence: Evidence) -> Row:
    by_keypoints = evidence.inliers >= MIN_INLIERS
    by_picture = evidence.inliers < ENOUGH_INLIERS and evidence.alike.structure >= 3.0
    return Row(
        number, query.kind, true, query.reference is not None,
        evidence.keypoint_features if by_keypoints else None,
        evidence.picture_features if by_picture else None,
        evidence.alike.detail_correlation > RESEMBLING,
    )  # fmt: skip


def fit(features: Sequence[tuple[float, ...]], true: Sequence[bool]) -> NDArray[np.float64]:
    """Logistic regression with a weak prior (Newton's method); both classes weigh the same."""
    x, y = np.array(features), np.array(true, float)
    weight = np.where(y > 0, 0.5 / max(y.mean(), 1e-6), 0.5 / max(1 - y.mean(), 1e-6))
    w = np.zeros(x.shape[1])
    for _ in range(80):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.eye(len(w)) * PRIOR
        w -= np.linalg.solve(hessian, x.T @ (weight * (p - y)) + PRIOR * w)
    return w.round(2)


def report(rows: Sequence[Row], keypoints: NDArray[np.float64], picture: NDArray[np.float64]) -> None:
    """What the weights say of every query's best candidate."""
    best: dict[int, tuple[float, Row]] = {}
    for row in rows:
        said = max(_said(keypoints, row.keypoints), _said(picture, row.picture))
        if row.query not in best or said > best[row.query][0]:
            best[row.query] = said, row
    confidence = [said for said, _ in best.values()]
    true = [row.true for _, row in best.values()]
    false = [(said, row.kind) for said, row in best.values() if said >= 0.5 and not row.true]
    missed = [(said, row.kind) for said, row in best.values() if row.has_original and said < 0.5]
    print(f"{len(best)} queries, {len(false)} false matches, {len(missed)} originals not found")
    print("false:", [f"{kind} {said:.2f}" for said, kind in sorted(false, reverse=True)])
    print("not found:", [f"{kind} {said:.2f}" for said, kind in sorted(missed)])
    print(f"expected calibration error {expected_calibration_error(reliability(confidence, true)):.4f}")


def _said(weights: NDArray[np.float64], features: tuple[float, ...] | None) -> float:
    return 0.0 if features is None else float(1 / (1 + np.exp(-np.clip(np.dot(weights, features), -40, 40))))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("queries", nargs="+", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for folder in arguments.queries:
        queries = [one for one in read_queries(folder / "queries.csv") if one.kind not in LEFT_OUT]
        with tempfile.TemporaryDirectory() as home:
            with Provenance(home) as provenance:
                provenance.ingest([folder / "trusted"])
            numbers = range(len(rows), len(rows) + len(queries))
            with ProcessPoolExecutor(arguments.processes) as pool:
                for found in pool.map(partial(judge, Path(home)), numbers, queries, chunksize=8):
                    rows += found
    by_keypoints = [row for row in rows if row.keypoints is not None]
    by_picture = [row for row in rows if row.picture is not None and (not row.true or row.resembling)]
    keypoints = fit([row.keypoints or () for row in by_keypoints], [row.true for row in by_keypoints])
    picture = fit([row.picture or () for row in by_picture], [row.true for row in by_picture])
    print("KEYPOINT_WEIGHTS =", tuple(keypoints.tolist()))
    print("PICTURE_WEIGHTS =", tuple(picture.tolist()))
    report(rows, keypoints, picture)


if __name__ == "__main__":
    main()
