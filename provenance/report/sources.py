"""A report -> the trusted pictures that it was put together from, numbered, with where each lies."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.languages import Language
from provenance.records import Match, Report
from provenance.report.images import InlineImage, encode_inline
from provenance.report.outlines import Overlay, outline_boxes
from provenance.report.words import capitalize, count_copies, describe_source, make_printable, speak

_PICTURE_SIDE, _THUMBNAIL_SIDE = 900, 200


@dataclass(frozen=True, slots=True)
class Copies:
    """Further trusted files with the same picture, to be folded away."""

    title: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One trusted picture that a part of the query was taken from."""

    number: int
    title: str
    """The title, or the path where there is none."""
    path: str
    credit: str
    place: str
    """Where it lies in the query, and how sure that is."""
    placed: bool
    """True when an outline belongs to it."""
    thumbnail: InlineImage | None
    copies: Copies | None


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a collage or splice, and the query with where each lies."""

    items: tuple[Source, ...]
    picture: InlineImage | None
    overlay: Overlay


def make_sources(report: Report) -> Sources | None:
    """Number the sources, the match first; None where there is only one."""
    if report.match is None or not report.other_matches:
        return None
    query, evidence, language = report.query, report.evidence, speak(report)
    matches = (report.match, *report.other_matches)
    boxes = {number: one.query_box for number, one in enumerate(matches, start=1) if one.query_box}
    thumbnail = encode_inline(evidence.reference.pixels, side=_THUMBNAIL_SIDE) if evidence else None
    return Sources(
        items=tuple(
            Source(
                number=number,
                title=make_printable(one.reference.title or one.reference.path),
                path=make_printable(one.reference.path) if one.reference.title else "",
                credit=make_printable(one.reference.credit or one.reference.creator or ""),
                place=capitalize(describe_source(one, query, language)),
                placed=evidence is not None and number in boxes,
                thumbnail=thumbnail if number == 1 else None,
                # Those of the match are listed with its record.
                copies=fold_copies(one, language) if number > 1 else None,
            )
            for number, one in enumerate(matches, start=1)
        ),
        picture=encode_inline(evidence.query.pixels, side=_PICTURE_SIDE) if evidence else None,
        overlay=outline_boxes(boxes, query.width, query.height),
    )


def fold_copies(match: Match, language: Language) -> Copies | None:
    """The copies of a match, counted; None where there are none."""
    if not match.copies:
        return None
    return Copies(
        f"{language.say('heading.also_trusted')}: {count_copies(match.copies, language)}",
        tuple(make_printable(path) for path in match.copies),
    )
