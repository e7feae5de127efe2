# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables and columns are named after what they hold; no data changes."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = (
    ("answered", "outgoing_part"),
    ("claim", "unknown_mail"),
    ("completion", "backfill"),
    ("heard", "command_mail"),
    ("returned", "delivery_event"),
)
_COLUMNS = (
    ("command_mail", "answered", "has_reply"),
    ("command_mail", "heard", "processed"),
    ("disposition", "answer", "kind"),
    ("unknown_mail", "judgement", "status"),
    ("verdict", "said", "mailed"),
)
_INDEXES = (
    ("outgoing_part", "outgoing_id", "ix_answered_outgoing_id"),
    ("unknown_mail", "status", "ix_claim_judgement"),
    ("command_mail", "sender", "ix_heard_sender"),
    ("delivery_event", "noticed", "ix_returned_noticed"),
)
_CURSORS = (("answers", "commands"), ("returns", "bounces"))
_RENAME_CURSOR = sa.text("UPDATE cursor SET source = :new WHERE source = :old AND epoch = 'mails'")


def upgrade() -> None:
    for old, new in _TABLES:
        op.rename_table(old, new)
    for table, old, new in _COLUMNS:
        op.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO "{new}"')
    for table, column, old in _INDEXES:
        op.drop_index(old, table)
        op.create_index(f"ix_{table}_{column}", table, [column], unique=False)
    for old, new in _CURSORS:
        op.execute(_RENAME_CURSOR.bindparams(old=old, new=new))


def downgrade() -> None:
    for old, new in _CURSORS:
        op.execute(_RENAME_CURSOR.bindparams(old=new, new=old))
    for table, column, _ in _INDEXES:
        op.drop_index(f"ix_{table}_{column}", table)
    for table, old, new in _COLUMNS:
        op.execute(f'ALTER TABLE {table} RENAME COLUMN "{new}" TO "{old}"')
    for old, new in _TABLES:
        op.rename_table(new, old)
    old_tables = {new: old for old, new in _TABLES}
    old_columns = {(table, new): old for table, old, new in _COLUMNS}
    for table, column, old in _INDEXES:
        op.create_index(old, old_tables[table], [old_columns.get((table, column), column)], unique=False)
