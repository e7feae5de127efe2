# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings refer to the raw mails that contain their texts, which earlier versions cannot read.

Stored postings stay as they are: all formats are read, and a posting gets the new one when it is stored again. In
SQLite, tables that have only keys no longer have them a second time.
"""

import sqlalchemy as sa
from alembic import op

from bot.mail.posting_codec import no_mails
from bot.store.blocks import BlockReader, driver
from bot.store.codec import encode, posting_of

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NEW_FORMAT = b"\x02"


def upgrade() -> None:
    """Store tables of keys once. An earlier version says that a newer one wrote the database."""
    _recreate_tables(has_rowid=False)


def _recreate_tables(*, has_rowid: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("posting_list", "posting_part"):
            options = {"sqlite_with_rowid": has_rowid}
            with op.batch_alter_table(table, recreate="always", table_kwargs=options):
                pass


def downgrade() -> None:
    _recreate_tables(has_rowid=True)
    mails = {"posting": BlockReader(driver(op.get_bind())).mails, "review": no_mails}
    for table, key, column in (("posting", "message_id", "value"), ("review", "posting_id", "posting")):
        rows = sa.table(table, sa.column(key, sa.String()), sa.column(column, sa.LargeBinary()))
        stored = op.get_bind().execute(sa.select(rows.c[key], rows.c[column])).all()
        for name, value in stored:
            if value.startswith(_NEW_FORMAT):
                old = encode(posting_of(value, mails[table]))
                op.execute(rows.update().where(rows.c[key] == name).values({column: old}))
