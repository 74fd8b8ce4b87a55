"""A report -> what one card of the page shows: words, pictures, tables; no markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from provenance.languages import Language
from provenance.records import ContentCredentials, Edit, Evidence, Match, Operation, Report, Verdict
from provenance.report.evidence import heat_map
from provenance.report.images import InlineImage, encode_inline
from provenance.report.json import to_dict
from provenance.report.lineup import is_reframed, line_up
from provenance.report.origin import Row, list_claims, list_credentials, list_details
from provenance.report.outlines import Overlay, outline_query, outline_reference
from provenance.report.said import list_said
from provenance.report.sources import Copies, Sources, fold_copies, make_sources
from provenance.report.words import (
    capitalize,
    describe_confidence,
    describe_match,
    describe_verdict,
    list_notes,
    make_printable,
    name_verdict,
    speak,
)

THUMBNAIL_SIDE = 160
TONES: dict[Verdict, str] = {
    "identical": "good",
    "unmodified": "good",
    "modified": "changed",
    "related": "related",
    "no_match": "unknown",
    "error": "bad",
}
_FRAMING: frozenset[Operation] = frozenset({"crop", "pad", "rotate", "flip", "perspective", "stretch"})
_UNIT_BREAK = re.compile(r"(\d) (?=[^\W\d]|%)")


@dataclass(frozen=True, slots=True)
class EditItem:
    """One numbered sentence of the list."""

    number: int
    sentence: str
    kind: str
    sure: str
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
    reframed: bool
    """True when the original, lined up with the query, is not shown as a whole."""


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
    why: str
    edits: tuple[EditItem, ...]
    pictures: Pictures | None
    thumbnail: InlineImage | None
    record: tuple[Row, ...]
    claims: tuple[Row, ...]
    """What the picture's own file says of it."""
    query_credentials: tuple[Row, ...]
    reference_credentials: tuple[Row, ...]
    said: tuple[Row, ...]
    """What a model said of the pair, and what became of it."""
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
    explanation, match, language = report.explanation, report.match, speak(report)
    edits = explanation.edits if explanation else ()
    pictures = _make_pictures(edits, report.evidence, side) if report.evidence else None
    return Card(
        name=make_printable(report.query.name),
        short_name=make_printable(re.split(r"[/\\]", report.query.name.rstrip("/\\"))[-1]),
        short_title=language.say(f"verdict.short.{report.verdict}"),
        verdict=report.verdict,
        tone=TONES[report.verdict],
        title=name_verdict(report),
        lead=bind_units(make_printable(explanation.caption)) if explanation else describe_verdict(report),
        why=_explain_match(report, match, language) if match else "",
        edits=tuple(_make_items(edits, pictures, language)),
        pictures=pictures,
        thumbnail=(
            encode_inline(report.evidence.query.pixels, side=THUMBNAIL_SIDE) if report.evidence else None
        ),
        record=tuple(_list_record(match, language)) if match else (),
        claims=tuple(list_claims(report)),
        query_credentials=_list_credentials(report.query.credentials, language),
        reference_credentials=_list_credentials(match.reference.credentials if match else None, language),
        said=tuple(list_said(report)),
        candidates=tuple(
            (make_printable(one.path), make_printable(language.translate(one.reason)))
            for one in report.candidates
            if match is None
        ),
        notes=tuple(list_notes(report)),
        measurements=tuple(_list_measurements(report, language)),
        homography=_format_homography(report),
        sources=make_sources(report),
        copies=fold_copies(match, language) if match else None,
    )


def bind_units(text: str) -> str:
    """Keep numbers and their units on one line (no-break space)."""
    return _UNIT_BREAK.sub("\\1\u00a0", text)


def _list_record(match: Match, language: Language) -> Iterator[Row]:
    reference, say = match.reference, language.say
    yield from list_details(reference, language)
    size = f"{reference.width} × {reference.height} px" if reference.width else ""
    if size or reference.format:
        yield say("record.size"), " · ".join(part for part in (size, reference.format) if part)
    yield say("record.file"), make_printable(reference.path)
    yield "SHA-256", reference.sha256


def _explain_match(report: Report, match: Match, language: Language) -> str:
    sure = capitalize(describe_confidence(report.confidence, language))
    return bind_units(f"{sure}. {describe_match(match, language)}")


def _make_pictures(edits: Sequence[Edit], evidence: Evidence, side: int) -> Pictures:
    return Pictures(
        query=encode_inline(evidence.query.pixels, side=side),
        reference=encode_inline(evidence.reference.pixels, side=side),
        aligned=encode_inline(line_up(evidence, side=side), side=side),
        heat=encode_inline(heat_map(evidence.comparison), side=side),
        query_overlay=outline_query(edits, evidence),
        reference_overlay=outline_reference(edits, evidence),
        reframed=is_reframed(evidence),
    )


def _make_items(edits: Sequence[Edit], pictures: Pictures | None, language: Language) -> Iterator[EditItem]:
    outlined: set[int] = set()
    if pictures is not None:
        for overlay in (pictures.query_overlay, pictures.reference_overlay):
            outlined |= {outline.number for outline in overlay.outlines}
    for number, edit in enumerate(edits, start=1):
        kind = "framing" if edit.operation in _FRAMING else edit.category
        yield EditItem(
            number=number,
            sentence=bind_units(make_printable(edit.sentence)),
            kind=language.say(f"kind.{kind}"),
            sure=bind_units(describe_confidence(edit.confidence, language)),
            placed=number in outlined,
            parameters=tuple(_list_parameters(edit)),
        )


def _list_parameters(edit: Edit) -> Iterator[Row]:
    """What was measured, under its name in the JSON."""
    yield "operation", edit.operation
    if edit.box is not None:
        yield "box", format_value(edit.box)
    for key, value in edit.parameters.items():
        yield make_printable(str(key)), format_value(value)


def format_value(value: Any) -> str:
    """Write a parameter short enough for a table: 3.14159 -> "3.14", many numbers -> their count."""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    if isinstance(value, list | tuple):
        short = len(value) <= 4 and all(isinstance(item, int | float) for item in value)
        return ", ".join(f"{item:g}" for item in value) if short else f"[{len(value)}]"
    return make_printable(str(value))


def _list_credentials(credentials: ContentCredentials | None, language: Language) -> tuple[Row, ...]:
    return tuple(list_credentials(credentials, language)) if credentials else ()


def _list_measurements(report: Report, language: Language) -> Iterator[Row]:
    data, say = to_dict(report), language.say
    query, match, explanation = data["query"], data["match"], data["explanation"]
    if query["width"]:
        yield say("page.fact.this_size"), f"{query['width']} × {query['height']} px"
    if query["sha256"]:
        yield say("page.fact.this_hash"), query["sha256"]
    if match:
        yield say("page.fact.confidence"), language.number(data["confidence"], 3)
        yield say("page.fact.inliers"), "–" if match["inliers"] is None else str(match["inliers"])
        yield say("page.fact.query_share"), language.percent(match["query_overlap"] * 100)
        yield say("page.fact.reference_share"), language.percent(match["reference_overlap"] * 100)
    if explanation:
        psnr = explanation["replay_psnr_db"]
        exact = psnr is None
        amount = "" if exact else language.number(psnr, 1)
        yield say("page.fact.replay"), say("page.fact.exact" if exact else "page.fact.psnr", amount=amount)
        yield say("page.fact.unexplained"), language.percent(explanation["unexplained_fraction"] * 100)
        yield say("page.fact.captioner"), make_printable(explanation["captioner"])
    if report.evidence is not None:
        for key, value in report.evidence.comparison.measurements.items():
            yield make_printable(key), format_value(float(value))
    for key, values in (("timings", data["timings_ms"]), ("versions", data["versions"])):
        if values:
            unit = "\u00a0ms" if key == "timings" else ""
            joined = (f"{make_printable(name)} {value}{unit}" for name, value in values.items())
            yield say(f"page.fact.{key}"), ", ".join(joined)


def _format_homography(report: Report) -> tuple[tuple[str, ...], ...]:
    if report.match is None or report.match.reference_from_query is None:
        return ()
    return tuple(tuple(f"{value:.6g}" for value in row) for row in report.match.reference_from_query)
