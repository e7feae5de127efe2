# SPDX-License-Identifier: GPL-2.0-or-later
"""What following an archive needs: the search for missing parts, and signatures."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "completion",
        sa.Column("posting_id", sqltypes.AutoString(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("outcome", sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_completion")),
    )
    op.create_table(
        "attestation",
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("checked", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_attestation_mail_id_mail")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_attestation")),
    )


def downgrade() -> None:
    op.drop_table("attestation")
    op.drop_table("completion")
