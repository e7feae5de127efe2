# SPDX-License-Identifier: GPL-2.0-or-later
"""The database's own name and generation; mails in archives that look like ours and are not in the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sqltypes.AutoString(), nullable=False),
        sa.Column("created", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("secret", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "claim",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("in_reply_to", sqltypes.AutoString(), nullable=False),
        sa.Column("arrived", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("raw_mail", sa.Integer(), nullable=False),
        sa.Column("judgement", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_claim")),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_judgement"), ["judgement"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claim_judgement"))
    op.drop_table("claim")
    op.drop_table("installation")
