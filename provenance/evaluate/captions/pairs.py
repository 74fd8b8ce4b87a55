"""Captions in files: what people said of pairs (references), and what systems said (predictions).

Accepted are JSON and JSON lines: COCO's {"annotations": [{"image_id", "caption"}]} or only the list, Image
Editing Request's [{"uid", "img0", "img1", "sents"}], Spot-the-Diff's [{"img_id", "sentences"}], and {id:
caption or captions}. Rows of one id are one pair. A row may also say its "category" (or "categories").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from provenance.errors import InputError, NotFoundError
from provenance.records import Category

ID_KEYS = ("image_id", "img_id", "uid", "id")
CAPTION_KEYS = ("caption", "captions", "sents", "sentences")
BEFORE_KEYS, AFTER_KEYS = ("before", "img0"), ("after", "img1")
LAYOUTS = (
    "accepted are a list of rows with image_id, img_id, uid or id and caption, captions, sents or sentences, "
    'such a list under "annotations", or an object {id: caption}'
)


@dataclass(frozen=True, slots=True)
class CaptionedPair:
    """A pair of pictures and what people said of the change; the pictures are None where only captions are
    known."""

    id: str
    captions: tuple[str, ...]
    before: Path | None = None
    after: Path | None = None
    categories: tuple[Category, ...] = ()


def read_pairs(file: Path) -> tuple[CaptionedPair, ...]:
    """Read what people said of each pair, in the order of the file; rows of one id are put together.

    Raises NotFoundError without the file, InputError naming the row where ids or captions are missing or one
    id names two pairs of pictures.
    """
    pairs: dict[str, CaptionedPair] = {}
    for number, row in enumerate(read_rows(file), 1):
        pair = _pair(row, f"{file}, row {number}")
        known = pairs.get(pair.id)
        if known is None:
            pairs[pair.id] = pair
        elif (known.before, known.after) != (pair.before, pair.after):
            raise InputError(
                f"{file}: the id {pair.id!r} names two pairs, {_names(known)} and {_names(pair)}; "
                "make ids unique (Image Editing Request's are so only with their prefix, like Reddit_2)"
            )
        else:
            kinds = tuple(dict.fromkeys(known.categories + pair.categories))
            pairs[pair.id] = replace(known, captions=known.captions + pair.captions, categories=kinds)
    if not any(caption.strip() for pair in pairs.values() for caption in pair.captions):
        raise InputError(f"{file}: every caption is empty; give what people said of the pairs")
    return tuple(pairs.values())


def read_predictions(file: Path) -> dict[str, str]:
    """Read one answer a pair, by id; an empty answer is an answer.

    Raises NotFoundError without the file, InputError where an id has two different answers or all are empty.
    """
    answers: dict[str, str] = {}
    for number, row in enumerate(read_rows(file), 1):
        place = f"{file}, row {number}"
        key, captions = _id(row, place), _captions(row, place)
        if len(captions) > 1 or answers.get(key, captions[0]) != captions[0]:
            raise InputError(f"{place}: several answers for {key!r}; keep one a pair, such as the best beam")
        answers[key] = captions[0]
    if not any(answer.strip() for answer in answers.values()):
        raise InputError(f"{file}: every answer is empty; caption the pairs again")
    return answers


def match_answers(
    pairs: Sequence[CaptionedPair], systems: Mapping[str, Mapping[str, str]], *, partial: bool = False
) -> tuple[tuple[CaptionedPair, ...], dict[str, tuple[str, ...]]]:
    """The pairs and, by system, the answer to each; `partial` keeps only the pairs that all systems answered.

    Raises InputError that counts the pairs without an answer, and says so where only the form of the ids
    differs.
    """
    for name, answers in systems.items():
        missing = [pair.id for pair in pairs if pair.id not in answers]
        if len(missing) == len(pairs):
            raise InputError(f"{name}: no id is one of the references'; {_id_hint(pairs, answers)}")
        if missing and not partial:
            raise InputError(
                f"{name}: {_some(missing)} without an answer; caption them too, or measure only the others "
                "with --partial"
            )
    kept = tuple(pair for pair in pairs if all(pair.id in answers for answers in systems.values()))
    if not kept:
        raise InputError("no pair was answered by every system; give predictions of the same pairs")
    return kept, {name: tuple(answers[pair.id] for pair in kept) for name, answers in systems.items()}


def empty_notes(pairs: Sequence[CaptionedPair], systems: Mapping[str, Sequence[str]]) -> list[str]:
    """What a reader must know of captions without a word: they count, as 0."""
    notes = []
    if silent := [pair.id for pair in pairs if not any(map(str.strip, pair.captions))]:
        notes.append(f"the references say nothing of {_some(silent)}: any answer to them counts 0")
    for name, answers in systems.items():
        if silent := [pair.id for pair, said in zip(pairs, answers, strict=True) if not said.strip()]:
            notes.append(f"{name} says nothing of {_some(silent)}, which counts 0")
    return notes


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a JSON or JSON-lines file as objects, in whichever layout."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFoundError(f"{str(file)!r}: no such file; give a JSON file of captions") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text ({error}); save it as UTF-8") from error
    content = _parse(text, file)
    if isinstance(content, dict):
        content = content.get("annotations", content)
    if isinstance(content, dict):
        content = [{"id": key, "captions": value} for key, value in content.items()]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise InputError(f"{file}: no list of captions; {LAYOUTS}")
    if not content:
        raise InputError(f"{file}: holds no captions")
    return content


def _parse(text: str, file: Path) -> Any:
    """JSON, or else JSON lines."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            if len(lines) > 1:
                return [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            pass
        raise InputError(
            f"{file}: not JSON: {error.msg} in line {error.lineno}, column {error.colno}; "
            "was it cut off? write it again"
        ) from error


def _pair(row: Mapping[str, Any], place: str) -> CaptionedPair:
    return CaptionedPair(
        id=_id(row, place),
        captions=_captions(row, place),
        before=_path(row, BEFORE_KEYS),
        after=_path(row, AFTER_KEYS),
        categories=read_categories(row.get("categories", row.get("category")), place),
    )


def read_categories(value: Any, place: str) -> tuple[Category, ...]:
    """One category, several with commas between, or a list of them. Raises InputError for an unknown one."""
    parts = value.split(",") if isinstance(value, str) else value or ()
    kinds = tuple(str(part).strip().lower().replace(" ", "_") for part in parts if str(part).strip())
    for kind in kinds:
        if kind not in get_args(Category):
            raise InputError(f"{place}: no category {kind!r}; known are {', '.join(get_args(Category))}")
    return kinds  # type: ignore[return-value]


def _id(row: Mapping[str, Any], place: str) -> str:
    key = next((row[name] for name in ID_KEYS if row.get(name) is not None), "")
    if isinstance(key, bool | float | list | dict) or not str(key).strip():
        raise InputError(f"{place}: no id; give it one as {', '.join(ID_KEYS[:-1])} or {ID_KEYS[-1]}")
    return str(key).strip()


def _captions(row: Mapping[str, Any], place: str) -> tuple[str, ...]:
    value = next((row[name] for name in CAPTION_KEYS if name in row), None)
    captions = [value] if isinstance(value, str) else value
    if not isinstance(captions, list) or not captions or not all(isinstance(text, str) for text in captions):
        raise InputError(
            f"{place}: no caption; give text, or a list of texts, as {' or '.join(CAPTION_KEYS)}"
        )
    return tuple(captions)


def _path(row: Mapping[str, Any], keys: Iterable[str]) -> Path | None:
    name = next((row[key] for key in keys if isinstance(row.get(key), str)), None)
    return Path(name) if name else None


def _id_hint(pairs: Sequence[CaptionedPair], predictions: Mapping[str, str]) -> str:
    """What may be wrong when no id fits."""
    ours, theirs = pairs[0].id, next(iter(predictions))
    hint = f"they look like {ours!r} there and {theirs!r} here"
    if any(pair.id.rpartition("_")[2] in predictions for pair in pairs):
        return f"{hint}: write the whole id, with its prefix (numbers alone are not unique)"
    return f"{hint}: do both files belong to the same data set and split?"


def _names(pair: CaptionedPair) -> str:
    return " > ".join(file.name if file else "?" for file in (pair.before, pair.after))


def _some(ids: Sequence[str]) -> str:
    """How many, and the first few by name."""
    named = ", ".join(map(repr, ids[:3])) + (", ..." if len(ids) > 3 else "")
    return f"{len(ids)} pair{'s' * (len(ids) != 1)} ({named})"
