# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a posting concerns a subsystem: the pattern of MAINTAINERS, and a file that it matches."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("pattern", "path"):
        op.add_column("posting_subsystem", sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    for name in ("path", "pattern"):
        op.drop_column("posting_subsystem", name)
