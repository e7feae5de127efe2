# SPDX-License-Identifier: GPL-2.0-or-later
"""What pending postings change, use and add, and which series collide."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("sent", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_pending"),
    )
    op.create_index("ix_pending_topic", "pending", ["topic"], unique=False)
    op.create_index("ix_pending_sent", "pending", ["sent"], unique=False)
    op.create_table(
        "pending_fact",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "message_id", name="pk_pending_fact"),
    )
    op.create_index("ix_pending_fact_message_id", "pending_fact", ["message_id"], unique=False)
    op.create_table(
        "collision",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("other_topic", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("other_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("found", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "other_topic", name="pk_collision"),
    )
    op.create_index("ix_collision_found", "collision", ["found"], unique=False)


def downgrade() -> None:
    for table in ("collision", "pending_fact", "pending"):
        op.drop_table(table)
