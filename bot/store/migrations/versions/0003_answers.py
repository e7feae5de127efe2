# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers: dispositions, mutes, the mails to us that were heard, and the verdicts that were mailed."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disposition",
        sa.Column("topic", sqltypes.AutoString(), nullable=False),
        sa.Column("fingerprint", sqltypes.AutoString(), nullable=False),
        sa.Column("by", sqltypes.AutoString(), nullable=False),
        sa.Column("rule", sqltypes.AutoString(), nullable=False),
        sa.Column("answer", sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqltypes.AutoString(), nullable=False),
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("given", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "fingerprint", "by", name=op.f("pk_disposition")),
    )
    with op.batch_alter_table("disposition", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disposition_rule"), ["rule"], unique=False)

    op.create_table(
        "mute",
        sa.Column("scope", sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqltypes.AutoString(), nullable=False),
        sa.Column("by", sqltypes.AutoString(), nullable=False),
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("given", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name=op.f("pk_mute")),
    )
    op.create_table(
        "heard",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("sender", sqltypes.AutoString(), nullable=False),
        sa.Column("outcome", sqltypes.AutoString(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("heard", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_heard")),
    )
    with op.batch_alter_table("heard", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_heard_sender"), ["sender"], unique=False)

    op.create_table(
        "verdict",
        sa.Column("posting_id", sqltypes.AutoString(), nullable=False),
        sa.Column("verdict", sqltypes.AutoString(), nullable=False),
        sa.Column("said", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", "verdict", name=op.f("pk_verdict")),
    )


def downgrade() -> None:
    op.drop_table("verdict")
    with op.batch_alter_table("heard", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_heard_sender"))

    op.drop_table("heard")
    op.drop_table("mute")
    with op.batch_alter_table("disposition", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_disposition_rule"))

    op.drop_table("disposition")
