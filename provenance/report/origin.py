"""Where pictures come from, as rows of (label, text) that the terminal and the page share."""

from __future__ import annotations

from provenance.languages import Language
from provenance.records import EmbeddedDetails, ReferenceRecord, Report
from provenance.report.words import make_printable, speak

Row = tuple[str, str]


def list_details(told: ReferenceRecord | EmbeddedDetails, language: Language) -> list[Row]:
    """Title, caption, creator ... of a trusted picture, or as a file says of itself; only what is known."""
    source = told.digital_source if isinstance(told, EmbeddedDetails) else None
    known = {
        "title": told.title,
        "caption": told.caption,
        "source": told.source,
        "creator": told.creator,
        "credit": told.credit,
        "license": told.license,
        "taken": told.captured_at and told.captured_at.replace("T", " "),
        # IPTC's code of how a picture came to be; an unknown one stays as it is.
        "origin": source and language.name("digital_source", source),
    }
    return [(language.say(f"record.{key}"), make_printable(value)) for key, value in known.items() if value]


def list_claims(report: Report) -> list[Row]:
    """What the query's file says of itself, less what the trusted original's record says too."""
    language = speak(report)
    known = list_details(report.match.reference, language) if report.match else []
    return [row for row in list_details(report.query.embedded, language) if row not in known]
