# SPDX-License-Identifier: GPL-2.0-or-later
"""What retention removed, and since when an image was used."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from bot.store.sqlalchemy_dialect import partial

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # ADD COLUMN rewrites no row: these tables are large.
    op.add_column("mail", sa.Column("pruned", sqltypes.UTCDateTime(), nullable=True))
    op.create_index("ix_mail_unpruned", "mail", ["arrived"], **partial("pruned IS NULL"))
    op.add_column("review", sa.Column("pruned", sqltypes.UTCDateTime(), nullable=True))
    op.add_column("blob", sa.Column("used", sqltypes.UTCDateTime(), nullable=True))
    used = sa.table("blob", sa.column("used", sqltypes.UTCDateTime()))
    op.execute(used.update().values(used=datetime.now(UTC)))


def downgrade() -> None:
    op.drop_column("blob", "used")
    op.drop_column("review", "pruned")
    op.drop_index("ix_mail_unpruned", "mail")
    op.drop_column("mail", "pruned")
