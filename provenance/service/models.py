"""What goes over the wire, besides reports: records as JSON, with the addresses that belong to them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from provenance.ledger import AuditEntry, CheckRecord, CheckState, Collection, Mark, MarkKind
from provenance.records import HashLevel, HashMatch, ReferenceRecord

Detail = Annotated[str, Field(max_length=2000)]
CollectionName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Wire(BaseModel):
    """Unknown fields are refused: a misspelt one would be ignored otherwise."""

    model_config = ConfigDict(extra="forbid")


class Job(Wire):
    """A check that was accepted."""

    id: str
    state: CheckState
    name: str
    stage: str | None = Field(description="what is done at the moment, while it is running")
    ahead: int | None = Field(description="checks that come before it, while it is queued")
    created_at: str
    finished_at: str | None
    verdict: str | None
    confidence: float | None
    error: str | None = Field(description="why it failed, with the cure")
    report: str | None = Field(description="where its report is, once it is done")

    @classmethod
    def of(cls, check: CheckRecord, ahead: int | None = None) -> Self:
        """The wire form of a record."""
        return cls(
            id=check.token, state=check.state, name=check.name, stage=check.stage, ahead=ahead,
            created_at=check.created_at, finished_at=check.finished_at, verdict=check.verdict,
            confidence=check.confidence, error=check.error,
            report=f"/v1/reports/{check.token}" if check.state == "done" else None,
        )  # fmt: skip


class Jobs(Wire):
    """A page of checks, the newest first."""

    items: list[Job]
    next: int | None = Field(description="`before` of the next page; null on the last one")


class Details(Wire):
    """What is said of a trusted picture."""

    title: Detail | None = None
    source: Detail | None = None
    creator: Detail | None = None
    credit: Detail | None = None
    license: Detail | None = None
    caption: Detail | None = None
    captured_at: Detail | None = None

    def given(self) -> dict[str, str]:
        """Those that were said."""
        fields = Details.model_fields
        return {name: value for name in fields if (value := getattr(self, name)) is not None}


class Reference(Wire):
    """A trusted picture."""

    id: int
    sha256: str
    status: Literal["active", "disabled", "withdrawn", "superseded"]
    collections: list[str]
    path: str
    width: int
    height: int
    format: str
    byte_size: int
    title: str | None
    source: str | None
    creator: str | None
    credit: str | None
    license: str | None
    caption: str | None
    captured_at: str | None
    ingested_at: str | None
    image: str
    thumbnail: str

    @classmethod
    def of(cls, record: ReferenceRecord) -> Self:
        """The wire form of a record."""
        own = {name: getattr(record, name) for name in cls.model_fields if hasattr(record, name)}
        place = f"/v1/references/{record.reference_id}"
        return cls(
            **{**own, "collections": list(record.collections)},
            id=record.reference_id, image=f"{place}/image", thumbnail=f"{place}/thumbnail",
        )  # fmt: skip


class References(Wire):
    """A page of trusted pictures, the newest first."""

    items: list[Reference]
    next: int | None = Field(description="`before` of the next page; null on the last one")


class ReferenceChange(Details):
    """What is to be changed of a trusted picture."""

    status: Literal["active", "withdrawn"] | None = None
    collections: list[CollectionName] | None = Field(default=None, max_length=100)


class Added(Wire):
    """What became of one picture that was sent."""

    name: str
    outcome: Literal["added", "known", "refused"]
    reference: Reference | None = None
    problem: str | None = None


class AddedList(Wire):
    """What became of the pictures that were sent, in their order."""

    items: list[Added]


class NewCollection(Wire):
    """A collection to be made."""

    name: CollectionName
    title: Detail = ""
    enabled: bool = True
    min_confidence: Share | None = Field(default=None, description="null: the setting of the service")


class CollectionChange(Wire):
    """What is to be changed of a collection."""

    title: Detail | None = None
    enabled: bool | None = None
    min_confidence: Share | None = None


class CollectionModel(Wire):
    """A named part of the trusted set."""

    name: str
    title: str
    enabled: bool
    min_confidence: float | None
    references: int
    created_at: str

    @classmethod
    def of(cls, record: Collection) -> Self:
        """The wire form of a record."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class CollectionList(Wire):
    """All collections, by name."""

    items: list[CollectionModel]


class NewMark(Wire):
    """What a reviewer says of a report."""

    report: str = Field(pattern=r"^[A-Za-z0-9_-]{16,32}$", description="name of the check")
    mark: MarkKind
    note: Detail | None = None


class MarkModel(Wire):
    """A stored mark."""

    id: int
    report: str
    mark: MarkKind
    note: str | None
    verdict: str
    confidence: float
    query_sha256: str
    reference_id: int | None
    created_at: str

    @classmethod
    def of(cls, record: Mark) -> Self:
        """The wire form of a record."""
        return cls(
            id=record.mark_id, report=record.token, mark=record.kind, note=record.note,
            verdict=record.verdict, confidence=record.confidence, query_sha256=record.query_sha256,
            reference_id=record.reference_id, created_at=record.created_at,
        )  # fmt: skip


class MarkList(Wire):
    """A page of marks, the oldest first."""

    items: list[MarkModel]
    next: int | None = Field(description="`after` of the next page; null on the last one")


class CalibrationBin(Wire):
    """Marked matches of like confidence."""

    low: float
    high: float
    count: int
    confidence: float = Field(description="their mean")
    accuracy: float = Field(description="the share that was right")


class Calibration(Wire):
    """Whether confidence can be believed, by what reviewers said."""

    pairs: list[tuple[float, bool]] = Field(description="confidence of a match, and whether it was right")
    bins: list[CalibrationBin]
    expected_calibration_error: float | None


class HashMatchModel(Wire):
    """A trusted picture with a near hash."""

    reference: Reference
    bits: int = Field(description="differing bits of 256")
    level: HashLevel = Field(description="what practice does at this distance")

    @classmethod
    def of(cls, match: HashMatch) -> Self:
        """The wire form of a record."""
        return cls(reference=Reference.of(match.reference), bits=match.bits, level=match.level)


class HashMatches(Wire):
    """Trusted pictures with near hashes, the nearest first."""

    items: list[HashMatchModel]


class Hashes(Wire):
    """The hashes of a picture."""

    sha256: str = Field(description="of the file")
    pixel_sha256: str | None = Field(description="of the upright sRGB pixels")
    phash: str = Field(description="256-bit perceptual hash, hexadecimal")
    pdq: str | None = Field(description="PDQ, where the database has such hashes")


class NewTextSearch(Wire):
    """Words that say what a picture shows."""

    text: str = Field(min_length=1, max_length=500)
    limit: int = Field(default=20, ge=1, le=100)


class TextMatch(Wire):
    """A trusted picture that may show what was asked for."""

    reference: Reference
    similarity: float


class TextMatches(Wire):
    """Trusted pictures that may show what was asked for, the likeliest first."""

    items: list[TextMatch]


class AuditModel(Wire):
    """Who did what, when."""

    id: int
    at: str
    key_id: int
    key: str
    action: str
    subject: str
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """The wire form of an entry."""
        return cls(
            id=entry.entry_id, at=entry.at, key_id=entry.key_id, key=entry.key_name, action=entry.action,
            subject=entry.subject, details=dict(entry.details),
        )  # fmt: skip


class AuditList(Wire):
    """A page of the audit log, the newest first."""

    items: list[AuditModel]
    next: int | None = Field(description="`before` of the next page; null on the last one")
