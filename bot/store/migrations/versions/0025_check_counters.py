# SPDX-License-Identifier: GPL-2.0-or-later
"""Counters of the checks for Patchwork, kept by triggers as those of mails: by status, and the outcomes of attempts."""

from alembic import op

from bot.store.sqlalchemy_dialect import drop_trigger, trigger

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_ADD = """
INSERT INTO counter (name, label, value) SELECT '{name}', {label}, 0
  WHERE NOT EXISTS (SELECT 1 FROM counter WHERE name = '{name}' AND label = {label});
UPDATE counter SET value = value + {number} WHERE name = '{name}' AND label = {label};"""
_OUTCOME = "CASE NEW.status WHEN 'queued' THEN 'failed' ELSE NEW.status END"
"""The outcome of an attempt: a check that is still queued after it will be tried again."""
_HAS_OUTCOME = "NEW.attempts > OLD.attempts OR NEW.status = 'withdrawn' AND OLD.status != 'withdrawn'"
_TRIGGERS = ("count_check_insert", "count_check_delete", "count_check_update", "count_check_outcome")


def _add(name: str, label: str, number: int) -> str:
    """Return statements that change a counter. An upsert would follow the conflict clause of the outer statement."""
    return _ADD.format(name=name, label=label, number=number)


def upgrade() -> None:
    op.execute("INSERT INTO counter SELECT 'check', status, count(*) FROM patch_check GROUP BY 2")
    bodies = (
        ("INSERT", "", _add("check", "NEW.status", 1)),
        ("DELETE", "", _add("check", "OLD.status", -1)),
        (
            "UPDATE OF status",
            "OLD.status != NEW.status",
            _add("check", "OLD.status", -1) + _add("check", "NEW.status", 1),
        ),
        ("UPDATE OF status, attempts", _HAS_OUTCOME, _add("check-outcome", _OUTCOME, 1)),
    )
    for name, (event, condition, body) in zip(_TRIGGERS, bodies, strict=True):
        for statement in trigger(op.get_bind(), name, event, "patch_check", condition, body):
            op.execute(statement)


def downgrade() -> None:
    for name in _TRIGGERS:
        op.execute(drop_trigger(op.get_bind(), name))
    op.execute("DELETE FROM counter WHERE name IN ('check', 'check-outcome')")
