"""Queries with known truth: edited copies of photos, and strangers that no trusted photo is behind.

A set of queries is a folder: trusted/ (the photos to ingest), queries/, and queries.csv with the columns

    query          path, relative to the CSV
    reference      path of the original, relative to the CSV; empty for a stranger
    kind           the edit, of `edits.KINDS`; or what a stranger shares with a trusted photo, of `TRAPS`
    kept_area      share of the original's area that the query shows, 0..1
    short_side_px  short side of what the query shows of the original, query pixels
    also           paths of further originals that it shows, semicolons between them

The same photos, seed and kinds give the same files, byte for byte, with the same Pillow and OpenCV.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from provenance.errors import NotFoundError, UsageError
from provenance.evaluate.edits import FURTHER_SOURCES, KINDS
from provenance.evaluate.edits.levels import save
from provenance.evaluate.edits.picture import TracedPicture
from provenance.evaluate.edits.traps import TRAPS
from provenance.evaluate.photos import load, part
from provenance.records import Pixels

COLUMNS = ("query", "reference", "kind", "kept_area", "short_side_px", "also")
FORMATS = (("JPEG", ".jpg", 0.6), ("WEBP", ".webp", 0.25), ("PNG", ".png", 0.15))
# A collage of four shows three other pictures.
OTHERS = 3
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Query:
    """A picture to check and the truth about it; paths are absolute."""

    path: Path
    reference: Path | None
    kind: str = ""
    kept_area: float = 1.0
    short_side_px: int | None = None
    also: tuple[Path, ...] = ()
    """Further originals that the query shows."""

    @property
    def originals(self) -> tuple[Path, ...]:
        """All originals that it shows, none for a stranger."""
        return (self.reference, *self.also) if self.reference is not None else ()


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
    is set aside for that and never trusted. Strangers are edited like all queries, a photo in several ways
    where more are asked for than there are photos; `branded` trusted photos and as many further strangers
    carry one and the same banner, logo, frame ..., in turn all of TRAPS. Raises NotFoundError without enough
    photos, UsageError for an unknown kind or a folder `out` that already holds queries.
    """
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise UsageError(f"no such kind of edit: {', '.join(unknown)}; known are {', '.join(KINDS)}")
    if (out / "queries.csv").exists():
        raise UsageError(f"{str(out)!r} already holds queries; give another folder, or delete it")
    trusted, strange = part(photos, others, seed)
    kinds = _affordable(kinds, len(trusted))
    # What shows a trusted photo is no stranger.
    strange_kinds = [kind for kind in kinds if kind not in FURTHER_SOURCES]
    if per_photo > len(kinds):
        raise UsageError(f"{per_photo} queries a photo need as many kinds of edit; there are {len(kinds)}")
    if strangers > len(strange) * len(strange_kinds) or (
        branded > min(len(trusted), len(strange) * len(TRAPS))
    ):
        raise NotFoundError(
            f"{strangers} strangers and {branded} branded photos are asked for, but there are only "
            f"{len(strange)} photos for strangers, {len(strange_kinds)} kinds of edit for each, and "
            f"{len(trusted)} trusted photos"
        )
    for folder in (out / "trusted", out / "queries"):
        folder.mkdir(parents=True, exist_ok=True)
    # Evenly spread, so that every part of the photos has some.
    names = tuple(TRAPS)
    traps = {trusted[i * len(trusted) // branded]: names[i % len(names)] for i in range(branded)}
    kept = {path: _keep(path, out / "trusted", traps.get(path), seed) for path in trusted}
    each = -(-strangers // max(1, len(strange)))
    plan = [
        *_deal(trusted, kinds, per_photo, seed),
        *islice(_deal(strange, strange_kinds, each, seed + 1), strangers),
        *_set_traps(strange, strangers, branded),
    ]
    queries = []
    for number, (path, kind) in enumerate(plan):
        queries.append(_make(path, kind, kept, strange, out, seed))
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
    for path in (path for query in queries for path in (query.path, *query.originals)):
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
            also = ";".join(shown(path) for path in query.also)
            area = f"{query.kept_area:.3f}"
            writer.writerow((shown(query.path), shown(query.reference), query.kind, area, side, also))


def choose(queries: Sequence[Query], limit: int, seed: int = 0) -> tuple[Query, ...]:
    """A random part of at most `limit` queries, all kinds about equally often, in their order."""
    order = np.random.default_rng(seed).permutation(len(queries)).tolist()
    chosen = spread(order, limit, lambda number: queries[number].kind)
    return tuple(queries[number] for number in sorted(chosen))


def spread(items: Sequence[_Item], limit: int, kind: Callable[[_Item], str]) -> list[_Item]:
    """At most `limit` items, in their order: the first of each kind, then the second, and so on."""
    seen: dict[str, int] = {}
    turns = []
    for number, item in enumerate(items):
        turns.append((seen.setdefault(kind(item), 0), number))
        seen[kind(item)] += 1
    return [items[number] for number in sorted(number for _, number in sorted(turns)[: max(0, limit)])]


def edit(
    pixels: Pixels, kind: str, rng: np.random.Generator, others: Sequence[Pixels], *, design: int = 0
) -> tuple[TracedPicture, str, bytes]:
    """The edited picture before it is saved, the suffix of its file, and the file: JPEG, WebP or PNG.

    Traps of one `design` share what they draw.
    """
    whole = TracedPicture.whole(pixels)
    picture = _trap(whole, kind, design, rng) if kind in TRAPS else KINDS[kind](whole, rng, others)
    number = int(rng.choice(len(FORMATS), p=[share for _, _, share in FORMATS]))
    name, suffix, _ = FORMATS[number]
    return picture, suffix, save(picture.pixels, name, int(rng.integers(50, 93)))


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


def _affordable(kinds: Sequence[str], trusted: int) -> tuple[str, ...]:
    """The kinds asked for, or all for which there are enough trusted photos; each once."""
    for kind in kinds:
        if FURTHER_SOURCES.get(kind, 0) >= trusted:
            raise NotFoundError(
                f"{kind!r} needs {FURTHER_SOURCES[kind] + 1} trusted photos; there are {trusted}"
            )
    return tuple(dict.fromkeys(kinds)) or tuple(k for k in KINDS if FURTHER_SOURCES.get(k, 0) < trusted)


def _make(
    path: Path, kind: str, kept: Mapping[Path, Path], strange: Sequence[Path], out: Path, seed: int
) -> Query:
    """Make one query's file; `kept` are the trusted photos and what is kept of each."""
    rng = _generator(path, kind, seed)
    reference = kept.get(path)
    also: tuple[Path, ...] = ()
    if kind in FURTHER_SOURCES:
        pool = [other for other in kept.values() if other != reference]
        also = tuple(pool[int(i)] for i in rng.choice(len(pool), FURTHER_SOURCES[kind], replace=False))
        others = [load(other) for other in also]
    else:
        pool = [other for other in strange if other != path]
        others = [load(pool[int(rng.integers(len(pool)))]) for _ in range(OTHERS)] if pool else [load(path)]
    picture, suffix, data = edit(load(reference or path), kind, rng, others, design=seed)
    slug = "-".join(re.findall(r"\w+", kind))
    file = (out / "queries" / f"{path.stem}-{slug}{suffix}").resolve()
    file.write_bytes(data)
    return Query(file, reference, kind, picture.kept_area, picture.short_side_px, also)


def _set_traps(photos: Sequence[Path], start: int, count: int) -> Iterator[tuple[Path, str]]:
    """All traps in turn over the photos from `start` on, no photo twice with the same trap."""
    names = tuple(TRAPS)
    for number in range(count):
        lap, trap = divmod(number, len(names))
        yield photos[(start + lap + trap * max(1, len(photos) // len(names))) % len(photos)], names[trap]


def _trap(picture: TracedPicture, kind: str, design: int, place: np.random.Generator) -> TracedPicture:
    return TRAPS[kind](picture, np.random.default_rng([design, zlib.crc32(kind.encode())]), place)


def _generator(path: Path, kind: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(path.name.encode()), zlib.crc32(kind.encode())])


def _keep(path: Path, folder: Path, trap: str | None, seed: int) -> Path:
    """A hard link to the photo (a copy where links are refused), or the photo with what it shares."""
    target = (folder / path.name).resolve()
    if trap is not None:
        target = target.with_suffix(".png")
    if target.exists():
        raise UsageError(f"two photos are called {path.name!r}; give folders with different names in them")
    if trap is not None:
        picture = _trap(TracedPicture.whole(load(path)), trap, seed, _generator(path, trap, seed))
        target.write_bytes(save(picture.pixels, "PNG", 0))
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
            also=tuple(folder / name for name in (row.get("also") or "").split(";") if name),
        )
    except (ValueError, TypeError) as error:
        raise UsageError(f"{str(file)!r}, line {line}: {error}") from error
