"""A report -> JSON, terminal text, or one HTML file; decides nothing.

    json       Report <-> the dictionary of report.schema.json
    jsonld     schema.org MediaReview and ClaimReview, proposed for a person to confirm
    terminal   a readable panel
    html       one self-contained page with slider, change map and records
    sources    the trusted pictures that a collage was put together from
    evidence   the pictures behind a report: heat map, numbered outlines
    outlines   the places of the edits as SVG paths
    lineup     the original laid into the frame of the query
    images     pixels -> pictures inside a page
    folder     the pictures behind reports as PNG files
    writing    files written whole
    origin     what is known of where pictures come from, in rows
    words      what page and terminal say alike, and text made safe to show

Names are loaded when first used: JSON needs neither OpenCV nor Jinja.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.report.evidence import heat_map, outlined
    from provenance.report.folder import EvidenceFolder
    from provenance.report.html import to_html, write_html
    from provenance.report.json import from_dict, to_dict, to_json
    from provenance.report.jsonld import propose_reviews, to_jsonld
    from provenance.report.terminal import print_report

__all__ = [
    "EvidenceFolder",
    "from_dict",
    "heat_map",
    "outlined",
    "print_report",
    "propose_reviews",
    "to_dict",
    "to_html",
    "to_json",
    "to_jsonld",
    "write_html",
]

_HOMES = {
    "from_dict": "json",
    "to_dict": "json",
    "to_json": "json",
    "propose_reviews": "jsonld",
    "to_jsonld": "jsonld",
    "EvidenceFolder": "folder",
    "heat_map": "evidence",
    "outlined": "evidence",
    "to_html": "html",
    "write_html": "html",
    "print_report": "terminal",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
