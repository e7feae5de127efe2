# SPDX-License-Identifier: GPL-2.0-or-later
"""The relation of a posting to other postings, by plain statements."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from bot.mail.posting import MAX_EARLIER, Posting
from bot.mail.refusal import RefusalContext
from bot.mail.revision_links import KnownRevision, find_continued_topic, known_revision, revision_links
from bot.store.blocks import BlockReader
from bot.store.codec import posting_of
from bot.store.dialect import LISTED, Plain
from bot.store.times import text_of, time_of, utc
from rules.lazy import replace

_MAX_REPEATS: Final = 10  # postings of one revision; people post one or two
_MAX_TOPIC_AGE: Final = timedelta(days=400)
_ROW: Final = "SELECT thread_id, topic, revision, sent, arrived, value FROM posting WHERE message_id = ?"
_ARRIVALS: Final = """
SELECT min(mail.arrived), max(mail.arrived), max(followed) FROM mail JOIN message ON mail_id = mail.id
WHERE message_id IN (SELECT value FROM json_each(?))"""
_NEWER: Final = """
SELECT max(revision) FROM posting WHERE topic = ? AND state != 'gone' AND revision > ?
AND ((sent >= ? AND sent <= ?) OR (arrived > ? AND arrived <= ?))"""
# As in bot.store.sqlalchemy_dialect.unindexed: with a plus sign SQLite does not use the index of that column.
_EARLIER_IN_THREAD: Final = """
SELECT message_id, value FROM posting WHERE thread_id = ? AND message_id != ? AND state != 'gone' AND +sent <= ?
ORDER BY +sent LIMIT ?"""
_PARTS: Final = (
    f"SELECT message_id, posting_id FROM posting_part WHERE message_id IN {LISTED} AND posting_id IN {LISTED}"  # noqa: S608 constants
)
_EARLIER_OF_REVISION: Final = """
SELECT message_id, value FROM posting
WHERE topic = ? AND revision = ? AND +state = 'complete' AND verdict IN ('', 'reviewed') AND message_id != ?
AND arrived <= ? AND (+sent < ? OR (+sent = ? AND (arrived < ? OR message_id < ?))) ORDER BY +sent LIMIT ?"""
_WITH_PART: Final = """
SELECT value FROM posting_part AS part JOIN posting ON posting.message_id = posting_id
WHERE part.message_id = ? AND posting_id != ? AND state != 'gone' ORDER BY posting_id DESC LIMIT 1"""
_REVIEWED: Final = """
SELECT value FROM posting WHERE message_id = ? AND state = 'complete' AND verdict IN ('', 'reviewed')"""


class _StoredPosting(NamedTuple):
    """The columns of a posting that decide about its relation to others. The times are as the database stores them."""

    thread: int
    topic: str
    revision: int
    sent: str
    arrived: str
    value: bytes


def context_of(connection: Plain, posting: Posting) -> RefusalContext:
    """Return the context of the posting within a transaction (see bot.ports.Postings.context)."""
    stored = _stored(connection, posting)
    context = _arrivals(connection, posting, stored)
    if stored is None:
        return context
    answers = _replied_to(connection, posting, stored)
    repeats = _repeated(connection, posting, stored, answers)
    if not repeats and posting.resend and answers is not None:
        repeats = _repeated_in_part(connection, stored, answers)
    return replace(context, answers=answers, repeats=repeats)


def arrivals_of(connection: Plain, posting: Posting) -> RefusalContext:
    """Return when and how the parts arrived, and the newest later revision; not the posting that it replies to.

    A later revision arrived later, or was sent later, because its sender chooses its Date.
    """
    return _arrivals(connection, posting, _stored(connection, posting))


def series_topics(connection: Plain, posting: Posting) -> Iterator[str]:
    """Yield the topic of the posting, and that of the series which it continues under another one, if any.

    The second is searched only if it is asked for: the linked revisions are decoded for it.
    """
    if posting.topic:
        yield posting.topic
    stored = _stored(connection, posting) if posting.may_continue else None
    answered = None if stored is None else _replied_to(connection, posting, stored)
    if continued := _continued_topic(connection, posting, answered):
        yield continued


def _continued_topic(connection: Plain, posting: Posting, answered: Posting | None) -> str:
    """Return the topic of the series that the posting continues under another one; "" if there is none.

    `answered` is the posting that it replies to.
    """

    def find(message_id: str) -> KnownRevision | None:
        row = connection.execute(_WITH_PART, (message_id, posting.message_id)).fetchone()
        return None if row is None else known_revision(posting_of(row[0]))

    topic = find_continued_topic(posting, posting.continued_topic(answered), revision_links(posting), find)
    return "" if topic == posting.topic else topic


def _stored(connection: Plain, posting: Posting) -> _StoredPosting | None:
    row = connection.execute(_ROW, (posting.message_id,)).fetchone()
    return None if row is None else _StoredPosting(*row)


def _arrivals(connection: Plain, posting: Posting, stored: _StoredPosting | None) -> RefusalContext:
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


def _replied_to(connection: Plain, posting: Posting, stored: _StoredPosting) -> Posting | None:
    """Return the posting that the first part replies to."""
    references = posting.parts[0].references
    if not references:
        return None
    rows = connection.execute(_EARLIER_IN_THREAD, (stored.thread, posting.message_id, stored.sent, MAX_EARLIER))
    earlier: dict[str, bytes] = dict(rows)
    parts = connection.execute(_PARTS, (json.dumps(references), json.dumps(list(earlier)))).fetchall()
    order = {message_id: number for number, message_id in enumerate(earlier)}
    nearest = posting.nearest_reference(sorted(parts, key=lambda part: order[part[1]]))
    value = next(iter(earlier.values()), None) if nearest is None else earlier[nearest]
    return None if value is None else posting_of(value)


def _repeated(connection: Plain, posting: Posting, stored: _StoredPosting, answered: Posting | None) -> str:
    """Return the message-id of an earlier posting of the same patches that is reviewed or due; "" if there is none.

    `answered` is the posting that it replies to.
    """
    topics = filter(None, (posting.topic, _continued_topic(connection, posting, answered)))
    before = (posting.message_id, stored.arrived, stored.sent, stored.sent, stored.arrived, posting.message_id)
    rows = [
        row
        for topic in topics
        for row in connection.execute(_EARLIER_OF_REVISION, (topic, stored.revision, *before, _MAX_REPEATS)).fetchall()
    ]
    mails = BlockReader(connection).mails
    digest = posting_of(stored.value, mails).diffs_digest if rows else ""
    same = (message_id for message_id, value in rows if digest and posting_of(value, mails).diffs_digest == digest)
    return next(same, "")


def _repeated_in_part(connection: Plain, stored: _StoredPosting, answered: Posting) -> str:
    """Return the message-id of the posting that it replies to, if it only resends patches of that one; else ""."""
    row = connection.execute(_REVIEWED, (answered.message_id,)).fetchone()
    if row is None:
        return ""
    mails = BlockReader(connection).mails
    is_repeated = posting_of(stored.value, mails).repeats_part_of(posting_of(row[0], mails))
    return answered.message_id if is_repeated else ""
