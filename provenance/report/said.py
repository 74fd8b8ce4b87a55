"""What a model said of a pair, as rows: kept, dropped for want of support in the pixels, or added."""

from __future__ import annotations

from collections.abc import Iterator

from provenance.records import Report
from provenance.report.origin import Row
from provenance.report.words import make_printable, speak


def list_said(report: Report) -> Iterator[Row]:
    """Each claim with its fate, and with the edits that bear it or the reason that none does."""
    language = speak(report)
    for claim in report.explanation.claims if report.explanation else ():
        why = {
            "claim": make_printable(claim.text).rstrip("."),
            "edits": ", ".join(str(edit + 1) for edit in claim.edits),
            "reason": make_printable(claim.reason),
        }
        # "The rest is unchanged" is kept without an edit that bears it.
        bare = claim.status == "kept" and not claim.edits
        told = why["claim"] if bare else language.say(f"said.{claim.status}_for", **why)
        yield language.say(f"said.{claim.status}"), told
