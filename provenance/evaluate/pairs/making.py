"""A folder of photos -> a folder of pairs with known edits: references/, queries/ and pairs.json.

The same photos, seed, kinds and cut-outs give the same pairs, with the same Pillow, OpenCV and fonts.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from provenance.decode import decode
from provenance.errors import NotFoundError, UsageError
from provenance.evaluate.pairs.draft import Draft
from provenance.evaluate.pairs.focus import FOCUS
from provenance.evaluate.pairs.kinds import BENIGN, KINDS, make, resize
from provenance.evaluate.pairs.saving import any_format, save
from provenance.evaluate.pairs.stock import Stock
from provenance.evaluate.pairs.truth import STRENGTHS, Pair, Strength, write_pairs
from provenance.evaluate.workers import run_tasks
from provenance.ingest import walk
from provenance.records import Pixels

Part = Literal["all", "development", "test"]
# Long sides from .. to, and how many of the pairs have such: up to what cameras and large screens show.
SIZES = ((300, 480, 0.25), (480, 1024, 0.4), (1024, 2000, 0.23), (2000, 4000, 0.12))
SHARES: dict[Strength, float] = {"barely": 0.25, "visible": 0.5, "gross": 0.25}
RESIZED = 0.2
"""Share of the edited queries that are also shown at another size."""

FINE_QUALITY = 75


@dataclass(frozen=True, slots=True)
class Task:
    """One pair to make."""

    number: int
    photo: Path
    long_side: int
    kind: str
    strength: Strength


def make_pairs(
    photos: Sequence[Path],
    out: Path,
    *,
    count: int | None = None,
    benign: float = 0.25,
    kinds: Sequence[str] = (),
    strengths: Sequence[Strength] = (),
    stamps: Path | None = None,
    part: Part = "all",
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Pair, ...]:
    """Write references, queries and pairs.json to the folder `out`.

    `count` pairs, two a photo without it, of which a share is benign; the others are of all `kinds` and
    `strengths` in turn. `part` takes the photos of one half only: those whose name has a CRC-32 of which the
    remainder by 5 is under 2 are for development, the others for the test. Raises NotFoundError without
    photos, UsageError for an unknown kind or a folder `out` that already holds pairs.
    """
    if unknown := sorted(set(kinds) - set(KINDS) - set(BENIGN)):
        raise UsageError(
            f"no such kind of edit: {', '.join(unknown)}; known are {', '.join([*KINDS, *BENIGN])}"
        )
    if (out / "pairs.json").exists():
        raise UsageError(f"{str(out)!r} already holds pairs; give another folder, or delete it")
    files = [Path(path) for path in walk(list(photos), []) if part == "all" or part_of(Path(path)) == part]
    if not files:
        raise NotFoundError(
            f"{', '.join(str(folder) for folder in photos)}: no pictures for the part {part!r}"
        )
    stock = Stock.gather(files, stamps)
    tasks = plan(files, count or 2 * len(files), benign, kinds, strengths or STRENGTHS, seed)
    for folder in (out / "references", out / "queries"):
        folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number, pair in enumerate(
        run_tasks(partial(make_pair, stock=stock, out=out, seed=seed), tasks, jobs)
    ):
        pairs += [pair] if pair is not None else []
        if progress is not None:
            progress(number + 1, len(tasks))
    write_pairs(out / "pairs.json", pairs)
    return tuple(pairs)


def part_of(photo: Path) -> Part:
    """Which half a photo belongs to, by its name."""
    return "development" if zlib.crc32(photo.name.encode()) % 5 < 2 else "test"


def plan(
    photos: Sequence[Path],
    count: int,
    benign: float,
    kinds: Sequence[str],
    strengths: Sequence[Strength],
    seed: int,
) -> list[Task]:
    """Which photo is edited how, at what size: photos about equally often where they are large enough."""
    rng = np.random.default_rng(seed)
    harmless = round(count * benign)
    edits, harmless_kinds = [k for k in KINDS if not kinds or k in kinds], list(BENIGN)
    if kinds:
        harmless_kinds = [kind for kind in BENIGN if kind in kinds] or harmless_kinds
        harmless = harmless if edits else count
    dealt = [*_deal(edits, count - harmless, rng), *_deal(harmless_kinds, harmless, rng)]
    sides = {path: _long_side(path) for path in photos}
    used = Counter(dict.fromkeys(photos, 0))
    weights = np.array([SHARES[strength] for strength in strengths])
    tasks = []
    for number, kind in enumerate(dealt):
        low, high, _ = SIZES[int(rng.choice(len(SIZES), p=[share for *_, share in SIZES]))]
        wanted = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        enough = [path for path in photos if sides[path] >= wanted] or list(photos)
        least = min(used[path] for path in enough)
        choice = [path for path in enough if used[path] == least]
        photo = choice[int(rng.integers(len(choice)))]
        used[photo] += 1
        strength = strengths[int(rng.choice(len(strengths), p=weights / weights.sum()))]
        tasks.append(Task(number, photo, min(sides[photo], round(wanted)), kind, strength))
    return tasks


def make_pair(task: Task, *, stock: Stock, out: Path, seed: int) -> Pair | None:
    """Make one pair's files; None where the photo allows no such edit."""
    rng = np.random.default_rng([seed, task.number, zlib.crc32(task.photo.name.encode())])
    photo = _at_size(task.photo, task.long_side)
    # Fine grain and edges do not survive strong compression and shrinking: then there is no such edit.
    fine = task.kind in FOCUS
    draft, saving = Draft(photo, photo), any_format(rng, FINE_QUALITY if fine else 30)
    if task.kind in BENIGN:
        draft, saving = BENIGN[task.kind](draft, rng)
    else:
        made = make(task.kind, draft, task.strength, stock.without(task.photo), rng)
        if made is None:
            return None
        draft = made
        if rng.random() < RESIZED and not fine:
            largest = max(draft.size)
            draft = resize(draft, rng, max(0.5, min(1.0, 300 / largest)), max(1.0, min(1.5, 4000 / largest)))
    slug = "-".join(re.findall(r"\w+", f"{task.number:05d} {task.kind}"))
    large = task.long_side > 1600
    first = (("JPEG", int(rng.integers(88, 99))),) if large or rng.random() < 0.6 else (("PNG", 0),)
    data, suffix = save(draft.reference, first, rng)
    reference = (out / "references" / f"{slug}{suffix}").resolve()
    reference.write_bytes(data)
    data, suffix = save(draft.query, saving, rng)
    query = (out / "queries" / f"{slug}{suffix}").resolve()
    query.write_bytes(data)
    edits = draft.finished()
    found = [edit.strength for edit in edits if edit.strength and not edit.optional]
    strength = max(found, key=STRENGTHS.index) if found else None
    return Pair(slug, reference, query, task.kind, strength, edits)


def _deal(kinds: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """All kinds about equally often, in random order."""
    rounds = -(-count // max(1, len(kinds)))
    return [kinds[int(i)] for _ in range(rounds) for i in rng.permutation(len(kinds))][:count]


def _long_side(photo: Path) -> int:
    with Image.open(photo) as picture:
        return max(picture.size)


@lru_cache(maxsize=2)
def _whole(photo: Path) -> Pixels:
    return decode(photo).pixels


def _at_size(photo: Path, long_side: int) -> Pixels:
    """The photo with its long side so large, never larger than it is."""
    pixels = _whole(photo)
    height, width = pixels.shape[:2]
    scale = long_side / max(width, height)
    if scale >= 1:
        return pixels
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
