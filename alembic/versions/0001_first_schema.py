"""The first schema: references, files, descriptors, ingest runs, meta.

Revision 0001, follows nothing.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "reference_images",
        sa.Column("id", row_id, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pixel_sha256", sa.String(64)),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("credit", sa.Text()),
        sa.Column("license", sa.Text()),
        sa.Column("captured_at", sa.Text()),
        sa.Column("ingested_at", sa.String(40), nullable=False),
        sa.Column("thumbnail", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("sha256", name="uq_reference_images_sha256"),
        sa.CheckConstraint(
            "status IN ('active', 'withdrawn', 'superseded')", name=op.f("ck_reference_images_status")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reference_images"),
        sqlite_autoincrement=True,
    )
    for column in ("pixel_sha256", "path", "status"):
        op.create_index(f"ix_reference_images_{column}", "reference_images", [column])
    op.create_table(
        "files",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("reference_id", row_id, nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_files"),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["reference_images.id"],
            name="fk_files_reference_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_files_reference_id", "files", ["reference_id"])
    op.create_table(
        "descriptors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("reference_id", row_id, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "reference_id", name="pk_descriptors"),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["reference_images.id"],
            name="fk_descriptors_reference_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "ingest_runs",
        sa.Column("id", row_id, nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("finished_at", sa.String(40)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_runs"),
    )
    meta = op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.bulk_insert(
        meta, [{"key": "uuid", "value": str(uuid.uuid4())}, {"key": "generation", "value": "0"}]
    )


def downgrade() -> None:
    for table in ("meta", "ingest_runs", "descriptors", "files", "reference_images"):
        op.drop_table(table)
