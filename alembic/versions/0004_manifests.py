"""The content credentials (C2PA manifests) of trusted pictures.

Revision 0004, follows 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "manifests",
        sa.Column("reference_id", row_id, nullable=False),
        sa.Column("manifest_id", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reference_id", name="pk_manifests"),
        sa.ForeignKeyConstraint(
            ["reference_id"],
            ["reference_images.id"],
            name="fk_manifests_reference_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_manifests_manifest_id", "manifests", ["manifest_id"])


def downgrade() -> None:
    op.drop_table("manifests")
