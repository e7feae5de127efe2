# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail's row names the mail that a person replied to with it, so that answered findings are not repeated."""

import sqlalchemy as sa
from alembic import op

from bot.store.sqlalchemy_dialect import partial

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("in_reply_to", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_message_in_reply_to", "message", ["in_reply_to"], unique=False, **partial("in_reply_to != ''"))


def downgrade() -> None:
    op.drop_index("ix_message_in_reply_to", "message")
    op.drop_column("message", "in_reply_to")
