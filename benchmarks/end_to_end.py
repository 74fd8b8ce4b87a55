"""The whole way on a folder of photos: are originals found, strangers left alone, unedited copies called so?

    python -m benchmarks.end_to_end PHOTOS [--trusted 200] [--queries 4]

Every second photo is trusted, the others are strangers. Each trusted photo that is drawn is checked once
unedited (another encoding or size) and some times edited (benchmarks/edits.py). Prints recall, false matches,
false edits, the pictures that went wrong, and times.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.edits import EDITS, edited
from provenance import Provenance, Report

RESAVES = {
    "JPEG 30": lambda image: saved(image, "JPEG", quality=30),
    "JPEG 60 twice": lambda image: saved(
        Image.open(io.BytesIO(saved(image, "JPEG", quality=60))), "JPEG", quality=75
    ),
    "JPEG 85": lambda image: saved(image, "JPEG", quality=85),
    "WebP 70": lambda image: saved(image, "WEBP", quality=70),
    "PNG": lambda image: saved(image, "PNG"),
    "half size": lambda image: saved(resized(image, 0.5), "JPEG", quality=80),
    "0.37 of the size": lambda image: saved(resized(image, 0.37), "WEBP", quality=80),
    "0.8 of the size": lambda image: saved(resized(image, 0.8), "PNG"),
    "1.7 times the size": lambda image: saved(resized(image, 1.7), "JPEG", quality=70),
    "half size, JPEG 40": lambda image: saved(resized(image, 0.5), "JPEG", quality=40),
}


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """The picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def resized(image: Image.Image, factor: float) -> Image.Image:
    """The picture at another size, by one of the filters in use."""
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.BICUBIC)


def found(report: Report, photo: Path) -> bool:
    """Whether the match is the right file."""
    return report.match is not None and Path(report.match.reference.path) == photo.resolve()


def main() -> None:
    """Run the bench and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--trusted", type=int, default=200)
    parser.add_argument("--checked", type=int, default=40, help="trusted photos that queries are made from")
    parser.add_argument("--queries", type=int, default=4, help="edited queries of each")
    parser.add_argument("--strangers", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    photos = sorted(path for path in arguments.photos.rglob("*") if path.suffix in {".jpg", ".webp", ".png"})
    trusted, strangers = photos[::2][: arguments.trusted], photos[1::2][: arguments.strangers]
    rng = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as home, Provenance(home) as library:
        summary = library.ingest(trusted)
        print(f"{summary.added} trusted, {summary.seen / summary.seconds:.1f} images/s")
        Bench(library, rng, strangers).run(trusted, arguments.checked, arguments.queries)


class Bench:
    """Counts what went right and wrong."""

    def __init__(self, library: Provenance, rng: np.random.Generator, strangers: list[Path]) -> None:
        self.library, self.rng, self.strangers = library, rng, strangers
        self.times: dict[str, list[float]] = {"match": [], "no match": []}
        self.missed: Counter[str] = Counter()
        self.false_edits: Counter[str] = Counter()

    def check(self, data: bytes) -> Report:
        """One check, timed."""
        report = self.library.check(data)
        self.times["match" if report.match else "no match"].append(report.timings_ms["total"])
        return report

    def run(self, trusted: list[Path], checked: int, queries: int) -> None:
        """Check everything and print the figures."""
        drawn = [
            trusted[int(i)] for i in self.rng.choice(len(trusted), min(checked, len(trusted)), replace=False)
        ]
        edits, right = 0, 0
        for number, photo in enumerate(drawn):
            image = Image.open(photo).convert("RGB")
            self.resave(photo, image, number)
            for kind in self.rng.choice(list(EDITS), queries, replace=False):
                other: NDArray[np.uint8] = np.asarray(
                    Image.open(self.strangers[number % len(self.strangers)]).convert("RGB")
                )
                pixels = edited(np.asarray(image), str(kind), self.rng, other)
                report = self.check(saved(Image.fromarray(pixels), "PNG"))
                edits, right = edits + 1, right + found(report, photo)
                if not found(report, photo):
                    self.missed[str(kind)] += 1
                    print(f"  missed {photo.name} after {kind}: {report.verdict}", file=sys.stderr)
        false = [path for path in self.strangers if self.check(path.read_bytes()).match]
        print(f"edited: {right} of {edits} originals found; missed {dict(self.missed)}")
        print(f"strangers: {len(false)} of {len(self.strangers)} matched {[path.name for path in false]}")
        false_edits = sum(self.false_edits.values())
        print(f"unedited: {false_edits} of {2 * len(drawn)} called edited {dict(self.false_edits)}")
        for name, times in self.times.items():
            if times:
                print(f"{name}: median {np.median(times):.0f} ms, 95 % {np.percentile(times, 95):.0f} ms")

    def resave(self, photo: Path, image: Image.Image, number: int) -> None:
        """Two unedited copies: neither may get an edit."""
        for offset in (0, len(RESAVES) // 2):
            kind = list(RESAVES)[(number + offset) % len(RESAVES)]
            report = self.check(RESAVES[kind](image))
            if not found(report, photo):
                self.missed[kind] += 1
            if report.verdict not in ("identical", "unmodified"):
                self.false_edits[kind] += 1
                named = [
                    f"{edit.operation} {edit.confidence:.2f} {edit.box}"
                    for edit in (report.explanation.edits if report.explanation else ())
                ]
                print(f"  false edit on {photo.name}, {kind}: {report.verdict} {named}", file=sys.stderr)


if __name__ == "__main__":
    main()
