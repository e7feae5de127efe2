# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings are reviewed in the order in which they arrived: a sender chooses the Date of a mail."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index("ix_posting_due")
        batch_op.create_index("ix_posting_due", ["state", "verdict", "tries", "arrived"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index("ix_posting_due")
        batch_op.create_index("ix_posting_due", ["state", "verdict", "tries", "sent"], unique=False)
