# SPDX-License-Identifier: GPL-2.0-or-later
"""Counters that triggers keep, and the runs of jobs: metrics and the health page never count rows."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from bot.store.sqlalchemy_dialect import drop_trigger, trigger

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


def _create(name: str, event: str, table: str, condition: str, body: str) -> None:
    for statement in trigger(op.get_bind(), name, event, table, condition, body):
        op.execute(statement)


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
        _create(f"count_{name}_insert", "INSERT", table, "", _add(name, new, 1))
        _create(f"count_{name}_delete", "DELETE", table, "", _add(name, old, -1))
        moved = f"{_add(name, old, -1)} {_add(name, new, 1)}"
        _create(f"count_{name}_update", f"UPDATE OF {columns}", table, f"{old} != {new}", moved)
    for name, (table, column, condition) in _EVENTS.items():
        _create(f"count_{name}", f"UPDATE OF {column}", table, condition, _add(name, f"NEW.{column}", 1))


def downgrade() -> None:
    for name in _EVENTS:
        op.execute(drop_trigger(op.get_bind(), f"count_{name}"))
    for name in _COUNTED:
        for event in ("insert", "delete", "update"):
            op.execute(drop_trigger(op.get_bind(), f"count_{name}_{event}"))
    for table in ("source_read", "job_run", "counter"):
        op.drop_table(table)
