# SPDX-License-Identifier: GPL-2.0-or-later
"""The subsystems of postings, their people, and what the Rust code of a kernel tree uses of C."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "posting_subsystem",
        sa.Column("subsystem", sa.String(), nullable=False),
        sa.Column("sent", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("posting_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subsystem", "sent", "posting_id", name="pk_posting_subsystem"),
    )
    op.create_index("ix_posting_subsystem_posting_id", "posting_subsystem", ["posting_id"], unique=False)
    op.create_table(
        "kernel_tree",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("noted", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kernel_tree"),
    )
    op.create_table(
        "used_place",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", "path", "line", "form", name="pk_used_place"),
    )
    op.create_table(
        "subsystem_person",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("subsystem", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("address", "subsystem", name="pk_subsystem_person"),
    )
    op.create_index("ix_collision_name", "collision", ["name"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_collision_name", "collision")
    for table in ("subsystem_person", "used_place", "kernel_tree", "posting_subsystem"):
        op.drop_table(table)
