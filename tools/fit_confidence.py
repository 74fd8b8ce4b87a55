"""Fit the logistic weights of `provenance/verify/decide.py`, and measure their calibration on other photos.

    python tools/fit_confidence.py PHOTOS... [--test PHOTOS]

Queries are made from the photos by the edits of benchmarks/edits.py. Positives are (query, its photo);
negatives are the other photos most similar to the query by the copy descriptor, the ones that verification
meets, and unrelated photos that share a logo. Prints the weights to paste, and for the test folder the error
rates and the calibration table.
"""

from __future__ import annotations

import argparse
import io
import itertools
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.edits import EDITS, edited  # noqa: E402
from provenance.decode import decode, reduce  # noqa: E402
from provenance.describe import Describer, mirrored  # noqa: E402
from provenance.records import DecodedImage  # noqa: E402
from provenance.verify import QueryView, small_gray  # noqa: E402
from provenance.verify.decide import Evidence, gather, keypoint_confidence, picture_confidence  # noqa: E402

NEGATIVES = 3
WHOLE = frozenset(
    {"jpeg 20", "resize 0.35", "blur", "brighter", "darker", "contrast", "saturated", "greyscale", "mirror"}
    | {"quarter turn", "stretch 1.35", "noise", "text"}
)
"""Edits that keep the whole picture in view: what the whole-picture check is for."""


@dataclass
class Row:
    """One judged pair."""

    name: str
    kind: str
    true: bool
    evidence: Evidence


def collect(photos: list[Path], edits_per_photo: int, seed: int) -> list[Row]:
    """Evidence of true pairs and of the nearest false ones."""
    describer = Describer()
    images = [reduce(decode(path), 1024) for path in photos]
    references = describer.describe(images)
    copies = np.stack([one.embeddings["copy"] for one in references])
    grays = [small_gray(image.pixels) for image in images]
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for number, image in enumerate(images):
        for kind in rng.choice(list(EDITS), edits_per_photo, replace=False):
            other = int(rng.integers(len(images)))
            query = encode(edited(image.pixels, str(kind), rng, images[other].pixels))
            described = describer.describe_query(query)
            view = QueryView(
                described.local, mirrored(described.local, query.width), small_gray(query.pixels),
                (query.width, query.height),
            )  # fmt: skip
            order = np.argsort(-(copies @ described.embeddings["copy"]))
            # The photo that was pasted in, or framed the query, is no wrong answer.
            wrong = [int(i) for i in order if i not in (number, other)][:NEGATIVES]
            for index in [number, *wrong]:
                size = (images[index].width, images[index].height)
                evidence = gather(view, references[index].local, grays[index], size)
                rows.append(
                    Row(
                        f"{photos[number].name} {kind} / {photos[index].name}",
                        str(kind),
                        index == number,
                        evidence,
                    )
                )
            if rng.random() < 0.3:
                rows.append(branded(describer, image, images[wrong[0]], images[other], rng))
    return rows


def branded(
    describer: Describer,
    query: DecodedImage,
    reference: DecodedImage,
    brand: DecodedImage,
    rng: np.random.Generator,
) -> Row:
    """Two unrelated photos that share a logo or a lower third: no match."""
    share = float(rng.uniform(0.15, 0.45))
    sides = []
    for image in (query, reference):
        height, width = image.pixels.shape[:2]
        mark = np.asarray(Image.fromarray(brand.pixels).resize((round(width * share), round(height * 0.2))))
        pixels = image.pixels.copy()
        pixels[-mark.shape[0] :, : mark.shape[1]] = mark
        sides.append(encode(pixels))
    described = [describer.describe_query(side) for side in sides]
    view = QueryView(
        described[0].local, mirrored(described[0].local, sides[0].width), small_gray(sides[0].pixels),
        (sides[0].width, sides[0].height),
    )  # fmt: skip
    size = (sides[1].width, sides[1].height)
    evidence = gather(view, described[1].local, small_gray(sides[1].pixels), size)
    return Row(f"{query.name} and {reference.name} with one logo", "logo", False, evidence)


def encode(pixels: NDArray[np.uint8]) -> DecodedImage:
    """A query as it comes from the web: a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    return reduce(decode(buffer.getvalue()), 1024)


def fit(rows: list[tuple[tuple[float, ...], bool]]) -> tuple[float, ...]:
    """Logistic regression with a weak prior (Newton's method); classes weighted equally."""
    x = np.array([values for values, _ in rows])
    y = np.array([true for _, true in rows], float)
    weight = np.where(y > 0, 0.5 / max(y.mean(), 1e-6), 0.5 / max(1 - y.mean(), 1e-6))
    w = np.zeros(x.shape[1])
    prior = np.full(x.shape[1], 0.02)
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (weight * (p - y)) + prior * w
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(prior)
        w -= np.linalg.solve(hessian, gradient)
    return tuple(round(float(value), 2) for value in w)


def report(rows: list[Row]) -> None:
    """Error rates, the worst kinds, and confidence against truth."""
    scored = [(max(keypoint_confidence(r.evidence), picture_confidence(r.evidence)), r) for r in rows]
    true = [(c, r) for c, r in scored if r.true]
    false = [(c, r) for c, r in scored if not r.true]
    print(f"{len(true)} true pairs: {np.mean([c >= 0.5 for c, _ in true]):.4f} verified at 0.5")
    print(
        f"{len(false)} false pairs: {sum(c >= 0.5 for c, _ in false)} verified; "
        f"highest confidence {max(c for c, _ in false):.3f}"
    )
    for confidence, row in sorted(false, key=lambda one: -one[0])[:5]:
        print(f"  most mistaken {confidence:.3f} {row.name}")
    kinds = sorted({r.kind for _, r in true})
    missed = {k: 1 - np.mean([c >= 0.5 for c, r in true if r.kind == k]) for k in kinds}
    print(
        "missed by kind:",
        {k: round(float(v), 3) for k, v in sorted(missed.items(), key=lambda i: -i[1]) if v},
    )
    bins = [0, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0001]
    error, total = 0.0, len(scored)
    for low, high in itertools.pairwise(bins):
        inside = [(c, r.true) for c, r in scored if low <= c < high]
        if inside:
            said, was = float(np.mean([c for c, _ in inside])), float(np.mean([t for _, t in inside]))
            error += abs(said - was) * len(inside) / total
            print(f"  {low:.2f}-{min(high, 1):.2f}: {len(inside):5d} pairs, said {said:.3f}, true {was:.3f}")
    print(f"expected calibration error {error:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--test", type=Path, nargs="*", default=[])
    parser.add_argument("--edits", type=int, default=6)
    parser.add_argument("--limit", type=int, default=150)
    arguments = parser.parse_args()

    def listed(folders: list[Path]) -> list[Path]:
        found = [
            path
            for folder in folders
            for path in sorted(folder.rglob("*"))
            if path.suffix in {".jpg", ".webp"}
        ]
        return found[:: max(1, math.ceil(len(found) / arguments.limit))]

    rows = collect(listed(arguments.photos), arguments.edits, seed=1)
    keypoints = [(r.evidence.keypoint_features, r.true) for r in rows if r.evidence.geometry is not None]
    pictures = [
        (r.evidence.picture_features, r.true)
        for r in rows
        if r.evidence.alike.structure >= 3 and (r.kind in WHOLE or not r.true)
    ]
    print("KEYPOINT_WEIGHTS =", fit(keypoints))
    print("PICTURE_WEIGHTS =", fit(pictures))
    report(rows)
    if arguments.test:
        print("on the test photos, with the weights of decide.py:")
        report(collect(listed(arguments.test), arguments.edits, seed=2))


if __name__ == "__main__":
    main()
