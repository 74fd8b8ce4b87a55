"""Queries with known truth: edited copies of photos, and strangers that no trusted photo is behind.

A set of queries is a folder: trusted/ (the photos to ingest), queries/, and queries.csv with the columns

    query          path, relative to the CSV
    reference      path of the original, relative to the CSV; empty for a stranger
    kind           the edit, a key of `provenance.evaluate.edits.KINDS`, or "shared banner"
    kept_area      share of the original's area that the query shows, 0..1
    short_side_px  short side of what the query shows of the original, query pixels

The same photos, seed and kinds give the same files, byte for byte, with the same Pillow and OpenCV.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.decode import decode, reduce
from provenance.describe.hashes import perceptual_hash
from provenance.errors import NotFoundError, UsageError
from provenance.evaluate.edits import KINDS
from provenance.evaluate.edits.layers import add_banner
from provenance.evaluate.edits.levels import save
from provenance.evaluate.edits.picture import TracedPicture
from provenance.ingest import walk
from provenance.records import Pixels

COLUMNS = ("query", "reference", "kind", "kept_area", "short_side_px")
# Pictures on the web are seldom larger; photos are reduced to it before they are edited.
LONG_SIDE_PX = 1280
FORMATS = (("JPEG", ".jpg", 0.6), ("WEBP", ".webp", 0.25), ("PNG", ".png", 0.15))
# A collage of four shows three other pictures.
OTHERS = 3
# Copies of one photo differ in at most so many of 256 bits (the practice with PDQ); different ones in 80.
SAME_BITS = 31
HASHED_PX = 256
# A trap for strangers, not a kind of edit to ask for: trusted photos carry the same.
SHARED_BANNER = "shared banner"


@dataclass(frozen=True, slots=True)
class Query:
    """A picture to check and the truth about it; paths are absolute."""

    path: Path
    reference: Path | None
    kind: str = ""
    kept_area: float = 1.0
    short_side_px: int | None = None


def make_queries(
    photos: Path,
    out: Path,
    *,
    others: Path | None = None,
    per_photo: int = 2,
    strangers: int = 0,
    branded: int = 0,
    kinds: Sequence[str] = (),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Query, ...]:
    """Write trusted photos, edited copies of them, strangers and queries.csv to the folder `out`.

    Strangers, and what queries are pasted or framed with, come from `others`; without it, half of `photos`
    is set aside for that and never trusted. Strangers are edited like all queries; `branded` trusted photos
    and as many further strangers carry one and the same news banner and logo. Raises NotFoundError without
    enough photos, UsageError for an unknown kind or a folder `out` that already holds queries.
    """
    kinds = tuple(dict.fromkeys(kinds)) or tuple(KINDS)
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise UsageError(f"no such kind of edit: {', '.join(unknown)}; known are {', '.join(KINDS)}")
    if per_photo > len(kinds):
        raise UsageError(f"{per_photo} queries a photo need as many kinds of edit; there are {len(kinds)}")
    if (out / "queries.csv").exists():
        raise UsageError(f"{str(out)!r} already holds queries; give another folder, or delete it")
    trusted, strange = _part(photos, others, seed)
    if strangers + branded > len(strange) or branded > len(trusted):
        raise NotFoundError(
            f"{strangers} strangers and {branded} branded photos are asked for, but there are only "
            f"{len(strange)} photos for strangers and {len(trusted)} trusted ones"
        )
    for folder in (out / "trusted", out / "queries"):
        folder.mkdir(parents=True, exist_ok=True)
    # Evenly spread, so that every part of the photos has some.
    with_banner = {trusted[number * len(trusted) // branded] for number in range(branded)}
    kept = {path: _keep(path, out / "trusted", branded=path in with_banner) for path in trusted}
    plan = [
        *_deal(trusted, kinds, per_photo, seed),
        *_deal(strange[:strangers], kinds, 1, seed + 1),
        *((path, SHARED_BANNER) for path in strange[strangers : strangers + branded]),
    ]
    queries = []
    for number, (path, kind) in enumerate(plan):
        queries.append(_make(path, kind, kept.get(path), strange, out, seed))
        if progress is not None:
            progress(number + 1, len(plan))
    write_queries(out / "queries.csv", queries)
    return tuple(queries)


def read_queries(file: Path) -> tuple[Query, ...]:
    """Read queries.csv; only the columns query and reference must be there.

    Raises NotFoundError when the file or a picture it names is missing, UsageError when it is no such table.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError as error:
        raise NotFoundError(f"{str(file)!r}: no such file; make it with 'evaluate make-queries'") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{str(file)!r} is no CSV file: {error}") from error
    if not rows or not {"query", "reference"} <= set(rows[0]):
        raise UsageError(f"{str(file)!r} needs the columns query and reference, and at least one query")
    folder = file.resolve().parent
    queries = tuple(_read_row(row, folder, file, line) for line, row in enumerate(rows, start=2))
    for path in (path for query in queries for path in (query.path, query.reference) if path):
        if not path.is_file():
            raise NotFoundError(f"{str(path)!r}: named in {str(file)!r}, but not there")
    return queries


def write_queries(file: Path, queries: Sequence[Query]) -> None:
    """Write queries.csv; paths inside the file's folder are written relative to it."""
    folder = file.resolve().parent

    def shown(path: Path | None) -> str:
        if path is None:
            return ""
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for query in queries:
            side = "" if query.short_side_px is None else query.short_side_px
            writer.writerow(
                (shown(query.path), shown(query.reference), query.kind, f"{query.kept_area:.3f}", side)
            )


def edit(
    pixels: Pixels, kind: str, rng: np.random.Generator, others: Sequence[Pixels]
) -> tuple[TracedPicture, str, bytes]:
    """The edited picture before it is saved, the suffix of its file, and the file: JPEG, WebP or PNG."""
    whole = TracedPicture.whole(pixels)
    picture = _brand(whole) if kind == SHARED_BANNER else KINDS[kind](whole, rng, others)
    number = int(rng.choice(len(FORMATS), p=[share for _, _, share in FORMATS]))
    name, suffix, _ = FORMATS[number]
    return picture, suffix, save(picture.pixels, name, int(rng.integers(50, 93)))


def _part(photos: Path, others: Path | None, seed: int) -> tuple[list[Path], list[Path]]:
    """Trusted photos, and those never trusted in random order; of equal photos only one is taken."""
    found, strange = _pictures(photos), _pictures(others) if others is not None else []
    # A stranger that is trusted under another name would be no stranger.
    distinct = _distinct([*found, *strange])
    rng = np.random.default_rng(seed)
    if others is not None:
        strange = [path for path in strange if path in distinct]
        return [path for path in found if path in distinct], [
            strange[i] for i in rng.permutation(len(strange))
        ]
    found = [path for path in found if path in distinct]
    order = [found[i] for i in rng.permutation(len(found))]
    trusted, strange = sorted(order[: len(order) // 2]), order[len(order) // 2 :]
    if not trusted:
        raise NotFoundError(f"{str(photos)!r} holds {len(found)} pictures: too few to set half of them aside")
    return trusted, strange


def _distinct(paths: Sequence[Path]) -> set[Path]:
    """The photos less those whose perceptual hash is that of one before, but for a few bits."""
    taken: dict[Path, NDArray[np.uint8]] = {}
    for path in paths:
        code = np.unpackbits(perceptual_hash(reduce(decode(path), HASHED_PX).pixels))
        if not taken or (np.stack(list(taken.values())) ^ code).sum(axis=1).min() > SAME_BITS:
            taken[path] = code
    return set(taken)


def _pictures(folder: Path) -> list[Path]:
    found = [Path(path) for path in walk([folder], [])]
    if not found:
        raise NotFoundError(f"{str(folder)!r} holds no pictures")
    return found


def _deal(photos: Sequence[Path], kinds: Sequence[str], each: int, seed: int) -> Iterator[tuple[Path, str]]:
    """Every photo with `each` different kinds, every kind about equally often."""
    rng = np.random.default_rng(seed)
    deck: list[str] = []
    had: dict[Path, set[str]] = {path: set() for path in photos}
    for _ in range(each):
        for path in photos:
            if had[path].issuperset(deck):
                deck = [kinds[int(i)] for i in rng.permutation(len(kinds))] + deck
            kind = next(kind for kind in reversed(deck) if kind not in had[path])
            deck.remove(kind)
            had[path].add(kind)
            yield path, kind


def _make(
    path: Path, kind: str, reference: Path | None, strange: Sequence[Path], out: Path, seed: int
) -> Query:
    """Make one query's file."""
    rng = np.random.default_rng([seed, zlib.crc32(path.name.encode()), zlib.crc32(kind.encode())])
    pool = [other for other in strange if other != path]
    others = [_load(pool[int(rng.integers(len(pool)))]) for _ in range(OTHERS)] if pool else [_load(path)]
    picture, suffix, data = edit(_load(reference or path), kind, rng, others)
    slug = "-".join(re.findall(r"\w+", kind))
    file = (out / "queries" / f"{path.stem}-{slug}{suffix}").resolve()
    file.write_bytes(data)
    return Query(file, reference, kind, picture.kept_area, picture.short_side_px)


@lru_cache(maxsize=64)
def _load(path: Path) -> Pixels:
    return reduce(decode(path), LONG_SIDE_PX).pixels


def _brand(picture: TracedPicture) -> TracedPicture:
    """With the one banner and logo that several pictures share."""
    return add_banner(picture, np.random.default_rng(24))


def _keep(path: Path, folder: Path, *, branded: bool) -> Path:
    """A hard link to the photo (a copy where links are refused), or the photo with the banner."""
    target = (folder / path.name).resolve()
    if branded:
        target = target.with_suffix(".png")
    if target.exists():
        raise UsageError(f"two photos are called {path.name!r}; give folders with different names in them")
    if branded:
        target.write_bytes(save(_brand(TracedPicture.whole(_load(path))).pixels, "PNG", 0))
        return target
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)
    return target


def _read_row(row: dict[str, str], folder: Path, file: Path, line: int) -> Query:
    try:
        return Query(
            path=folder / row["query"],
            reference=folder / row["reference"] if row["reference"] else None,
            kind=row.get("kind") or "",
            kept_area=float(row.get("kept_area") or 1.0),
            short_side_px=int(row["short_side_px"]) if row.get("short_side_px") else None,
        )
    except (ValueError, TypeError) as error:
        raise UsageError(f"{str(file)!r}, line {line}: {error}") from error
