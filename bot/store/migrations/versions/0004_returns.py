# SPDX-License-Identifier: GPL-2.0-or-later
"""What came back of our mails; a review shares its posting with the posting's own row where both are the same."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from bot.store.sqlalchemy_dialect import has_earlier_rows

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "returned",
        sa.Column("message_id", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqltypes.AutoString(), nullable=False),
        sa.Column("place", sqltypes.AutoString(), nullable=False),
        sa.Column("detail", sqltypes.AutoString(), nullable=False),
        sa.Column("noticed", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "kind", "place", name=op.f("pk_returned")),
    )
    with op.batch_alter_table("returned", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_returned_noticed"), ["noticed"], unique=False)
    if has_earlier_rows(op.get_bind()):
        op.execute(
            "UPDATE review SET posting = x'' WHERE posting = "
            "(SELECT value FROM posting WHERE posting.message_id = review.posting_id)"
        )


def downgrade() -> None:
    op.execute(
        "UPDATE review SET posting = "
        "(SELECT value FROM posting WHERE posting.message_id = review.posting_id) WHERE posting = x''"
    )
    with op.batch_alter_table("returned", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_returned_noticed"))

    op.drop_table("returned")
