"""What was found and measured -> the report of one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from provenance import __version__
from provenance.errors import InputError
from provenance.parts import Parts, Source
from provenance.records import (
    Candidate,
    CandidateSummary,
    Comparison,
    DecodedImage,
    Evidence,
    Explanation,
    Match,
    MatchedBy,
    QueryInfo,
    ReferenceRecord,
    Report,
    Verdict,
    Verification,
)
from provenance.timing import Stopwatch

if TYPE_CHECKING:
    from provenance.find import Judged


class Reporter:
    """Makes reports with the parts of a library, in the language of its settings."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def judged(
        self,
        query: DecodedImage,
        judged: list[Judged],
        reference: DecodedImage | None,
        watch: Stopwatch,
        *,
        compare: bool = True,
    ) -> Report:
        """The report for the best verified candidate, or for none."""
        summaries = tuple(
            CandidateSummary(
                one.record.reference_id, one.record.path, one.candidate.score, one.verification.verified,
                one.verification.reason,
            )
            for one in judged[:10]
        )  # fmt: skip
        base = Report(
            self._query_info(query), "no_match",
            max((one.verification.confidence for one in judged), default=0.0), None, summaries, None, {},
            self._versions, notes=query.notes, language=self._parts.settings.explain.language,
        )  # fmt: skip
        if not judged or not judged[0].verification.verified:
            return replace(base, timings_ms=watch.read())
        best = judged[0]
        with watch("search"):
            copies = self._parts.finder.copies(best.record, best, judged) if reference is None else ()
            others = self._parts.finder.others(best, judged, copies) if reference is None else ()
        taken = sum(one.verification.same_picture for one in (best, *others))
        remark = (f"The picture is put together from {taken} trusted pictures.",) if taken > 1 else ()
        base = replace(
            base,
            confidence=best.verification.confidence,
            match=self._match(query, best, copies),
            other_matches=tuple(self._match(query, one, ()) for one in others),
            notes=(*base.notes, *remark),
        )
        verdict: Verdict = "modified" if best.verification.same_picture else "related"
        if not compare:
            return replace(base, verdict=verdict, timings_ms=watch.read())
        with watch("decode"):
            original, note = (reference, None) if reference else self.open_reference(best.record)
        if original is None or best.verification.reference_from_query is None:
            return replace(base, verdict=verdict, notes=(*base.notes, note or ""), timings_ms=watch.read())
        return self._compared(base, query, original, best.verification, watch)

    def _match(self, query: DecodedImage, judged: Judged, copies: tuple[str, ...]) -> Match:
        from provenance.verify import shown_box

        one, record = judged.verification, judged.record
        homography = one.reference_from_query
        return Match(
            record, self._matched_by(judged.candidate, one), one.inliers or None,
            one.query_overlap, one.reference_overlap, homography, one.confidence,
            None if homography is None
            else shown_box(homography, (query.width, query.height), (record.width, record.height)),
            copies,
        )  # fmt: skip

    def _compared(
        self,
        base: Report,
        query: DecodedImage,
        original: DecodedImage,
        verification: Verification,
        watch: Stopwatch,
    ) -> Report:
        from provenance.compare import compare

        if base.match is None or verification.reference_from_query is None:
            raise ValueError("only a verified match can be compared")
        options = self._parts.settings.compare
        with watch("compare"):
            comparison = compare(
                query,
                original,
                verification.reference_from_query,
                side_px=options.side_px,
                read_text=options.text,
                find_faces=options.faces,
            )
        match = replace(
            base.match,
            query_overlap=comparison.query_overlap,
            reference_overlap=comparison.reference_overlap,
            reference_from_query=comparison.reference_from_query,
        )
        if not verification.same_picture:
            return replace(
                base, verdict="related", match=match, evidence=Evidence(query, original, comparison),
                timings_ms=watch.read(),
            )  # fmt: skip
        evidence = Evidence(query, original, comparison)
        with watch("explain"):
            [explanation] = self._parts.captioner.explain(
                [evidence], language=self._parts.settings.explain.language
            )
        return replace(
            base, verdict=_verdict(comparison, explanation), match=match, explanation=explanation,
            evidence=evidence, notes=(*base.notes, *explanation.notes), timings_ms=watch.read(),
        )  # fmt: skip

    def known(
        self, query: DecodedImage, record: ReferenceRecord, reason: str, watch: Stopwatch, explain: bool
    ) -> Report:
        """The report for a query that is a trusted picture; its copies are listed unless in haste."""
        with watch("search"):
            copies = self._parts.finder.copies(record) if explain else record.other_paths
        return self.same(query, record, reason, watch, compare=explain, copies=copies)

    def same(
        self,
        query: DecodedImage,
        record: ReferenceRecord,
        reason: str,
        watch: Stopwatch,
        *,
        compare: bool = True,
        copies: tuple[str, ...] = (),
    ) -> Report:
        """The report for a query whose bytes or pixels are a reference's: the query is the original."""
        import numpy as np

        box = (0, 0, query.width, query.height)
        match = Match(record, ("sha256",), None, 1.0, 1.0, np.eye(3), 1.0, box, copies)
        verification = Verification(
            record.reference_id, True, reason, 0, 0, 1.0, np.eye(3),
            query_overlap=1.0, reference_overlap=1.0, same_picture=True,
        )  # fmt: skip
        summary = CandidateSummary(record.reference_id, record.path, 1.0, True, verification.reason)
        base = Report(
            self._query_info(query),
            "identical",
            1.0,
            match,
            (summary,),
            None,
            {},
            self._versions,
            query.notes,
            language=self._parts.settings.explain.language,
        )
        if not compare:
            return replace(base, timings_ms=watch.read())
        return self._compared(base, query, replace(query, name=record.path), verification, watch)

    def open_reference(self, record: ReferenceRecord) -> tuple[DecodedImage | None, str | None]:
        """The original's pixels, or why they cannot be had any more."""
        for path in (record.path, *record.other_paths):
            try:
                original = self._parts.decode(Path(path))
            except InputError:
                continue
            if original.sha256 == record.sha256:
                return original, None
        return None, (
            f"The original's file is gone or was changed since it was ingested ({record.path}), "
            "so what differs could not be measured; put it back or ingest it again."
        )

    def unreadable(self, image: Source, name: str | None, error: InputError, watch: Stopwatch) -> Report:
        shown = name or ("(bytes)" if isinstance(image, bytes) else str(image))
        return Report(
            QueryInfo(shown, "", 0, 0, str(error)), "error", 0.0, None, (), None, watch.read(),
            self._versions, language=self._parts.settings.explain.language,
        )  # fmt: skip

    @staticmethod
    def _query_info(query: DecodedImage) -> QueryInfo:
        return QueryInfo(
            query.name, query.sha256, query.width, query.height,
            embedded=query.embedded, credentials=query.credentials,
        )  # fmt: skip

    @staticmethod
    def _matched_by(candidate: Candidate, verification: Verification) -> tuple[MatchedBy, ...]:
        """Which descriptors pointed at the match, by the thresholds of practice (PDQ: 31 of 256 bits)."""
        found: list[MatchedBy] = []
        if candidate.phash_bits is not None and candidate.phash_bits <= 31:
            found.append("phash")
        found += [name for name in ("copy", "clip") if candidate.similarities.get(name, 0.0) >= 0.5]
        if verification.inliers:
            found.append("local")
        return tuple(found)

    @property
    def _versions(self) -> Mapping[str, str]:
        return {"provenance": __version__, **self._parts.descriptor_versions}


def _verdict(comparison: Comparison, explanation: Explanation) -> Verdict:
    """What the measured pair amounts to."""
    if comparison.identical_pixels:
        return "identical"
    return "modified" if explanation.edits or comparison.unexplained_fraction > 0 else "unmodified"
