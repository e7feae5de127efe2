# SPDX-License-Identifier: GPL-2.0-or-later
"""${message}"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
