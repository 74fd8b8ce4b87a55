"""Annotated pairs for few-shot prompts, drawn from a file."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenance.errors import InputError, NotFoundError, UsageError

_FORMS = (
    "a JSON list with img0, img1 and sents (as image-editing-request files have), or original, edited and "
    "caption; or a CSV with the columns original, edited, caption"
)


def draw_examples(
    file: Path | None, pictures: Path | None, *, count: int, seed: int
) -> list[tuple[Path, Path, str]]:
    """Draw `count` annotated pairs: original, edited, caption; the same ones for the same seed.

    Pictures are looked for in `pictures`, otherwise beside the file. Raises UsageError without a file,
    NotFoundError where it is missing, InputError where it is of no known form or has too few rows.
    """
    if count == 0:
        return []
    if file is None:
        raise UsageError(f"{count} examples are asked for, but no file: set explain.prompt.examples_file")
    rows = [pair for row in _rows(file) for pair in _pairs(row, pictures or file.parent)]
    if len(rows) < count:
        raise InputError(
            f"{str(file)!r} has {len(rows)} annotated pairs, {count} are asked for: it takes {_FORMS}"
        )
    return random.Random(seed).sample(rows, count)  # noqa: S311


def _rows(file: Path) -> list[Any]:
    if not file.is_file():
        raise NotFoundError(f"no file of examples {str(file)!r}: check explain.prompt.examples_file")
    try:
        if file.suffix.lower() == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as lines:
                return list(csv.DictReader(lines))
        rows = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{str(file)!r} cannot be read as examples: {error}; it takes {_FORMS}") from error
    return rows if isinstance(rows, list) else []


def _pairs(row: Any, folder: Path) -> list[tuple[Path, Path, str]]:
    """A row as an annotated pair; rows that lack something are left out."""
    if not isinstance(row, Mapping):
        return []
    original, edited = row.get("original", row.get("img0")), row.get("edited", row.get("img1"))
    captions = row.get("caption", row.get("instruction", row.get("sents")))
    caption = captions[0] if isinstance(captions, list) and captions else captions
    if not all(isinstance(value, str) and value.strip() for value in (original, edited, caption)):
        return []
    return [(folder / str(original), folder / str(edited), str(caption).strip())]
