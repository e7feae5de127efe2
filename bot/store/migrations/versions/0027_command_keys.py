# SPDX-License-Identifier: GPL-2.0-or-later
"""Further keys of mails with commands, by which changed copies are known."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "command_key",
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("command_mail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_command_key")),
    )


def downgrade() -> None:
    op.drop_table("command_key")
