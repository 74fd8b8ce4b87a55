"""The tables of what a service remembers; see `provenance/ledger.py` for what they mean.

api_keys             digests of keys, with their roles
collections          named parts of the trusted set
collection_members   which reference is in which of them
checks               every check, from its acceptance to its report
uploads              pictures of accepted checks, until these are done
evidence             pictures and pages behind reports, until they expire
deliveries           results on their way to callbacks
marks                what reviewers say of reports
audit_log            who did what
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from provenance.db.tables import AnyText, Base, Reference, RowId


class ApiKeyRow(Base):
    """One key, known by the SHA-256 of its 256 random bits."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("role IN ('checker', 'curator', 'admin')", name="role"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(AnyText)
    role: Mapped[str] = mapped_column(String(10))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[str] = mapped_column(String(40))
    revoked_at: Mapped[str | None] = mapped_column(String(40))


class CollectionRow(Base):
    """A named part of the trusted set."""

    __tablename__ = "collections"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(AnyText)
    enabled: Mapped[bool] = mapped_column(Boolean)
    min_confidence: Mapped[float | None] = mapped_column(Float)
    created_at: Mapped[str] = mapped_column(String(40))


class MemberRow(Base):
    """A reference in a collection; it may be in several."""

    __tablename__ = "collection_members"

    reference_id: Mapped[int] = mapped_column(ForeignKey(Reference.id, ondelete="CASCADE"), primary_key=True)
    collection_id: Mapped[int] = mapped_column(
        ForeignKey(CollectionRow.id, ondelete="CASCADE"), primary_key=True, index=True
    )


class CheckRow(Base):
    """A check. Who works on it raises `beat`; what nobody raises any more is taken up again."""

    __tablename__ = "checks"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
        UniqueConstraint("key_id", "idempotency_key"),
        Index("ix_checks_state_id", "state", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    key_id: Mapped[int] = mapped_column(RowId, index=True)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(AnyText)
    options: Mapped[str] = mapped_column(Text)
    callback: Mapped[str | None] = mapped_column(AnyText)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[str] = mapped_column(String(40), index=True)
    finished_at: Mapped[str | None] = mapped_column(String(40))
    stage: Mapped[str | None] = mapped_column(String(20))
    worker: Mapped[str | None] = mapped_column(String(32))
    beat: Mapped[int] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer)
    verdict: Mapped[str | None] = mapped_column(String(12))
    confidence: Mapped[float | None] = mapped_column(Float)
    query_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    reference_id: Mapped[int | None] = mapped_column(RowId)
    error: Mapped[str | None] = mapped_column(AnyText)
    # Last, so that SQLite reads the columns before it without touching its pages.
    report: Mapped[str | None] = mapped_column(Text)


class UploadRow(Base):
    """The picture of an accepted check; deleted with the transaction that stores its report."""

    __tablename__ = "uploads"

    check_id: Mapped[int] = mapped_column(ForeignKey(CheckRow.id, ondelete="CASCADE"), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class EvidenceRow(Base):
    """A file behind a report."""

    __tablename__ = "evidence"

    check_id: Mapped[int] = mapped_column(ForeignKey(CheckRow.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(60))
    expires_at: Mapped[str] = mapped_column(String(40), index=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class DeliveryRow(Base):
    """A result on its way to a callback; `next_at` is empty when it has arrived or was given up."""

    __tablename__ = "deliveries"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name="state"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    check_id: Mapped[int] = mapped_column(ForeignKey(CheckRow.id, ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(AnyText)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[str | None] = mapped_column(String(40), index=True)
    last_error: Mapped[str | None] = mapped_column(AnyText)


class MarkRow(Base):
    """A reviewer's mark; it outlives the report, whose numbers it keeps for calibration."""

    __tablename__ = "marks"
    __table_args__ = (
        CheckConstraint("kind IN ('right', 'wrong', 'not_same')", name="kind"),
        UniqueConstraint("token", "key_id"),
        Index("ix_marks_query_sha256_kind", "query_sha256", "kind"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    token: Mapped[str] = mapped_column(String(32))
    key_id: Mapped[int] = mapped_column(RowId)
    kind: Mapped[str] = mapped_column(String(10))
    query_sha256: Mapped[str] = mapped_column(String(64))
    reference_id: Mapped[int | None] = mapped_column(RowId)
    verdict: Mapped[str] = mapped_column(String(12))
    confidence: Mapped[float] = mapped_column(Float)
    note: Mapped[str | None] = mapped_column(AnyText)
    created_at: Mapped[str] = mapped_column(String(40))


class AuditRow(Base):
    """Who did what; rows are only ever added."""

    __tablename__ = "audit_log"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[str] = mapped_column(String(40), index=True)
    key_id: Mapped[int] = mapped_column(RowId)
    key_name: Mapped[str] = mapped_column(AnyText)
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(AnyText)
    details: Mapped[str] = mapped_column(Text)
