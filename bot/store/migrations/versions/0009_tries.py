# SPDX-License-Identifier: GPL-2.0-or-later
"""A posting remembers how often its review exceeded the limits: it is due again after all that never did."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_index("ix_posting_due")
        batch_op.create_index("ix_posting_due", ["state", "verdict", "tries", "sent"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("posting", schema=None) as batch_op:
        batch_op.drop_index("ix_posting_due")
        batch_op.create_index("ix_posting_due", ["state", "verdict", "sent"], unique=False)
        batch_op.drop_column("tries")
