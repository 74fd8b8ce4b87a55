"""The corridor: the only place that knows the order of the rooms.

ingest   walk > decode > describe > database, then the indexes
check    decode > describe > search > verify > compare > explain > report
explain  the same for a given pair, without a database
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from provenance import __version__
from provenance.errors import ConflictError, DatabaseError, InputError, UsageError
from provenance.languages import load_language
from provenance.ledger import COMMAND_LINE, Actor
from provenance.records import (
    Candidate,
    CandidateSummary,
    Comparison,
    DecodedImage,
    Evidence,
    Explanation,
    IngestSummary,
    Match,
    MatchedBy,
    QueryInfo,
    ReferenceRecord,
    Report,
    Verdict,
    Verification,
)
from provenance.settings import Settings
from provenance.timing import Stopwatch

if TYPE_CHECKING:
    from provenance.db import Database
    from provenance.decode import CredentialReader, Limits
    from provenance.describe import Describer
    from provenance.explain import Captioner
    from provenance.explain.options import CaptionerOptions
    from provenance.find import Finder, Judged
    from provenance.ingest import Ingest, Progress
    from provenance.lookup import Lookup
    from provenance.search import Searcher

Source = bytes | Path | str
"""A picture: its bytes, a path, or an http(s) URL."""

_Part = TypeVar("_Part")


class Provenance:
    """A trusted-image database and everything that is done with it; safe to use from several threads.

    Nothing is opened or loaded before it is needed.

    Example:
        with Provenance("./newsroom") as provenance:
            provenance.ingest(["./trusted"])
            report = provenance.check("web.jpg")
            print(report.verdict, report.explanation and report.explanation.caption)
    """

    def __init__(
        self, home: Path | str | None = None, *, settings: Settings | None = None, **options: Any
    ) -> None:
        """Use the database in `home`, or all of `settings`; `options` are sections of Settings."""
        if settings is not None and (home is not None or options):
            raise UsageError("give either settings, or home and options, not both")
        self.settings = settings or Settings.read(home, **options)
        load_language(self.settings.explain.language)
        self._lock = threading.RLock()
        self._parts: dict[str, Any] = {}

    # ------------------------------------------------------------ the three things it does

    def ingest(
        self,
        paths: Sequence[Path | str],
        *,
        source: str | None = None,
        manifest: Path | str | None = None,
        reread: bool = False,
        progress: Progress | None = None,
    ) -> IngestSummary:
        """Add or update trusted pictures: files and folders; safe to interrupt and to repeat.

        `manifest` is a CSV with the column path and any of title, creator, credit, license, caption, source,
        captured_at; it counts more than `source`, and that more than what the files say of themselves.
        With `reread` unchanged files are read again for what their references lack.
        """
        from provenance.ingest import read_manifest

        if isinstance(paths, str | Path):
            paths = [paths]
        details = read_manifest(Path(manifest)) if manifest else {}
        self._keep_habits()
        try:
            return self._ingest(details, source, reread=reread).run(paths, progress)
        finally:
            self.searcher.sync()

    def add(
        self,
        picture: bytes,
        *,
        name: str = "upload",
        details: Mapping[str, str] | None = None,
        collections: Sequence[str] = (),
        by: Actor = COMMAND_LINE,
    ) -> tuple[ReferenceRecord, bool]:
        """Add a trusted picture that has no file: it is kept in the home folder, and found from now on.

        Returns its record, and whether it is new; one that is known gets the details and collections that are
        given. Raises InputError for what is no picture, ConflictError for one that was withdrawn.
        """
        from provenance.ingest import store_original

        catalogue = self.database.catalogue
        image = self._decode(picture, name)
        known = catalogue.by_sha256(image.sha256)
        if known is not None and known.status == "withdrawn":
            raise ConflictError(
                f"this picture was withdrawn (reference {known.reference_id}): make that active again instead"
            )
        for collection in collections:
            self.database.collections.get(collection)
        if known is None or self._open_reference(known)[0] is None:
            path = store_original(self.settings.home / "originals", picture, image)
            self._keep_habits()
            self._ingest({str(path): dict(details or {})}, None).run([path])
        record = catalogue.by_sha256(image.sha256)
        if record is None:
            raise DatabaseError(f"{name!r} was not stored: try again")
        if known is None:
            self.database.audit.note(
                by, "reference.add", record.reference_id, sha256=record.sha256, name=name
            )
        record = catalogue.update(
            record.reference_id,
            details=details if known is not None else None,
            collections=sorted({*record.collections, *collections}),
            by=by,
        )
        return record, known is None

    def check(
        self,
        image: Source,
        *,
        name: str | None = None,
        top_k: int | None = None,
        explain: bool = True,
        progress: Callable[[str], None] | None = None,
    ) -> Report:
        """Find the trusted original of one picture and say what was changed.

        Without `explain` the pair is not compared: the verdict is "modified" for every copy whose pixels are
        not the original's. An unreadable picture gives a report with verdict "error"; problems of the
        database are raised. `progress` is told the name of each stage when it begins.
        """
        if top_k is not None and top_k < 1:
            raise UsageError(f"top_k must be at least 1, not {top_k}")
        if explain:
            _ = self.captioner  # a wrong one is told now, not after the search
        watch = Stopwatch(progress)
        try:
            with watch("decode"):
                query = self._decode(image, name)
        except InputError as error:
            return self._unreadable(image, name, error, watch)
        with watch("search"):
            rejected = self.database.marks.rejected(query.sha256)
            known = self.database.reference_by_sha256(query.sha256)
        if known is not None and known.reference_id not in rejected:
            return self._report_known(query, known, "the same file", watch, explain)
        if query.pixel_sha256 is not None:
            with watch("search"):
                known = self.database.reference_by_pixel_sha256(query.pixel_sha256)
            if known is not None and known.reference_id not in rejected:
                return self._report_known(query, known, "the same pixels", watch, explain)
        judged = self.finder.find(
            query, top_k=top_k or self.settings.search.top_k, watch=watch, leave_out=rejected
        )
        report = self._report(query, judged, None, watch, compare=explain)
        if not rejected:
            return report
        remark = "A reviewer said that another trusted picture is not this one; it was left out."
        return replace(report, notes=(*report.notes, remark))

    def speaking(self, language: str | None) -> Self:
        """This library with its reports in another language; everything that is open is shared."""
        if language in (None, self.settings.explain.language):
            return self
        load_language(language)
        other = copy.copy(self)
        explain = self.settings.explain.model_copy(update={"language": language})
        other.settings = self.settings.model_copy(update={"explain": explain})
        return other

    def check_many(
        self, images: Iterable[Source], *, top_k: int | None = None, explain: bool = True
    ) -> Iterator[Report]:
        """One report for each image, as soon as it is made."""
        for image in images:
            yield self.check(image, top_k=top_k, explain=explain)

    def explain(
        self,
        original: Source,
        edited: Source,
        *,
        original_name: str | None = None,
        edited_name: str | None = None,
    ) -> Report:
        """Say what was changed between a given original and an edited copy; uses no database."""
        _ = self.captioner
        watch = Stopwatch()
        with watch("decode"):
            reference, query = self._decode(original, original_name), self._decode(edited, edited_name)
        record = ReferenceRecord(
            0, reference.name, reference.sha256, reference.pixel_sha256, reference.byte_size,
            reference.width, reference.height, reference.format, "active",
            source=reference.embedded.source, title=reference.embedded.title,
            creator=reference.embedded.creator, credit=reference.embedded.credit,
            license=reference.embedded.license, caption=reference.embedded.caption,
            captured_at=reference.embedded.captured_at, credentials=reference.credentials,
        )  # fmt: skip
        if reference.sha256 == query.sha256:
            return self._report_same(query, record, "the same file", watch)
        if reference.pixel_sha256 == query.pixel_sha256:
            return self._report_same(query, record, "the same pixels", watch)
        from provenance.find import Judged, judge_pair

        found = judge_pair(
            query,
            reference,
            keypoints=self.settings.describe.keypoints,
            query_keypoints=self.settings.describe.query_keypoints,
            side_px=self.settings.describe.side_px,
            min_confidence=self.settings.verify.min_confidence,
            watch=watch,
        )
        return self._report(query, [Judged(Candidate(0, 1.0), found, record)], reference, watch)

    def problems(self, *, files: bool = False) -> list[str]:
        """What is wrong with database and indexes, in plain words; `files` reads every trusted file again."""
        found = self.database.problems(self.describer.versions) + self.searcher.problems()
        if files:
            records = self.database.references(self.database.active_ids().tolist())
            found += [note for record in records.values() if (note := self._open_reference(record)[1])]
        return found

    # ------------------------------------------------------------ what it is made of

    @property
    def database(self) -> Database:
        """The open database, at the newest schema."""

        def make() -> Database:
            from provenance.db import Database

            database = Database(self.settings.database_url)
            database.upgrade()
            return database

        return self._once("database", make)

    @property
    def describer(self) -> Describer:
        """The descriptors the settings ask for; those of an ingest become the database's habit."""

        def make() -> Describer:
            from provenance.describe import Describer

            options = self.settings.describe
            return Describer(
                copy_model=self._habit("copy_model") or "builtin",
                clip=self._habit("clip"),
                keypoints=options.keypoints,
                query_keypoints=options.query_keypoints,
                pdq=self.database.meta("pdq") == "yes" if options.pdq is None else options.pdq,
                threads=self.settings.worker_threads,
            )

        return self._once("describer", make)

    @property
    def searcher(self) -> Searcher:
        """The indexes over the database."""

        def make() -> Searcher:
            from provenance.search import Searcher

            return Searcher(self.database, self.settings.home / "index", self.describer.versions)

        return self._once("searcher", make)

    @property
    def lookup(self) -> Lookup:
        """What looks up hashes from elsewhere, and gives away those of the trusted pictures."""

        def make() -> Lookup:
            from provenance.lookup import Lookup

            return Lookup(self.database, self.searcher, self.describer.versions)

        return self._once("lookup", make)

    @property
    def finder(self) -> Finder:
        """What goes through the stages of a search, the cheap ones first."""

        def make() -> Finder:
            from provenance.find import Finder

            return Finder(
                self.database,
                self.describer,
                self.searcher,
                side_px=self.settings.describe.side_px,
                deep_k=self.settings.search.deep_k,
                min_confidence=self.settings.verify.min_confidence,
                threads=self.settings.worker_threads,
            )

        return self._once("finder", make)

    @property
    def captioner(self) -> Captioner:
        """Who puts pairs in words; its model is loaded when it is first asked."""

        def make() -> Captioner:
            from provenance.explain import load_captioner

            return load_captioner(self.settings.explain.captioner, self._captioner_options())

        return self._once("captioner", make)

    def _captioner_options(self) -> CaptionerOptions:
        from provenance.explain import options as given
        from provenance.explain.examples import draw_examples
        from provenance.explain.guard import GuardParts

        asked = self.settings.explain
        prompt = asked.prompt
        drawn = draw_examples(
            prompt.examples_file, prompt.examples_pictures, count=prompt.examples, seed=prompt.seed
        )
        examples = tuple(
            given.Example(self._decode(original).pixels, self._decode(edited).pixels, caption)
            for original, edited, caption in drawn
        )
        return given.CaptionerOptions(
            given.ModelOptions(**asked.model.model_dump()),
            given.ServerOptions(**asked.server.model_dump()),
            given.PromptOptions(prompt.text, prompt.system, examples, prompt.seed),
            GuardParts(**asked.guard.model_dump()),
        )

    def _once(self, name: str, make: Callable[[], _Part]) -> _Part:
        """Make a part when it is first asked for; two threads get the same one."""
        with self._lock:
            if name not in self._parts:
                self._parts[name] = make()
            part: _Part = self._parts[name]
            return part

    def close(self) -> None:
        """Close the database and forget what was loaded; using the object again opens it again."""
        with self._lock:
            database = self._parts.pop("database", None)
            self._parts.clear()
        if database is not None:
            database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ the stations of a check

    def _habit(self, name: str) -> str | None:
        """A model as the settings name it, otherwise as the database was made with."""
        asked: str | None = getattr(self.settings.describe, name)
        return asked or self.database.meta(name)

    def _keep_habits(self) -> None:
        """Let later runs use the models of this one; only after they could be loaded."""
        from provenance.describe import anchored, load_pdq

        if "pdq" in self.describer.versions:
            load_pdq()
        options = self.settings.describe
        model = options.copy_model and anchored(options.copy_model)
        pdq = "yes" if options.pdq else None
        for name, asked in (("clip", options.clip), ("copy_model", model), ("pdq", pdq)):
            if asked and asked != self.database.meta(name):
                self.database.set_meta(name, asked)

    def _ingest(
        self, details: Mapping[str, Mapping[str, str]], source: str | None, *, reread: bool = False
    ) -> Ingest:
        from provenance.ingest import Ingest

        return Ingest(
            self.database,
            self.describer,
            limits=self.limits,
            side_px=self.settings.describe.side_px,
            batch=self.settings.describe.batch,
            threads=self.settings.worker_threads,
            source=source,
            details=details,
            credentials=self._credential_reader,
            reread=reread,
        )

    @property
    def limits(self) -> Limits:
        """What may be read, by the settings."""
        from provenance.decode import Limits

        return Limits(**self.settings.decode.model_dump())

    def _decode(self, image: Source, name: str | None = None) -> DecodedImage:
        from provenance.decode import decode, read_source

        data, source_name = read_source(image, self.limits, name=name)
        decoded = decode(data, name=name or source_name, limits=self.limits)
        reader = self._credential_reader
        return reader.attach(decoded, data) if reader else decoded

    @property
    def _credential_reader(self) -> CredentialReader | None:
        """Who reads content credentials, None where the settings want none read."""
        options = self.settings.credentials

        def make() -> CredentialReader:
            from provenance.decode import CredentialReader

            return CredentialReader(options.trust_anchors)

        return self._once("credential_reader", make) if options.read else None

    def _report(
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
            self._versions, notes=query.notes, language=self.settings.explain.language,
        )  # fmt: skip
        if not judged or not judged[0].verification.verified:
            return replace(base, timings_ms=watch.read())
        best = judged[0]
        with watch("search"):
            copies = self.finder.copies(best.record, best, judged) if reference is None else ()
            others = self.finder.others(best, judged, copies) if reference is None else ()
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
            original, note = (reference, None) if reference else self._open_reference(best.record)
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
        options = self.settings.compare
        with watch("compare"):
            comparison = compare(
                query,
                original,
                verification.reference_from_query,
                side_px=options.side_px,
                read_text=options.text,
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
            [explanation] = self.captioner.explain([evidence], language=self.settings.explain.language)
        return replace(
            base, verdict=_verdict(comparison, explanation), match=match, explanation=explanation,
            evidence=evidence, notes=(*base.notes, *explanation.notes), timings_ms=watch.read(),
        )  # fmt: skip

    def _report_known(
        self, query: DecodedImage, record: ReferenceRecord, reason: str, watch: Stopwatch, explain: bool
    ) -> Report:
        """The report for a query that is a trusted picture; its copies are listed unless in haste."""
        with watch("search"):
            copies = self.finder.copies(record) if explain else record.other_paths
        return self._report_same(query, record, reason, watch, compare=explain, copies=copies)

    def _report_same(
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
            language=self.settings.explain.language,
        )
        if not compare:
            return replace(base, timings_ms=watch.read())
        return self._compared(base, query, replace(query, name=record.path), verification, watch)

    def _open_reference(self, record: ReferenceRecord) -> tuple[DecodedImage | None, str | None]:
        """The original's pixels, or why they cannot be had any more."""
        for path in (record.path, *record.other_paths):
            try:
                original = self._decode(Path(path))
            except InputError:
                continue
            if original.sha256 == record.sha256:
                return original, None
        return None, (
            f"The original's file is gone or was changed since it was ingested ({record.path}), "
            "so what differs could not be measured; put it back or ingest it again."
        )

    def _unreadable(self, image: Source, name: str | None, error: InputError, watch: Stopwatch) -> Report:
        shown = name or ("(bytes)" if isinstance(image, bytes) else str(image))
        return Report(
            QueryInfo(shown, "", 0, 0, str(error)), "error", 0.0, None, (), None, watch.read(),
            self._versions, language=self.settings.explain.language,
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
        described = self._parts.get("describer")
        return {"provenance": __version__, **(described.versions if described else {})}


def _verdict(comparison: Comparison, explanation: Explanation) -> Verdict:
    """What the measured pair amounts to."""
    if comparison.identical_pixels:
        return "identical"
    return "modified" if explanation.edits or comparison.unexplained_fraction > 0 else "unmodified"
