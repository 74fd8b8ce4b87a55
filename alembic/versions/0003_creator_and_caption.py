"""Who made a trusted picture, and what its caption says.

Revision 0003, follows 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reference_images", sa.Column("creator", sa.Text()))
    op.add_column("reference_images", sa.Column("caption", sa.Text()))


def downgrade() -> None:
    op.drop_column("reference_images", "caption")
    op.drop_column("reference_images", "creator")
