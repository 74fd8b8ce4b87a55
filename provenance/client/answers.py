"""What the service answers, as records; fields that a newer service adds are passed over.

Reports stay the dictionaries of report.schema.json; `Checked.record()` makes the library's records of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

if TYPE_CHECKING:
    from provenance.records import Report

T = TypeVar("T")
_A = TypeVar("_A", bound="Answer")

MarkKind = Literal["right", "wrong", "not_same"]
Status = Literal["active", "disabled", "withdrawn", "superseded"]


@dataclass(frozen=True)
class Answer:
    """A record that can be read from JSON."""

    @classmethod
    def read(cls, data: Mapping[str, Any], **made: Any) -> Self:
        """Take what is known of `data`; `made` are fields that were read already."""
        names = {field.name for field in fields(cls)} - made.keys()
        return cls(**{name: data[name] for name in names & data.keys()}, **made)


@dataclass(frozen=True)
class Checked:
    """A report, and the name under which the service keeps it (None: it keeps none)."""

    id: str | None
    report: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """identical, unmodified, modified, related, no_match or error."""
        return str(self.report["verdict"])

    @property
    def confidence(self) -> float:
        """Probability that the match is right."""
        return float(self.report["confidence"])

    @property
    def caption(self) -> str | None:
        """What was changed, in words; None where nothing was compared."""
        explanation = self.report["explanation"]
        return None if explanation is None else str(explanation["caption"])

    def record(self) -> Report:
        """The report as the library's own record; loads numpy and pydantic."""
        from provenance.report import from_dict

        return from_dict(self.report)


@dataclass(frozen=True)
class Job(Answer):
    """A check that was accepted; `ahead` counts those before it, `error` says why it failed."""

    id: str
    state: Literal["queued", "running", "done", "failed"]
    name: str
    stage: str | None
    ahead: int | None
    created_at: str
    finished_at: str | None
    verdict: str | None
    confidence: float | None
    error: str | None
    report: str | None


@dataclass(frozen=True)
class Reference(Answer):
    """A trusted picture; `etag` is given where it was asked for alone."""

    id: int
    sha256: str
    status: Status
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
    etag: str | None = None


@dataclass(frozen=True)
class Added(Answer):
    """What became of a picture that was sent; `problem` says why it was refused."""

    name: str
    outcome: Literal["added", "known", "refused"]
    reference: Reference | None
    problem: str | None


@dataclass(frozen=True)
class Collection(Answer):
    """A named part of the trusted set."""

    name: str
    title: str
    enabled: bool
    min_confidence: float | None
    references: int
    created_at: str


@dataclass(frozen=True)
class Mark(Answer):
    """What a reviewer said of a report."""

    id: int
    report: str
    mark: MarkKind
    note: str | None
    verdict: str
    confidence: float
    query_sha256: str
    reference_id: int | None
    created_at: str


@dataclass(frozen=True)
class Hashes(Answer):
    """The hashes of a picture, hexadecimal."""

    sha256: str
    pixel_sha256: str | None
    phash: str
    pdq: str | None


@dataclass(frozen=True)
class HashMatch(Answer):
    """A trusted picture with a near hash."""

    reference: Reference
    bits: int
    level: Literal["auto", "suggest", "match"]


@dataclass(frozen=True)
class TextMatch(Answer):
    """A trusted picture that may show what was asked for."""

    reference: Reference
    similarity: float


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of many; `next` leads to the following page and is None on the last one."""

    items: list[T]
    next: int | None


def about(kind: type[_A], data: Mapping[str, Any]) -> _A:
    """Read an answer that speaks of a reference."""
    reference = data["reference"]
    return kind.read(data, reference=None if reference is None else Reference.read(reference))


def page_of(read: Callable[[Mapping[str, Any]], T], data: Mapping[str, Any]) -> Page[T]:
    """Read a page."""
    return Page([read(one) for one in data["items"]], data.get("next"))
