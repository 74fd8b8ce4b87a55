"""Where pictures come from, as rows of (label, text) that the terminal and the page share."""

from __future__ import annotations

from provenance.records import EmbeddedDetails, ReferenceRecord, Report
from provenance.report.words import make_printable

Row = tuple[str, str]

_DIGITAL_SOURCES = {
    "digitalCapture": "taken with a digital camera",
    "computationalCapture": "taken with a camera that puts several exposures together",
    "negativeFilm": "digitised from a negative",
    "positiveFilm": "digitised from a slide",
    "print": "digitised from a print",
    "screenCapture": "captured from a screen",
    "humanEdits": "edited by a person",
    "minorHumanEdits": "slightly edited by a person",
    "algorithmicallyEnhanced": "enhanced by an algorithm",
    "composite": "put together from several pictures",
    "compositeCapture": "put together from several photos",
    "compositeSynthetic": "put together, with parts that were generated",
    "compositeWithTrainedAlgorithmicMedia": "put together, with parts made by generative AI",
    "trainedAlgorithmicMedia": "made by generative AI",
    "algorithmicMedia": "made by an algorithm",
    "digitalCreation": "made by a person with digital tools",
    "dataDrivenMedia": "drawn from data",
    "virtualRecording": "recorded in a virtual scene",
}
"""IPTC's codes of how a picture came to be (NewsCodes "Digital Source Type"), in words."""


def list_details(told: ReferenceRecord | EmbeddedDetails) -> list[Row]:
    """Title, caption, creator ... of a trusted picture, or as a file says of itself; only what is known."""
    source = told.digital_source if isinstance(told, EmbeddedDetails) else None
    rows = (
        ("Title", told.title),
        ("Caption", told.caption),
        ("Source", told.source),
        ("Creator", told.creator),
        ("Credit", told.credit),
        ("Licence", told.license),
        ("Taken", told.captured_at and told.captured_at.replace("T", " ")),
        ("Origin", source and describe_digital_source(source)),
    )
    return [(label, make_printable(value)) for label, value in rows if value]


def list_claims(report: Report) -> list[Row]:
    """What the query's file says of itself, less what the trusted original's record says too."""
    known = list_details(report.match.reference) if report.match else []
    return [row for row in list_details(report.query.embedded) if row not in known]


def describe_digital_source(code: str) -> str:
    """ "trainedAlgorithmicMedia" -> "made by generative AI"; an unknown code stays as it is."""
    return _DIGITAL_SOURCES.get(code, code)
