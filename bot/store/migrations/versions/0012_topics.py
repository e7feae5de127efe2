# SPDX-License-Identifier: GPL-2.0-or-later
"""The topic of a series with a change-id names its author too: anybody can copy a change-id."""

import json
import zlib
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from bot.store.sqlalchemy_dialect import has_earlier_rows

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_LEVEL = 3


def upgrade() -> None:
    connection = op.get_bind()
    if not has_earlier_rows(connection):
        return
    topics: dict[str, set[str]] = defaultdict(set)
    # A topic of author and subject has a space, a change-id has none.
    old = "FROM posting WHERE instr(topic, ' ') = 0"
    for (message_id,) in connection.execute(sa.text(f"SELECT message_id {old}")).all():
        row = {"id": message_id}
        topic, value, reviewed = connection.execute(
            sa.text(
                "SELECT topic, posting.value, review.posting FROM posting LEFT JOIN review ON posting_id = message_id"
                " WHERE message_id = :id"
            ),
            row,
        ).one()
        value, named = _with_author(value)
        reviewed, named_then = _with_author(reviewed)
        if not (named or named_then):
            continue
        topics[topic].update(filter(None, (named, named_then)))
        connection.execute(
            sa.text("UPDATE posting SET topic = :topic, value = :value WHERE message_id = :id"),
            row | {"topic": named or named_then, "value": value},
        )
        connection.execute(
            sa.text("UPDATE review SET posting = :posting WHERE posting_id = :id"), row | {"posting": reviewed}
        )
    for topic, named_topics in topics.items():
        for name in sorted(named_topics):
            values = {"old": topic, "new": name}
            connection.execute(
                sa.text(
                    "INSERT OR IGNORE INTO disposition SELECT :new, fingerprint, by, rule, answer, reason, message_id,"
                    " given FROM disposition WHERE topic = :old"
                ),
                values,
            )
            connection.execute(
                sa.text(
                    "INSERT OR IGNORE INTO mute SELECT scope, :new, by, message_id, given FROM mute"
                    " WHERE scope = 'series' AND subject = :old"
                ),
                values,
            )
        connection.execute(sa.text("DELETE FROM disposition WHERE topic = :old"), {"old": topic})
        connection.execute(sa.text("DELETE FROM mute WHERE scope = 'series' AND subject = :old"), {"old": topic})


def _with_author(stored: bytes | None) -> tuple[bytes | None, str]:
    """Return the stored posting with its author in the topic, and that topic; "" where nothing is stored."""
    if not stored:
        return stored, ""
    posting = json.loads(zlib.decompress(stored))
    if " " not in posting["topic"]:
        posting["topic"] = f"{posting['author']['address'].lower()} {posting['topic']}"
    text = json.dumps(posting, separators=(",", ":")).encode("ascii")
    return zlib.compress(text, _LEVEL), posting["topic"]


def downgrade() -> None:
    """Keep the topics: an older version only compares them, and does not find the earlier revisions of these series."""
