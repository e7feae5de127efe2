# SPDX-License-Identifier: GPL-2.0-or-later
"""How each mail came here, and the lists that brought it.

What is here counts as followed. Threads of mails that wait are read again: whom a mail may go to depends on the lists
that brought its series.
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "mail", sa.Column("provenance", sqltypes.AutoString(), nullable=False, server_default=sa.text("'followed'"))
    )
    op.add_column("message", sa.Column("followed", sa.Boolean(), nullable=False, server_default=sa.text("1")))
    op.add_column("message", sa.Column("carriers", sqltypes.AutoString(), nullable=True))
    op.execute(
        "UPDATE thread SET changed = changed + 1 WHERE id IN (SELECT thread_id FROM posting WHERE message_id IN "
        "(SELECT posting_id FROM outgoing WHERE state IN ('queued', 'held', 'approved')))"
    )


def downgrade() -> None:
    op.drop_column("message", "carriers")
    op.drop_column("message", "followed")
    op.drop_column("mail", "provenance")
