"""What a service remembers: keys, collections, checks, deliveries, marks, the audit log.

Revision 0002, follows 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("revoked_at", sa.String(40)),
        sa.CheckConstraint("role IN ('checker', 'curator', 'admin')", name=op.f("ck_api_keys_role")),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_log",
        sa.Column("id", row_id, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("key_id", row_id, nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.create_table(
        "checks",
        sa.Column("id", row_id, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("key_id", row_id, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text()),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("finished_at", sa.String(40)),
        sa.Column("stage", sa.String(20)),
        sa.Column("worker", sa.String(32)),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(12)),
        sa.Column("confidence", sa.Float()),
        sa.Column("query_sha256", sa.String(64)),
        sa.Column("reference_id", row_id),
        sa.Column("error", sa.Text()),
        sa.Column("report", sa.Text()),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_checks_state")),
        sa.PrimaryKeyConstraint("id", name="pk_checks"),
        sa.UniqueConstraint("key_id", "idempotency_key", name="uq_checks_key_id"),
        sa.UniqueConstraint("token", name="uq_checks_token"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_checks_created_at", "checks", ["created_at"])
    op.create_index("ix_checks_key_id", "checks", ["key_id"])
    op.create_index("ix_checks_query_sha256", "checks", ["query_sha256"])
    op.create_index("ix_checks_state_id", "checks", ["state", "id"])
    op.create_table(
        "collections",
        sa.Column("id", row_id, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("min_confidence", sa.Float()),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("name", name="uq_collections_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "marks",
        sa.Column("id", row_id, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("key_id", row_id, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("query_sha256", sa.String(64), nullable=False),
        sa.Column("reference_id", row_id),
        sa.Column("verdict", sa.String(12), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.CheckConstraint("kind IN ('right', 'wrong', 'not_same')", name=op.f("ck_marks_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_marks"),
        sa.UniqueConstraint("token", "key_id", name="uq_marks_token"),
    )
    op.create_index("ix_marks_query_sha256_kind", "marks", ["query_sha256", "kind"])
    op.create_table(
        "collection_members",
        sa.Column("reference_id", row_id, nullable=False),
        sa.Column("collection_id", row_id, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name="fk_collection_members_collection_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["reference_images.id"],
            name="fk_collection_members_reference_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("reference_id", "collection_id", name="pk_collection_members"),
    )
    op.create_index("ix_collection_members_collection_id", "collection_members", ["collection_id"])
    op.create_table(
        "deliveries",
        sa.Column("id", row_id, nullable=False),
        sa.Column("check_id", row_id, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(40)),
        sa.Column("last_error", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name="fk_deliveries_check_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_check_id", "deliveries", ["check_id"])
    op.create_index("ix_deliveries_next_at", "deliveries", ["next_at"])
    op.create_table(
        "evidence",
        sa.Column("check_id", row_id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("media_type", sa.String(60), nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name="fk_evidence_check_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("check_id", "name", name="pk_evidence"),
    )
    op.create_index("ix_evidence_expires_at", "evidence", ["expires_at"])
    op.create_table(
        "uploads",
        sa.Column("check_id", row_id, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name="fk_uploads_check_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("check_id", name="pk_uploads"),
    )


def downgrade() -> None:
    for table in (
        "uploads",
        "evidence",
        "deliveries",
        "collection_members",
        "marks",
        "collections",
        "checks",
        "audit_log",
        "api_keys",
    ):
        op.drop_table(table)
