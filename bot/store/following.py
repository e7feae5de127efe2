# SPDX-License-Identifier: GPL-2.0-or-later
"""Missing parts, signatures, and the relation of a posting to other postings."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import func
from sqlmodel import col, or_, select

from bot.mail.attestation import Attestation
from bot.mail.posting import MAX_EARLIER, Posting
from bot.mail.refusal import RefusalContext
from bot.ports.mails import CarrierCount, StoredMail
from bot.ports.postings import Incomplete
from bot.store.codec import decode, encode, posting_of
from bot.store.database import Database
from bot.store.mails import stored_mails
from bot.store.plans import unindexed
from bot.store.shown import time_of
from bot.store.tables import AttestationRow, BackfillRow, MailRow, MessageRow, PostingRow
from bot.store.times import text_of, utc
from rules.lazy import dataclass, replace

_MAX_REPEATS: Final = 10  # postings of one revision; people post one or two
_MAX_TOPIC_AGE: Final = timedelta(days=400)
_ROW: Final = "SELECT thread_id, topic, revision, sent, arrived, value FROM posting WHERE message_id = ?"
_ARRIVALS: Final = """
SELECT min(mail.arrived), max(mail.arrived), max(followed) FROM mail JOIN message ON mail_id = mail.id
WHERE message_id IN (SELECT value FROM json_each(?))"""
_NEWER: Final = """
SELECT max(revision) FROM posting WHERE topic = ? AND state != 'gone' AND revision > ?
AND ((sent >= ? AND sent <= ?) OR (arrived > ? AND arrived <= ?))"""
# As in bot.store.plans: with a plus sign SQLite does not use the index of that column.
_EARLIER_IN_THREAD: Final = """
SELECT value FROM posting WHERE thread_id = ? AND message_id != ? AND state != 'gone' AND +sent <= ?
ORDER BY +sent LIMIT ?"""
_EARLIER_OF_REVISION: Final = """
SELECT message_id, value FROM posting
WHERE topic = ? AND revision = ? AND +state = 'complete' AND verdict IN ('', 'reviewed') AND message_id != ?
AND arrived <= ? AND +sent < ? ORDER BY +sent LIMIT ?"""


class _StoredPosting(NamedTuple):
    """The columns of a posting that decide about its relation to others. The times are as the database stores them."""

    thread: int
    topic: str
    revision: int
    sent: str
    arrived: str
    value: bytes


@dataclass(frozen=True, slots=True)
class _Verified:
    """The content of an AttestationRow."""

    found: tuple[Attestation, ...]


class FollowingRows:
    """bot.ports.BackfillRequests and bot.ports.Attestations over a database, and the context of postings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def incomplete(self, now: datetime, settled: datetime, since: datetime, limit: int) -> Sequence[Incomplete]:
        open_search = (BackfillRow.outcome == "") & (BackfillRow.due <= now)
        waiting = (
            select(PostingRow, BackfillRow)
            .join(BackfillRow, col(BackfillRow.posting_id) == col(PostingRow.message_id), isouter=True)
            .where(PostingRow.state == "waiting", PostingRow.arrived <= settled, PostingRow.sent >= since)
            .where(or_(col(BackfillRow.posting_id).is_(None), open_search))
            .order_by(col(PostingRow.arrived))
            .limit(limit)
        )
        with self._database.reading() as session:
            return [
                Incomplete(posting_of(row.value), 0 if search is None else search.attempts)
                for row, search in session.exec(waiting)
            ]

    def postpone(self, posting: Posting, due: datetime) -> None:
        with self._database.writing() as session:
            row = session.get(BackfillRow, posting.message_id)
            attempts = 1 if row is None else row.attempts + 1
            session.merge(BackfillRow(posting_id=posting.message_id, attempts=attempts, due=due))

    def conclude(self, posting: Posting, outcome: str, now: datetime) -> None:
        with self._database.writing() as session:
            row = session.get(BackfillRow, posting.message_id)
            attempts = 1 if row is None else row.attempts + 1
            session.merge(BackfillRow(posting_id=posting.message_id, attempts=attempts, due=now, outcome=outcome))

    def unattested(self, since: datetime, limit: int) -> Sequence[StoredMail]:
        unknown = (
            select(MailRow)
            .join(AttestationRow, col(AttestationRow.mail_id) == col(MailRow.id), isouter=True)
            .where(unindexed(MailRow.state) == "read", MailRow.arrived >= since, col(AttestationRow.mail_id).is_(None))
            .where(col(MailRow.pruned).is_(None))
            .order_by(col(MailRow.id) + 0)  # In the order of the rows, SQLite would read all old mails first.
            .limit(limit)
        )
        with self._database.reading() as session:
            return list(stored_mails(session, session.exec(unknown)))

    def save_attestations(self, mail: int, attestations: Sequence[Attestation], now: datetime) -> None:
        with self._database.writing() as session:
            session.merge(AttestationRow(mail_id=mail, checked=now, value=encode(_Verified(tuple(attestations)))))

    def attestations(self, message_id: str) -> Sequence[Attestation]:
        with self._database.reading() as session:
            row = session.exec(
                select(AttestationRow)
                .join(MessageRow, col(MessageRow.mail_id) == col(AttestationRow.mail_id))
                .where(MessageRow.message_id == message_id)
            ).first()
            return () if row is None else decode(_Verified, row.value).found

    def carried(self) -> Sequence[CarrierCount]:
        """Return for each source the lists that its mails came through, as far as known, with the number of mails."""
        with self._database.reading() as session:
            counts = (
                select(MailRow.source, MessageRow.carriers, func.count())
                .join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
                .where(col(MessageRow.carriers).is_not(None), MessageRow.carriers != "")
                .group_by(MailRow.source, col(MessageRow.carriers))
            )
            rows = session.exec(counts.order_by(MailRow.source, col(MessageRow.carriers))).all()
            return [CarrierCount(source, tuple((lists or "").lower().split()), mails) for source, lists, mails in rows]

    def context(self, posting: Posting) -> RefusalContext:
        with self._database.rows() as connection:
            return context_of(connection, posting)


def context_of(connection: sqlite3.Connection, posting: Posting) -> RefusalContext:
    """Return the context of the posting within a transaction (see bot.ports.Postings.context)."""
    stored = _stored(connection, posting)
    context = _arrivals(connection, posting, stored)
    if stored is None:
        return context
    answers, repeats = _replied_to(connection, posting, stored), _repeated(connection, posting, stored)
    return replace(context, answers=answers, repeats=repeats)


def arrivals_of(connection: sqlite3.Connection, posting: Posting) -> RefusalContext:
    """Return when and how the parts arrived, and the newest later revision; not the posting that it replies to.

    A later revision arrived later, or was sent later, because its sender chooses its Date.
    """
    return _arrivals(connection, posting, _stored(connection, posting))


def _stored(connection: sqlite3.Connection, posting: Posting) -> _StoredPosting | None:
    row = connection.execute(_ROW, (posting.message_id,)).fetchone()
    return None if row is None else _StoredPosting(*row)


def _arrivals(connection: sqlite3.Connection, posting: Posting, stored: _StoredPosting | None) -> RefusalContext:
    parts = json.dumps([part.message_id for part in posting.parts])
    first, last, followed = connection.execute(_ARRIVALS, (parts,)).fetchone()
    times = [utc(None) if time is None else time_of(time) for time in (first, last)]
    context = RefusalContext(times[0], times[1], followed=bool(followed))
    if stored is None:
        return context
    sent, arrived = (text_of(time_of(time) + _MAX_TOPIC_AGE) for time in (stored.sent, stored.arrived))
    values = (posting.topic, posting.series.revision, stored.sent, sent, stored.arrived, arrived)
    (newer,) = connection.execute(_NEWER, values).fetchone()
    return replace(context, newer=newer)


def _replied_to(connection: sqlite3.Connection, posting: Posting, stored: _StoredPosting) -> Posting | None:
    """Return the posting that the first part replies to."""
    if not posting.parts[0].references:
        return None
    rows = connection.execute(_EARLIER_IN_THREAD, (stored.thread, posting.message_id, stored.sent, MAX_EARLIER))
    return posting.replied_to([posting_of(value, with_texts=False) for (value,) in rows])


def _repeated(connection: sqlite3.Connection, posting: Posting, stored: _StoredPosting) -> str:
    """Return the message-id of an earlier posting of the same patches that is reviewed or due; "" if there is none."""
    values = (stored.topic, stored.revision, posting.message_id, stored.arrived, stored.sent, _MAX_REPEATS)
    rows = connection.execute(_EARLIER_OF_REVISION, values).fetchall()
    digest = posting_of(stored.value).diffs_digest if rows else ""
    same = (message_id for message_id, value in rows if digest and posting_of(value).diffs_digest == digest)
    return next(same, "")
