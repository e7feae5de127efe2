# SPDX-License-Identifier: GPL-2.0-or-later
"""The pending postings and their collisions. The rows of pending postings are derived, and can be rebuilt."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from bot.ports.pending import PendingUpdate
from bot.ports.postings import DuePosting
from bot.review.pending import PendingPosting, continues
from bot.store.applied import applied_postings
from bot.store.blocks import BlockReader
from bot.store.codec import decode, encode, posting_of
from bot.store.database import Database
from bot.store.dialect import LISTED, Plain
from bot.store.times import text_of, time_of

_FORGET_FACTS: Final = "DELETE FROM pending_fact WHERE message_id IN (SELECT value FROM json_each(?))"
_FORGET: Final = "DELETE FROM pending WHERE message_id IN (SELECT value FROM json_each(?))"
_COLLISION: Final = """
INSERT INTO collision (topic, other_topic, message_id, other_id, kind, name, found) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""
_WITH_IDS: Final = f"SELECT value FROM pending WHERE message_id IN {LISTED}"  # noqa: S608 a constant
_PENDING: Final = "INSERT INTO pending (message_id, topic, sent, value) VALUES (?, ?, ?, ?)"
_REVIEWED: Final = """
SELECT topic, sent, message_id, value, arrived, tries FROM posting
WHERE state = 'complete' AND verdict = 'reviewed' AND sent >= ? ORDER BY revision, sent"""
_FACT: Final = "INSERT INTO pending_fact (kind, name, message_id) VALUES (?, ?, ?)"


class PendingRows:
    """bot.ports.PendingStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget_pending(self, message_ids: Collection[str]) -> int:
        with self._database.changing() as connection:
            return forget_pending(connection, message_ids)

    def rebuild_pending(self, postings: Iterable[PendingPosting]) -> None:
        with self._database.changing() as connection:
            connection.execute("DELETE FROM pending_fact")
            connection.execute("DELETE FROM pending")
            for posting in postings:
                save_pending(connection, posting)

    def reviewed_since(self, sent: datetime) -> Sequence[DuePosting]:
        """Return the reviewed postings that were sent since then, oldest first; of a topic only the newest revision."""
        with self._database.rows() as connection:
            rows = connection.execute(_REVIEWED, (text_of(sent),))
            newest = {topic: row for topic, *row in rows}
            mails = BlockReader(connection).mails
            return [
                DuePosting(posting_of(value, mails), time_of(arrived), tries)
                for _, _, value, arrived, tries in sorted(newest.values())
            ]


def update_pending(connection: Plain, update: PendingUpdate, now: datetime) -> None:
    """Store what a review found about its posting, and remove the postings that are too old."""
    expired = connection.execute("SELECT message_id FROM pending WHERE sent < ?", (text_of(update.oldest),)).fetchall()
    forget_pending(connection, [message_id for (message_id,) in expired])
    if update.posting.sent >= update.oldest:
        save_pending(connection, update.posting)
    for collision in update.collisions:
        topics = sorted((update.posting.topic, collision.other.topic))
        ids = update.posting.message_id, collision.other.message_id
        connection.execute(_COLLISION, (*topics, *ids, collision.kind.value, collision.name, text_of(now)))


def save_pending(connection: Plain, posting: PendingPosting) -> None:
    """Store a pending posting in the place of earlier revisions of its series, unless its topic has a later one.

    An applied posting is not pending.
    """
    if applied_postings(connection, [posting.message_id]):
        return
    rows = connection.execute("SELECT value FROM pending WHERE topic = ?", (posting.topic,)).fetchall()
    revisions = [decode(PendingPosting, value) for (value,) in rows]
    if any((other.revision, other.sent) > (posting.revision, posting.sent) for other in revisions):
        return
    if posting.earlier:
        linked = connection.execute(_WITH_IDS, (json.dumps(posting.earlier),)).fetchall()
        revisions += filter(partial(continues, posting), (decode(PendingPosting, value) for (value,) in linked))
    forget_pending(connection, [other.message_id for other in revisions])
    connection.execute(_PENDING, (posting.message_id, posting.topic, text_of(posting.sent), encode(posting)))
    facts = [(kind.value, name, posting.message_id) for kind, name in sorted(posting.facts.keys)]
    connection.executemany(_FACT, facts)


def forget_pending(connection: Plain, message_ids: Collection[str]) -> int:
    """Remove postings from the table. Return how many were in it."""
    if not message_ids:
        return 0
    ids = json.dumps(sorted(message_ids))
    connection.execute(_FORGET_FACTS, (ids,))
    return connection.execute(_FORGET, (ids,)).rowcount
