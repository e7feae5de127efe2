# SPDX-License-Identifier: GPL-2.0-or-later
"""Counters that triggers keep, and the runs of jobs: metrics and the health page never count rows."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_WORD = "CASE WHEN {row}state = 'complete' THEN coalesce(nullif({row}verdict, ''), 'due') ELSE {row}state END"
_COUNTED = {
    "mail": ("mail", "{row}state", "state"),
    "series": ("posting", _WORD, "state, verdict"),
    "outgoing": ("outgoing", "{row}state", "state"),
}
"""The name of a counter, its table, the expression of its label, and the columns that the label depends on."""
_EVENTS = {
    "review": ("posting", "verdict", "OLD.verdict = '' AND NEW.verdict != ''"),
    "delivery": ("outgoing", "state", "OLD.state = 'sending' AND NEW.state != 'sending'"),
}
"""The name of a counter that only grows, its table, the column of its label, and when a change counts."""
_ADD = """
INSERT INTO counter (name, label, value) SELECT '{name}', {label}, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = '{name}' AND label = {label});
UPDATE counter SET value = value + {number} WHERE name = '{name}' AND label = {label};"""
_COUNT = "INSERT INTO counter SELECT '{name}', {label}, count(*) FROM {table} GROUP BY 2"


def _add(name: str, label: str, number: int) -> str:
    """Return statements that change a counter. An upsert would follow the conflict clause of the outer statement."""
    return _ADD.format(name=name, label=label, number=number)


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name="pk_counter"),
    )
    op.create_table(
        "job_run",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "process")),
        sa.Column("started", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("succeeded", sqltypes.UTCDateTime(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("runs", "failures")),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("seconds", "last_seconds", "max_gap")),
        sa.PrimaryKeyConstraint("name", name="pk_job_run"),
    )
    op.create_table(
        "source_read",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("read", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_read"),
    )
    for name, (table, label, columns) in _COUNTED.items():
        new, old, stored = label.format(row="NEW."), label.format(row="OLD."), label.format(row="")
        op.execute(_COUNT.format(name=name, label=stored, table=table))
        op.execute(f"CREATE TRIGGER count_{name}_insert AFTER INSERT ON {table} BEGIN {_add(name, new, 1)} END")
        op.execute(f"CREATE TRIGGER count_{name}_delete AFTER DELETE ON {table} BEGIN {_add(name, old, -1)} END")
        op.execute(
            f"CREATE TRIGGER count_{name}_update AFTER UPDATE OF {columns} ON {table} WHEN {old} != {new} "
            f"BEGIN {_add(name, old, -1)} {_add(name, new, 1)} END"
        )
    for name, (table, column, condition) in _EVENTS.items():
        op.execute(
            f"CREATE TRIGGER count_{name} AFTER UPDATE OF {column} ON {table} WHEN {condition} "
            f"BEGIN {_add(name, f'NEW.{column}', 1)} END"
        )


def downgrade() -> None:
    for name in _EVENTS:
        op.execute(f"DROP TRIGGER count_{name}")
    for name in _COUNTED:
        for event in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER count_{name}_{event}")
    for table in ("source_read", "job_run", "counter"):
        op.drop_table(table)
