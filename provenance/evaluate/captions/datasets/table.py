"""A plain CSV of one's own: before, after, caption, and if wanted id, category, split; a row a caption."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from provenance.errors import InputError
from provenance.evaluate.captions.datasets import first_of
from provenance.evaluate.captions.pairs import CaptionedPair, read_categories

COLUMNS = ("before", "after", "caption", "id", "category", "split")


def read(path: Path, split: str) -> tuple[CaptionedPair, ...]:
    """Pairs of pairs.csv in a folder, or of a CSV file; paths are relative to it.

    Rows of one pair are put together; its id is the path of the edited picture where no column says it, and
    a row without a split belongs to all. Raises InputError naming the line that lacks something.
    """
    file = path if path.is_file() else first_of(path, "pairs.csv")
    pairs: dict[str, CaptionedPair] = {}
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if not {"before", "after"} <= set(rows.fieldnames or ()):
                raise InputError(
                    f"{file}: needs the columns before and after; known are {', '.join(COLUMNS)}"
                )
            for row in rows:
                pair = _pair(row, file, f"{file}, line {rows.line_num}")
                if (row.get("split") or split) != split:
                    continue
                known = pairs.setdefault(pair.id, replace(pair, captions=()))
                if (known.before, known.after) != (pair.before, pair.after):
                    raise InputError(
                        f"{file}, line {rows.line_num}: the id {pair.id!r} names two pairs; make ids unique"
                    )
                kinds = tuple(dict.fromkeys(known.categories + pair.categories))
                pairs[pair.id] = replace(known, captions=known.captions + pair.captions, categories=kinds)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: not a CSV in UTF-8 ({error}); save it as such") from error
    return tuple(pairs.values())


def _pair(row: dict[str, str | None], file: Path, place: str) -> CaptionedPair:
    before, after = (row.get("before") or "").strip(), (row.get("after") or "").strip()
    if not before or not after:
        raise InputError(f"{place}: no picture before or after; fill in both columns")
    caption = (row.get("caption") or "").strip()
    return CaptionedPair(
        id=(row.get("id") or "").strip() or after,
        captions=(caption,) if caption else (),
        before=file.parent / before,
        after=file.parent / after,
        categories=read_categories(row.get("category"), place),
    )
