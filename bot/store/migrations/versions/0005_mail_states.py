# SPDX-License-Identifier: GPL-2.0-or-later
"""The outbox says "unconfirmed" instead of "doubtful", and "withdrawn" for mails that are no longer allowed."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE outgoing SET state = 'unconfirmed' WHERE state = 'doubtful'")
    op.execute(
        "UPDATE outgoing SET state = 'withdrawn' WHERE state = 'expired'"
        " AND (reason = 'dropped by hand' OR reason LIKE 'older-revision:%')"
    )
    op.execute("UPDATE outgoing SET state = 'withdrawn' WHERE state = 'refused' AND reason LIKE 'muted (%'")


def downgrade() -> None:
    op.execute("UPDATE outgoing SET state = 'doubtful' WHERE state = 'unconfirmed'")
    op.execute("UPDATE outgoing SET state = 'refused' WHERE state = 'withdrawn' AND reason LIKE 'muted (%'")
    op.execute("UPDATE outgoing SET state = 'expired' WHERE state = 'withdrawn'")
