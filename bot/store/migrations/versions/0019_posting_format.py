# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings are stored in the format of bot.mail.posting_codec, which earlier versions cannot read.

Stored postings stay as they are: both formats are read, and a posting gets the new one when it is stored again.
"""

import sqlalchemy as sa
from alembic import op

from bot.mail.posting_codec import no_mails
from bot.store.codec import encode, posting_of

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NEW_FORMAT = b"\x01"


def upgrade() -> None:
    """Change nothing, but let an earlier version say that a newer one wrote the database."""


def downgrade() -> None:
    for table, key, column in (("posting", "message_id", "value"), ("review", "posting_id", "posting")):
        rows = sa.table(table, sa.column(key, sa.String()), sa.column(column, sa.LargeBinary()))
        stored = op.get_bind().execute(sa.select(rows.c[key], rows.c[column])).all()
        for name, value in stored:
            if value.startswith(_NEW_FORMAT):
                old = encode(posting_of(value, no_mails))
                op.execute(rows.update().where(rows.c[key] == name).values({column: old}))
