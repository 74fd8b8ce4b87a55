"""A report -> what one card of the page shows: words, pictures, tables; no markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenance.records import Category, Edit, Evidence, Operation, Report, Verdict
from provenance.report.evidence import heat_map
from provenance.report.images import InlineImage, encode_inline
from provenance.report.json import to_dict
from provenance.report.origin import Row, list_claims, list_details
from provenance.report.outlines import Overlay, outline_query, outline_reference
from provenance.report.sources import Copies, Sources, fold_copies, make_sources
from provenance.report.words import (
    SHORT_VERDICTS,
    describe_confidence,
    describe_match,
    describe_verdict,
    make_printable,
    name_verdict,
)

THUMBNAIL_SIDE = 160
_TONES: dict[Verdict, str] = {
    "identical": "good",
    "unmodified": "good",
    "modified": "changed",
    "related": "related",
    "no_match": "unknown",
    "error": "bad",
}
_CATEGORIES: dict[Category, str] = {
    "local_object": "Object",
    "text": "Text",
    "background": "Background",
    "image_style": "Style",
}
_FRAMING: frozenset[Operation] = frozenset({"crop", "pad", "rotate", "flip", "perspective", "stretch"})
_UNITS = {
    "percent": "%",
    "px": "px",
    "degrees": "°",
    "levels": "of 255 levels",
    "stops": "stops",
    "db": "dB",
    "ms": "ms",
}
_UNIT_BREAK = re.compile(r"(\d) (?=(?:%|px|dB|ms|stops|levels)(?!\w))")


@dataclass(frozen=True, slots=True)
class EditItem:
    """One numbered sentence of the list."""

    number: int
    sentence: str
    kind: str
    confidence: str
    placed: bool
    """True when an outline belongs to it."""
    parameters: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a compared pair."""

    query: InlineImage
    reference: InlineImage
    aligned: InlineImage
    heat: InlineImage
    query_overlay: Overlay
    reference_overlay: Overlay


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that the page shows for one report."""

    name: str
    short_name: str
    """The last part of the name: enough to tell it apart in a list."""
    short_title: str
    verdict: Verdict
    tone: str
    title: str
    lead: str
    confidence: str
    why: str
    edits: tuple[EditItem, ...]
    pictures: Pictures | None
    thumbnail: InlineImage | None
    record: tuple[Row, ...]
    claims: tuple[Row, ...]
    """What the picture's file says of itself."""
    candidates: tuple[Row, ...]
    notes: tuple[str, ...]
    measurements: tuple[Row, ...]
    homography: tuple[tuple[str, ...], ...]
    sources: Sources | None
    copies: Copies | None

    @property
    def placed(self) -> bool:
        """True when an outline belongs to some sentence."""
        return any(edit.placed for edit in self.edits)


def make_card(report: Report, *, side: int) -> Card:
    """Gather what the page shows; pictures get a long side of at most `side` pixels."""
    explanation, match = report.explanation, report.match
    edits = explanation.edits if explanation else ()
    pictures = _make_pictures(edits, report.evidence, side) if report.evidence else None
    return Card(
        name=make_printable(report.query.name),
        short_name=make_printable(re.split(r"[/\\]", report.query.name.rstrip("/\\"))[-1]),
        short_title=SHORT_VERDICTS[report.verdict],
        verdict=report.verdict,
        tone=_TONES[report.verdict],
        title=name_verdict(report),
        lead=bind_units(make_printable(explanation.caption)) if explanation else describe_verdict(report),
        confidence=describe_confidence(report.confidence) if match else "",
        why=bind_units(describe_match(match)) if match else "",
        edits=tuple(_make_items(edits, pictures)),
        pictures=pictures,
        thumbnail=(
            encode_inline(report.evidence.query.pixels, side=THUMBNAIL_SIDE) if report.evidence else None
        ),
        record=tuple(_list_record(report)),
        claims=tuple(list_claims(report)),
        candidates=tuple(
            (make_printable(one.path), make_printable(one.reason))
            for one in report.candidates
            if match is None
        ),
        notes=tuple(make_printable(note) for note in report.notes if note),
        measurements=tuple(_list_measurements(report)),
        homography=_format_homography(report),
        sources=make_sources(report),
        copies=fold_copies(match) if match else None,
    )


def bind_units(text: str) -> str:
    """Keep numbers and their units on one line (no-break space)."""
    return _UNIT_BREAK.sub("\\1\u00a0", text)


def _make_pictures(edits: Sequence[Edit], evidence: Evidence, side: int) -> Pictures:
    comparison = evidence.comparison
    aligned_side = min(side, 1024)
    return Pictures(
        query=encode_inline(evidence.query.pixels, side=side),
        reference=encode_inline(evidence.reference.pixels, side=side),
        aligned=encode_inline(comparison.reference, side=aligned_side),
        heat=encode_inline(heat_map(comparison), side=aligned_side),
        query_overlay=outline_query(edits, evidence),
        reference_overlay=outline_reference(edits, evidence),
    )


def _make_items(edits: Sequence[Edit], pictures: Pictures | None) -> Iterator[EditItem]:
    outlined: set[int] = set()
    if pictures is not None:
        for overlay in (pictures.query_overlay, pictures.reference_overlay):
            outlined |= {outline.number for outline in overlay.outlines}
    for number, edit in enumerate(edits, start=1):
        framing = edit.operation in _FRAMING
        yield EditItem(
            number=number,
            sentence=bind_units(make_printable(edit.sentence)),
            kind="Framing" if framing else _CATEGORIES[edit.category],
            confidence=describe_confidence(edit.confidence),
            placed=number in outlined,
            parameters=tuple(_list_parameters(edit)),
        )


def _list_parameters(edit: Edit) -> Iterator[Row]:
    yield "operation", edit.operation
    if edit.box is not None:
        yield "box", "{}, {} – {}, {} px".format(*edit.box)
    for key, value in edit.parameters.items():
        yield format_parameter(str(key), value)


def format_parameter(key: str, value: Any) -> Row:
    """("area_percent", 3.14159) -> ("area", "3.14 %")."""
    name, _, suffix = key.rpartition("_")
    unit = _UNITS.get(suffix if name else key, "")
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, float):
        text = f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    elif isinstance(value, list | tuple):
        numbers = all(isinstance(item, int | float) for item in value)
        text = ", ".join(f"{item:g}" for item in value) if numbers else f"{len(value)} points"
    else:
        text = make_printable(str(value))
    label = (name if unit and name else key).replace("_", " ")
    return label, text + (unit if unit == "°" else f"\u00a0{unit}" if unit else "")


def _list_record(report: Report) -> Iterator[Row]:
    if report.match is None:
        return
    reference = report.match.reference
    size = f"{reference.width} × {reference.height} px" if reference.width else None
    yield from list_details(reference)
    for label, value in (
        ("Size", " · ".join(part for part in (size, reference.format) if part)),
        ("File", reference.path),
        ("SHA-256", reference.sha256),
    ):
        if value:
            yield label, make_printable(value)


def _list_measurements(report: Report) -> Iterator[Row]:
    data = to_dict(report)
    query, match, explanation = data["query"], data["match"], data["explanation"]
    if query["width"]:
        yield "This picture", f"{query['width']} × {query['height']} px"
    if query["sha256"]:
        yield "SHA-256 of this picture", query["sha256"]
    if match:
        yield "Confidence of the match", f"{data['confidence']:.3f}"
        yield "Points of detail that agree", "–" if match["inliers"] is None else str(match["inliers"])
        yield "Share of this picture", _share(match["query_overlap"], "that shows the original")
        yield "Share of the original", _share(match["reference_overlap"], "that is visible here")
    if explanation:
        psnr = explanation["replay_psnr_db"]
        yield "Replay of the listed edits", "exact" if psnr is None else f"{psnr:.1f} dB PSNR"
        yield "Not explained", _share(explanation["unexplained_fraction"], "of the changed pixels")
        yield "Sentences by", explanation["captioner"]
    if report.evidence is not None:
        for key, value in report.evidence.comparison.measurements.items():
            label, text = format_parameter(key, float(value))
            yield label.capitalize(), text
    yield from _join_row("Timings", data["timings_ms"], "\u00a0ms")
    yield from _join_row("Versions", data["versions"], "")


def _share(value: float, of_what: str) -> str:
    return f"{value * 100:.1f}\u00a0% {of_what}"


def _join_row(label: str, values: Mapping[str, Any], unit: str) -> Iterator[Row]:
    if values:
        yield label, ", ".join(f"{make_printable(name)} {value}{unit}" for name, value in values.items())


def _format_homography(report: Report) -> tuple[tuple[str, ...], ...]:
    if report.match is None or report.match.reference_from_query is None:
        return ()
    return tuple(tuple(f"{value:.6g}" for value in row) for row in report.match.reference_from_query)
