"""The corridor: the only place that knows the order of the rooms.

ingest   walk > decode > describe > database, then the indexes
check    decode > describe > search > verify > compare > explain > report
explain  the same for a given pair, without a database
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from provenance.errors import ConflictError, DatabaseError, InputError, UsageError
from provenance.languages import load_language
from provenance.ledger import COMMAND_LINE, Actor
from provenance.parts import Parts, Source
from provenance.records import Candidate, IngestSummary, ReferenceRecord, Report
from provenance.reporting import Reporter
from provenance.timing import Stopwatch

if TYPE_CHECKING:
    from provenance.ingest import Ingest, Progress


class Provenance(Parts):
    """A trusted-image database and everything that is done with it; safe to use from several threads.

    Nothing is opened or loaded before it is needed.

    Example:
        with Provenance("./newsroom") as provenance:
            provenance.ingest(["./trusted"])
            report = provenance.check("web.jpg")
            print(report.verdict, report.explanation and report.explanation.caption)
    """

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
        image = self.decode(picture, name)
        known = catalogue.by_sha256(image.sha256)
        if known is not None and known.status == "withdrawn":
            raise ConflictError(
                f"this picture was withdrawn (reference {known.reference_id}): make that active again instead"
            )
        for collection in collections:
            self.database.collections.get(collection)
        if known is None or self._reports.open_reference(known)[0] is None:
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
                query = self.decode(image, name)
        except InputError as error:
            return self._reports.unreadable(image, name, error, watch)
        with watch("search"):
            rejected = self.database.marks.rejected(query.sha256)
            known = self.database.reference_by_sha256(query.sha256)
        if known is not None and known.reference_id not in rejected:
            return self._reports.known(query, known, "the same file", watch, explain)
        if query.pixel_sha256 is not None:
            with watch("search"):
                known = self.database.reference_by_pixel_sha256(query.pixel_sha256)
            if known is not None and known.reference_id not in rejected:
                return self._reports.known(query, known, "the same pixels", watch, explain)
        judged = self.finder.find(
            query, top_k=top_k or self.settings.search.top_k, watch=watch, leave_out=rejected
        )
        report = self._reports.judged(query, judged, None, watch, compare=explain)
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
            reference, query = self.decode(original, original_name), self.decode(edited, edited_name)
        record = ReferenceRecord(
            0, reference.name, reference.sha256, reference.pixel_sha256, reference.byte_size,
            reference.width, reference.height, reference.format, "active",
            source=reference.embedded.source, title=reference.embedded.title,
            creator=reference.embedded.creator, credit=reference.embedded.credit,
            license=reference.embedded.license, caption=reference.embedded.caption,
            captured_at=reference.embedded.captured_at, credentials=reference.credentials,
        )  # fmt: skip
        if reference.sha256 == query.sha256:
            return self._reports.same(query, record, "the same file", watch)
        if reference.pixel_sha256 == query.pixel_sha256:
            return self._reports.same(query, record, "the same pixels", watch)
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
        return self._reports.judged(query, [Judged(Candidate(0, 1.0), found, record)], reference, watch)

    def problems(self, *, files: bool = False) -> list[str]:
        """What is wrong with database and indexes, in plain words; `files` reads every trusted file again."""
        found = self.database.problems(self.describer.versions) + self.searcher.problems()
        if files:
            records = self.database.references(self.database.active_ids().tolist())
            found += [
                note for record in records.values() if (note := self._reports.open_reference(record)[1])
            ]
        return found

    # ------------------------------------------------------------ how

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
            credentials=self.credential_reader,
            reread=reread,
        )

    @property
    def _reports(self) -> Reporter:
        return Reporter(self)
