"""Find the trusted original of a picture from the web, and say in plain words what was changed.

The floor plan. An image walks through seven rooms; `pipeline` is the corridor between them:

    decode > describe > search > verify > compare > explain > report

    records    what passes the doors between rooms (frozen dataclasses)
    ledger     what a service remembers besides: keys, collections, checks, marks
    errors     the exception tree, with exit codes and HTTP statuses
    settings   every option, one section per room
    places     boxes -> named places, for the rooms that say where something is
    languages  every word that users read, one file per language
    pipeline   the corridor: ingest(), check(), explain()
    parts      what the library is made of, each opened when first asked for
    reporting  what was found and measured -> the report of one query
    ingest     files and folders -> references, in batches
    lookup     hashes from elsewhere -> trusted pictures
    replay     a report's recipe applied to the original
    textsearch words -> trusted pictures, by CLIP
    find       query -> judged candidates, the cheap stages first
    decode     bytes | path | URL -> upright sRGB pixels + sha256
    describe   pixels -> descriptors: hashes, embeddings, keypoints
    search     descriptors -> ranked candidates
    verify     keypoint matches -> homography, what agrees of which kind, confidence
    compare    verified pair -> alignment, tone, change mask, regions, text, replay
    explain    comparison -> edits -> sentences
    report     Report -> JSON, terminal, HTML
    db         tables, session, references
    evaluate   data sets, metrics, runs
    jobs       checks made later: queued, worked on, reported once, delivered
    service    HTTP <-> records, nothing else
    client     asks a service from Python
    commands   the groups of commands behind cli.py, the front door

Importing this package loads no model and no heavy library; the names below are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.errors import ProvenanceError
    from provenance.pipeline import Provenance
    from provenance.records import Edit, Explanation, IngestSummary, Match, Report
    from provenance.replay import replay_report
    from provenance.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "Edit",
    "Explanation",
    "IngestSummary",
    "Match",
    "Provenance",
    "ProvenanceError",
    "Report",
    "Settings",
    "__version__",
    "replay_report",
]

_HOMES = {
    "Edit": "records",
    "Explanation": "records",
    "IngestSummary": "records",
    "Match": "records",
    "Report": "records",
    "Provenance": "pipeline",
    "ProvenanceError": "errors",
    "Settings": "settings",
    "replay_report": "replay",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
