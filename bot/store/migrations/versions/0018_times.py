# SPDX-License-Identifier: GPL-2.0-or-later
"""What a round of a job reads is found by its time, however much is stored."""

from alembic import op

from bot.store.sqlalchemy_dialect import partial

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INDEXES = {"posting": ("arrived", "sent"), "review": ("reviewed",), "outgoing": ("changed", "created")}


def upgrade() -> None:
    for table, columns in _INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
    op.drop_index("ix_posting_uncompared", "posting")
    op.create_index("ix_posting_uncompared", "posting", ["arrived"], unique=False, **partial("compared = 0"))
    op.create_index(
        "ix_outgoing_deliverable",
        "outgoing",
        ["created", "message_id"],
        unique=False,
        **partial("state IN ('queued', 'approved')"),
    )


def downgrade() -> None:
    op.drop_index("ix_outgoing_deliverable", "outgoing")
    op.drop_index("ix_posting_uncompared", "posting")
    op.create_index(
        "ix_posting_uncompared",
        "posting",
        ["arrived"],
        unique=False,
        **partial("compared = 0 AND state = 'complete'"),
    )
    for table, columns in _INDEXES.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
