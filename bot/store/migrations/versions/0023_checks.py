# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of patches that are posted to Patchwork."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TEXTS = ("message_id", "project", "posting_id", "state", "description", "target_url", "status", "reason")


def upgrade() -> None:
    op.create_table(
        "patch_check",
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("posted", sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "project", name="pk_patch_check"),
    )
    op.create_index("ix_patch_check_due", "patch_check", ["status", "due"], unique=False)
    op.create_index("ix_patch_check_posted", "patch_check", ["posted"], unique=False)


def downgrade() -> None:
    op.drop_table("patch_check")
