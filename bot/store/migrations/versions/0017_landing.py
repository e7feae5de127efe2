# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches were applied in which commit of a landing ref, and what its moves change for pending postings."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from bot.store.sqlalchemy_dialect import partial

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # ADD COLUMN rewrites no row: this table is large.
    op.add_column("posting", sa.Column("compared", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    op.create_index(
        "ix_posting_uncompared",
        "posting",
        ["arrived"],
        unique=False,
        **partial("compared = 0 AND state = 'complete'"),
    )
    op.create_table(
        "applied_patch",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("landing", sa.String(), nullable=False),
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("noted", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "landing", name="pk_applied_patch"),
    )
    op.create_index("ix_applied_patch_posting_id", "applied_patch", ["posting_id"], unique=False)
    op.create_table(
        "landing_recheck",
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("names", sa.String(), nullable=False),
        sa.Column("queued", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", name="pk_landing_recheck"),
    )
    op.create_table(
        "landing_finding",
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("noted", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", "fingerprint", name="pk_landing_finding"),
    )
    op.create_index("ix_landing_finding_noted", "landing_finding", ["noted"], unique=False)


def downgrade() -> None:
    for table in ("landing_finding", "landing_recheck", "applied_patch"):
        op.drop_table(table)
    op.drop_index("ix_posting_uncompared", "posting")
    op.drop_column("posting", "compared")
