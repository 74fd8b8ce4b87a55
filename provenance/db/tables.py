"""The tables, typed. A reference is content and never changes its bytes; a file is a path that points to one.

    reference_images   one row per trusted picture, known by the sha256 of its file
    files              paths seen by ingest; several may hold the same bytes
    manifests          content credentials of those that have them
    descriptors        blobs keyed by name and version, see `descriptors.py` for their layout
    ingest_runs        who asked for what, and what came of it
    meta               uuid and generation of the database, descriptors it was made with

Times are ISO 8601 text in UTC, except `captured_at`, which EXIF gives without a zone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

_SURROGATES = {code: code + 0x102000 for code in range(0xD800, 0xE000)}
_TO_DATABASE = _SURROGATES | {0: None}
_FROM_DATABASE = {shifted: code for code, shifted in _SURROGATES.items()}

RowId = BigInteger().with_variant(Integer, "sqlite")


class AnyText(TypeDecorator[str]):
    """Text from outside: paths, arguments, picture metadata.

    Bytes of a path that are no UTF-8 (lone surrogates in Python) are kept in the last private plane; NUL,
    which PostgreSQL cannot hold, is left out.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Make the text encodable."""
        return value.translate(_TO_DATABASE) if value is not None else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Give back lone surrogates, so that a path opens its file."""
        return str(value).translate(_FROM_DATABASE) if value is not None else None


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class Reference(Base):
    """A trusted picture. "superseded": its file has other content now; "withdrawn": taken out by hand."""

    __tablename__ = "reference_images"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'withdrawn', 'superseded')", name="status"),
        # Ids are keys of the vector indexes: they must never be given to another picture.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    pixel_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    path: Mapped[str] = mapped_column(AnyText, index=True)
    status: Mapped[str] = mapped_column(String(10), index=True)
    byte_size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    format: Mapped[str] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(AnyText)
    title: Mapped[str | None] = mapped_column(AnyText)
    credit: Mapped[str | None] = mapped_column(AnyText)
    license: Mapped[str | None] = mapped_column(AnyText)
    captured_at: Mapped[str | None] = mapped_column(AnyText)
    ingested_at: Mapped[str] = mapped_column(String(40))
    # Behind most others, so that SQLite reads the columns before it without touching its pages.
    thumbnail: Mapped[bytes] = mapped_column(LargeBinary)
    creator: Mapped[str | None] = mapped_column(AnyText)
    caption: Mapped[str | None] = mapped_column(AnyText)


class File(Base):
    """A path and the reference its bytes are, as of the last ingest."""

    __tablename__ = "files"

    path: Mapped[str] = mapped_column(AnyText, primary_key=True)
    reference_id: Mapped[int] = mapped_column(ForeignKey(Reference.id, ondelete="CASCADE"), index=True)
    byte_size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)


class Manifest(Base):
    """The content credentials of a reference, as read when its file was ingested."""

    __tablename__ = "manifests"

    reference_id: Mapped[int] = mapped_column(ForeignKey(Reference.id, ondelete="CASCADE"), primary_key=True)
    manifest_id: Mapped[str] = mapped_column(AnyText, index=True)
    credentials: Mapped[str] = mapped_column(AnyText)
    """ContentCredentials as JSON."""


class Descriptor(Base):
    """One descriptor of one reference; the key begins with the name, as scans go by descriptor."""

    __tablename__ = "descriptors"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(AnyText, primary_key=True)
    reference_id: Mapped[int] = mapped_column(ForeignKey(Reference.id, ondelete="CASCADE"), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class IngestRun(Base):
    """One ingest; `finished_at` stays empty when it was killed."""

    __tablename__ = "ingest_runs"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    started_at: Mapped[str] = mapped_column(String(40))
    finished_at: Mapped[str | None] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(16))
    arguments: Mapped[str] = mapped_column(Text)
    counts: Mapped[str | None] = mapped_column(Text)


class Meta(Base):
    """A named value of the database itself."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(AnyText)
