"""Pairs with known edits, as they lie in pairs.json.

    {"schema": "provenance.pairs/1", "pairs": [{
        "id", "reference", "query"     paths, relative to the file
        "kind"                         what was done, of `kinds.KINDS`
        "strength"                     barely | visible | gross: of its strongest edit; null without one
        "operations": [{               what differs, in the words of report.schema.json; [] for a benign pair
            "operation", "box", "reference_box", "parameters", "text_before", "text_after"
            "strength"                 of this edit
            "accepted": [...]          other operations that are as true a name for it
            "optional": true           may be said or not, any number of times: neither hit nor error
            "text_px", "script"        height of the letters in the query, "latin" | "other"
            "words_before", "words_after"   the words that differ, where text_before is a longer line
            "noun"                     what the object is, where that is known
        }]}]}

Files from elsewhere need no more than reference, query and operations; an operation may be a bare word.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from provenance.errors import NotFoundError, UsageError
from provenance.records import Box, Operation

Strength = Literal["barely", "visible", "gross"]
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
OPERATIONS: tuple[str, ...] = get_args(Operation)
SCHEMA = "provenance.pairs/1"


@dataclass(frozen=True, slots=True)
class TrueEdit:
    """One edit that was really made."""

    operation: str
    box: Box | None = None
    """Tight around the pixels that changed, query pixels; None for an edit of the whole picture."""
    reference_box: Box | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    text_before: str | None = None
    text_after: str | None = None
    strength: Strength | None = None
    accepted: tuple[str, ...] = ()
    optional: bool = False
    text_px: int | None = None
    script: str | None = None
    words_before: str | None = None
    words_after: str | None = None
    noun: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures and all that differs between them; paths are absolute."""

    id: str
    reference: Path
    query: Path
    kind: str = ""
    strength: Strength | None = None
    operations: tuple[TrueEdit, ...] = ()

    @property
    def benign(self) -> bool:
        """Whether nothing but encoding or size differs."""
        return not self.operations


def write_pairs(file: Path, pairs: Sequence[Pair]) -> None:
    """Write pairs.json; paths are written relative to its folder."""
    folder = file.resolve().parent
    rows = [
        {
            "id": pair.id,
            "reference": Path(os.path.relpath(pair.reference, folder)).as_posix(),
            "query": Path(os.path.relpath(pair.query, folder)).as_posix(),
            "kind": pair.kind,
            "strength": pair.strength,
            "operations": [_as_row(edit) for edit in pair.operations],
        }
        for pair in pairs
    ]
    file.write_text(json.dumps({"schema": SCHEMA, "pairs": rows}, indent=1, ensure_ascii=False), "utf-8")


def read_pairs(file: Path) -> tuple[Pair, ...]:
    """Read pairs.json.

    Raises NotFoundError when the file or a picture it names is missing, UsageError when it is no such table.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"{str(file)!r}: no such file; make it with 'evaluate make-edits'") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{str(file)!r} is no JSON file: {error}") from error
    rows = content.get("pairs") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{str(file)!r} needs a list of pairs, each with reference, query and operations")
    folder = file.resolve().parent
    pairs = []
    for number, row in enumerate(rows):
        try:
            pairs.append(_read_pair(row, folder, number))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{str(file)!r}, pair {number + 1}: {error!r}") from error
    for path in (path for pair in pairs for path in (pair.reference, pair.query)):
        if not path.is_file():
            raise NotFoundError(f"{str(path)!r}: named in {str(file)!r}, but not there")
    return tuple(pairs)


def _as_row(edit: TrueEdit) -> dict[str, Any]:
    """The fields of report.schema.json always, the others where they say something."""
    always = {"operation", "box", "reference_box", "parameters", "text_before", "text_after", "strength"}
    row = {one.name: getattr(edit, one.name) for one in fields(edit)}
    return {name: value for name, value in row.items() if name in always or value}


def _read_pair(row: Mapping[str, Any], folder: Path, number: int) -> Pair:
    edits = tuple(_read_edit(edit) for edit in row["operations"])
    strengths = [edit.strength for edit in edits if edit.strength]
    strength = row.get("strength") or (max(strengths, key=STRENGTHS.index) if strengths else None)
    return Pair(
        id=str(row.get("id", f"pair {number + 1}")),
        reference=folder / row["reference"],
        query=folder / row["query"],
        kind=str(row.get("kind") or ""),
        strength=_one_of(strength, STRENGTHS),
        operations=edits,
    )


def _read_edit(row: Mapping[str, Any] | str) -> TrueEdit:
    if isinstance(row, str):
        row = {"operation": row}
    known = {one.name for one in fields(TrueEdit)}
    values = {name: value for name, value in row.items() if name in known and value is not None}
    for name in ("box", "reference_box"):
        if name in values:
            x0, y0, x1, y1 = values[name]
            values[name] = (round(x0), round(y0), round(x1), round(y1))
    values["accepted"] = tuple(values.get("accepted", ()))
    for operation in (values["operation"], *values["accepted"]):
        _one_of(operation, OPERATIONS)
    _one_of(values.get("strength"), STRENGTHS)
    return TrueEdit(**values)


def _one_of(value: Any, known: Sequence[str]) -> Any:
    if value is not None and value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return value
