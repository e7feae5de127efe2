# SPDX-License-Identifier: GPL-2.0-or-later
"""Bounces of earlier versions had no token: they are notices from now on and stop nothing."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE returned SET kind = 'unverified' WHERE kind = 'bounce'")


def downgrade() -> None:
    op.execute("UPDATE OR IGNORE returned SET kind = 'bounce' WHERE kind = 'unverified'")
    op.execute("DELETE FROM returned WHERE kind = 'unverified'")
