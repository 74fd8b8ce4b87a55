"""A report's recipe applied to the original: what anyone can do to see whether the report is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.compare.framing import seam_of
from provenance.compare.recipe import FRAMING, REPEATED, outline, repeat, scaled_to
from provenance.compare.replay import psnr_db
from provenance.decode import Limits, decode, read_source
from provenance.errors import InputError, UsageError
from provenance.records import DecodedImage, Edit, Explanation, Match, Operation, Pixels, QueryInfo, Report
from provenance.report import from_dict

_MAX_REPORT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """The original after the edits of a report."""

    pixels: Pixels
    """[h, w, 3] in the query's frame and size."""
    repeated: tuple[Operation, ...]
    left_out: tuple[Operation, ...]
    """Local edits that were not filled from the query, noise, and what surrounds the original."""
    filled: tuple[Operation, ...] = ()
    """Local edits whose places show the query, inside an outline."""
    psnr_db: float | None = None
    """Against the query, outside what was filled; None without a query, infinite where both are equal."""
    notes: tuple[str, ...] = ()


def replay_report(
    report: Report | Mapping[str, Any],
    original: bytes | Path | str,
    *,
    fill_from: bytes | Path | str | None = None,
    limits: Limits | None = None,
) -> Replayed:
    """Apply the framing and whole-picture edits of a report to the original, at full size.

    `report` is a record or the dictionary of its JSON. Local edits are left out, for a report does not hold
    what was pasted; with `fill_from`, the query, their places are copied from it and outlined. Raises
    InputError where the report names no original, was made without an explanation, or makes no sense.
    """
    limits = limits or Limits()
    record = report if isinstance(report, Report) else from_dict(report)
    match, explanation, homography = _parts(record)
    size = _size(record.query, limits)
    reference = decode(original, limits=limits)
    notes = []
    if match.reference.sha256 != reference.sha256:
        notes.append("the original given is not the very file of the report")
    recorded = (match.reference.width, match.reference.height)
    if min(recorded) > 0 and recorded != (reference.width, reference.height):
        homography = scaled_to(homography, recorded, (reference.width, reference.height))
    pixels, overlap = repeat(reference, explanation.edits, homography, size)
    operations = [edit.operation for edit in explanation.edits]
    repeated = tuple(one for one in operations if one in (*REPEATED, *FRAMING) and one != "composite")
    query = None if fill_from is None else decode(fill_from, limits=limits)
    if query is None:
        left_out = tuple(one for one in operations if one not in repeated)
        return Replayed(pixels, repeated, left_out, notes=tuple(notes))
    if (query.width, query.height) != size:
        raise UsageError(
            f"{query.name!r} is {query.width} x {query.height} pixels, the report's query "
            f"{size[0]} x {size[1]}: give the very picture that the report is about"
        )
    places = [(edit, _place(edit, overlap)) for edit in explanation.edits if edit.operation not in repeated]
    psnr = _agreement(pixels, query, overlap, places)
    return _filled(pixels, query, places, repeated, psnr, tuple(notes))


def read_report(file: Path, original: bytes | Path | str, *, limits: Limits | None = None) -> Report:
    """Read a report from a JSON file; of several (an array, or JSON Lines) the one about this original.

    Raises InputError when there is no such report, or more than one.
    """
    data, _ = read_source(file, Limits(max_bytes=_MAX_REPORT_BYTES))
    found = [from_dict(one) for one in _objects(data, file)]
    if len(found) == 1:
        return found[0]
    sha256 = decode(original, limits=limits).sha256
    about = [one for one in found if one.match is not None and one.match.reference.sha256 == sha256]
    if len(about) == 1:
        return about[0]
    raise InputError(
        f"{str(file)!r} holds {len(found)} reports, {len(about)} of them about this original; "
        "keep the one that is meant in a file of its own"
    )


def _objects(data: bytes, file: Path) -> list[Mapping[str, Any]]:
    try:
        text = data.decode("utf-8")
        try:
            content = json.loads(text)
        except json.JSONDecodeError:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{str(file)!r} is no report: write one with --format json ({type(error).__name__})"
        ) from error
    objects = content if isinstance(content, list) else [content]
    if not objects or not all(isinstance(one, dict) for one in objects):
        raise InputError(f"{str(file)!r} is no report: write one with --format json")
    return objects


def _parts(report: Report) -> tuple[Match, Explanation, NDArray[np.float64]]:
    if report.match is None or report.match.reference_from_query is None:
        raise InputError(
            f"the report names no original, its verdict is {report.verdict!r}: nothing to repeat"
        )
    if report.explanation is None:
        raise InputError("the report has no explanation: check the picture again, without --no-explain")
    return report.match, report.explanation, report.match.reference_from_query


def _size(query: QueryInfo, limits: Limits) -> tuple[int, int]:
    width, height = query.width, query.height
    if not (isinstance(width, int) and isinstance(height, int)) or min(width, height) < 1:
        raise InputError("the report does not say how large its query is")
    if width * height > limits.max_pixels:
        raise InputError(
            f"the report's query is {width} x {height} pixels, over the limit of {limits.max_pixels:,}"
        )
    return width, height


def _place(edit: Edit, overlap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[h, w] where an edit lies that cannot be repeated; nowhere for noise."""
    if edit.operation == "composite":
        return ~overlap
    place = np.zeros(overlap.shape, np.bool_)
    if edit.box is not None:
        x0, y0, x1, y1 = (max(0, value) for value in edit.box)
        place[y0:y1, x0:x1] = True
    return place


def _agreement(
    pixels: Pixels,
    query: DecodedImage,
    overlap: NDArray[np.bool_],
    places: list[tuple[Edit, NDArray[np.bool_]]],
) -> float:
    """PSNR against the query outside the places of local edits, dB; infinite where both are equal."""
    elsewhere = ~seam_of(overlap)
    for _, place in places:
        elsewhere &= ~place
    psnr = psnr_db(query.pixels, pixels, elsewhere)
    return float("inf") if psnr is None else psnr


def _filled(
    pixels: Pixels,
    query: DecodedImage,
    places: list[tuple[Edit, NDArray[np.bool_]]],
    repeated: tuple[Operation, ...],
    psnr: float,
    notes: tuple[str, ...],
) -> Replayed:
    """The replay with the places of local edits taken from the query, each outlined."""
    pixels = pixels.copy()
    for _, place in places:
        pixels[place] = query.pixels[place]
    for _, place in places:
        outline(pixels, place)
    return Replayed(
        pixels,
        repeated,
        tuple(edit.operation for edit, place in places if not place.any()),
        tuple(edit.operation for edit, place in places if place.any()),
        psnr,
        notes,
    )
