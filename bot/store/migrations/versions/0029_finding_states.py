# SPDX-License-Identifier: GPL-2.0-or-later
"""The column of a finding's state is named after it, and so are the fields of stored reviews.

Stored reviews stay as they are: both names are read, and a review gets the new ones when it is stored again.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.mail.packed import pack, unpack

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("standing", "state")


def _rename(old: str, new: str) -> None:
    for table in ("finding", "finding_count"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def downgrade() -> None:
    _rename("state", "standing")
    rows = sa.table("review", sa.column("posting_id", sa.String()), sa.column("value", sa.LargeBinary()))
    for posting_id, value in op.get_bind().execute(sa.select(rows.c.posting_id, rows.c.value)).all():
        review: dict[str, Any] = json.loads(unpack(value))
        if "findings" in review:
            review["comments"] = [
                {"standing" if name == "state" else name: field for name, field in finding.items()}
                for finding in review.pop("findings")
            ]
            old = pack(json.dumps(review, separators=(",", ":")).encode("ascii"))
            op.execute(rows.update().where(rows.c.posting_id == posting_id).values(value=old))
