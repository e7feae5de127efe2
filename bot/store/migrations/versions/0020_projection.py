# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings, parts, lists and subjects as rows and columns; `run` or `rebuild` fills them for the stored postings."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from bot.store.sqlalchemy_dialect import listed_columns, partial

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TEXTS = ("subject", "author", "author_name", "severity")
_NUMBERS = ("projection", "patches", "expected", "findings", "reported")
_LISTED = (
    *("state", "verdict", "severity", "author", "subject", "author_name", "topic", "revision", "patches", "expected"),
    *("arrived", "reviewed", "findings", "reported", "reason"),
)
_INDEXES = {
    "ix_posting_newest": (("sent", "message_id"), _LISTED),
    "ix_posting_author": (("author", "sent", "message_id"), ()),
}


def upgrade() -> None:
    # ADD COLUMN rewrites no row: this table is large.
    for name in _TEXTS:
        op.add_column("posting", sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''")))
    for name in _NUMBERS:
        op.add_column("posting", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("posting", sa.Column("reviewed", sqltypes.UTCDateTime(), nullable=True))
    for name, (columns, listed) in _INDEXES.items():
        op.create_index(name, "posting", listed_columns(op.get_bind(), columns, listed), unique=False)
    op.create_index("ix_posting_unprojected", "posting", ["message_id"], unique=False, **partial("projection = 0"))
    op.create_table(
        "finding",
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reviewed", sqltypes.UTCDateTime(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("rule", "severity", "confidence")),
        sa.Column("patch", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("standing", "withheld", "fingerprint", "message")),
        sa.PrimaryKeyConstraint("posting_id", "position", name="pk_finding"),
    )
    op.create_index("ix_finding_rule", "finding", ["rule", "reviewed", "posting_id", "position"], unique=False)
    op.create_table(
        "posting_list",
        sa.Column("list", sa.String(), nullable=False),
        sa.Column("sent", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("list", "sent", "posting_id", name="pk_posting_list"),
    )
    op.create_index("ix_posting_list_posting_id", "posting_list", ["posting_id"], unique=False)
    op.create_table(
        "posting_part",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "posting_id", name="pk_posting_part"),
    )
    op.create_index("ix_posting_part_posting_id", "posting_part", ["posting_id"], unique=False)
    op.create_table(
        "finding_count",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("rule", "month", "standing", "outcome")),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "month", "standing", "outcome", name="pk_finding_count"),
    )


def downgrade() -> None:
    for table in ("finding_count", "posting_part", "posting_list", "finding"):
        op.drop_table(table)
    for name in (*_INDEXES, "ix_posting_unprojected"):
        op.drop_index(name, "posting")
    for name in (*_TEXTS, *_NUMBERS, "reviewed"):
        op.drop_column("posting", name)
