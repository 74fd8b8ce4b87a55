"""What a service remembers besides trusted pictures: keys, collections, checks, marks, deliveries.

Frozen dataclasses, as in `records`; times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["checker", "curator", "admin"]
ROLES: tuple[Role, ...] = ("checker", "curator", "admin")
"""In rising order: a checker checks, a curator also changes the trusted set, an admin sees and does all."""

CheckState = Literal["queued", "running", "done", "failed"]
MarkKind = Literal["right", "wrong", "not_same"]

NO_KEY = 0
"""The key id of who needs none: the command line, and whoever calls a service without keys."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: the key of a request, or the command line."""

    key_id: int
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the actor has a role, or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


ANYBODY = Actor(NO_KEY, "anybody", "admin")
"""Who calls a service that has no keys: whoever reaches the machine."""

COMMAND_LINE = Actor(NO_KEY, "command line", "admin")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; the key itself is not kept, only its digest."""

    key_id: int
    name: str
    role: Role
    created_at: str
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A named part of the trusted set: a newsroom's, an archive's."""

    collection_id: int
    name: str
    title: str
    enabled: bool
    """False: its pictures match nothing, unless another collection that is enabled holds them too."""
    min_confidence: float | None
    """What a match with its pictures must reach; None: the setting `verify.min_confidence`."""
    created_at: str
    references: int = 0
    """Pictures in it, whatever their status."""


@dataclass(frozen=True, slots=True)
class NewCheck:
    """A check that is asked for, or was made on the spot."""

    kind: Literal["check", "compare"]
    name: str
    """Of the picture: the upload's name, or the URL."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the worker needs to know: "url", "explain", "evidence", "language", "top_k"."""
    callback: str | None = None
    """Where to deliver the result."""
    idempotency_key: str | None = None
    fingerprint: str | None = None
    """What the request asked for, hashed: an idempotency key stands for one request only."""


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """A check from its acceptance to its report."""

    check_id: int
    token: str
    """Its public name: cannot be guessed."""
    key_id: int
    kind: Literal["check", "compare"]
    state: CheckState
    name: str
    options: Mapping[str, Any]
    created_at: str
    worker: str | None = None
    finished_at: str | None = None
    stage: str | None = None
    beat: int = 0
    attempts: int = 0
    verdict: str | None = None
    confidence: float | None = None
    query_sha256: str | None = None
    reference_id: int | None = None
    report: Mapping[str, Any] | None = None
    """By report.schema.json; None until it is done."""
    error: str | None = None
    """Why it failed, with the cure."""
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One file behind a report, kept for a time: "page.html", "heat.png"."""

    name: str
    media_type: str
    data: bytes
    hours: float = 0.0
    """How long it is kept."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result on its way to a callback."""

    delivery_id: int
    url: str
    attempts: int
    """This one counted."""
    check: CheckRecord


@dataclass(frozen=True, slots=True)
class Mark:
    """What a reviewer says of a report."""

    mark_id: int
    token: str
    key_id: int
    kind: MarkKind
    query_sha256: str
    reference_id: int | None
    verdict: str
    confidence: float
    note: str | None
    created_at: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, when."""

    entry_id: int
    at: str
    key_id: int
    key_name: str
    action: str
    """"reference.add", "reference.withdraw", "check", ..."""
    subject: str
    details: Mapping[str, Any]
