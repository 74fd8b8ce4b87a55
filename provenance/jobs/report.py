"""One check: its report, and the pictures to keep behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenance.ledger import EvidenceFile
from provenance.pipeline import Provenance
from provenance.records import Report

HOURS_A_DAY = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A report, and the files to keep behind it, each for its time."""

    report: Report
    files: tuple[EvidenceFile, ...]


def make_report(
    library: Provenance,
    options: Mapping[str, Any],
    picture: bytes | None,
    name: str,
    progress: Callable[[str], None] | None = None,
) -> Made:
    """Check a picture, or without one the address in `options`.

    Options: url, explain, top_k, language, evidence (keep the pictures behind the report).
    """
    speaking = library.speaking(options.get("language"))
    report = speaking.check(
        picture if picture is not None else options["url"],
        name=name,
        top_k=options.get("top_k"),
        explain=options.get("explain", True),
        progress=progress,
    )
    return Made(
        report, tuple(files_behind(library, report, picture, evidence=options.get("evidence", False)))
    )


def files_behind(
    library: Provenance, report: Report, picture: bytes | None, *, evidence: bool
) -> Iterator[EvidenceFile]:
    """What the settings, and whoever asked, want kept of a check."""
    keep = library.settings.service
    if picture is not None and keep.keep_queries_days > 0:
        yield EvidenceFile("query", "application/octet-stream", picture, keep.keep_queries_days * HOURS_A_DAY)
    if not evidence or keep.keep_evidence_hours <= 0:
        return
    from provenance.report import to_html

    yield EvidenceFile("page.html", "text/html", to_html(report).encode(), keep.keep_evidence_hours)
    if report.evidence is not None:
        from provenance.report import heat_map, outlined
        from provenance.report.images import encode_png

        comparison = report.evidence.comparison
        edits = report.explanation.edits if report.explanation else ()
        numbers = {edit.label: number for number, edit in enumerate(edits, start=1) if edit.label}
        for name, pixels in (
            ("heat.png", heat_map(comparison)),
            ("outlined.png", outlined(comparison, numbers)),
        ):
            yield EvidenceFile(name, "image/png", encode_png(pixels), keep.keep_evidence_hours)


def compare_pair(
    library: Provenance, options: Mapping[str, Any], pictures: Sequence[bytes], names: Sequence[str]
) -> Made:
    """Say what was changed between an original and an edited picture, in this order."""
    report = library.speaking(options.get("language")).explain(
        pictures[0], pictures[1], original_name=names[0], edited_name=names[1]
    )
    files = files_behind(library, report, pictures[1], evidence=options.get("evidence", False))
    return Made(report, tuple(files))
