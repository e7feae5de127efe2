# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutes: what is muted, and which stored postings and mails a mute is about."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final

from bot.mail.answered import answered_part, authors_of
from bot.mail.command import Scope
from bot.mail.outgoing import Outgoing
from bot.mail.packed import unpack
from bot.mail.posting_codec import is_encoded_posting, posting_head
from bot.mail.state import MAY_HAVE_LEFT, WAITING, MailState
from bot.ports.mutes import MutedPosting, MuteReport
from bot.ports.outbox import MailChange
from bot.review.disposition import ActiveMute, mute_reason
from bot.store.codec import posting_of
from bot.store.dialect import Plain, iterate
from bot.store.history import HistoryRows
from bot.store.listing import FILED, PRIVATE, Changeable, ListingRows, StoreWriter, mail_of, named_rows
from bot.store.outgoing import change_state
from bot.store.times import text_of, time_of

_MUTES: Final = """
SELECT scope, subject, "by", message_id, given FROM mute WHERE subject IN (SELECT value FROM json_each(?))"""
_NEW_MUTE: Final = """
INSERT INTO mute (scope, subject, "by", message_id, given) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_WAITING: Final = "SELECT * FROM outgoing WHERE state IN (SELECT value FROM json_each(?)) ORDER BY created, message_id"
_WAITING_OF_SERIES: Final = """
SELECT outgoing.* FROM posting CROSS JOIN outgoing ON posting_id = posting.message_id
WHERE topic = ? AND outgoing.state IN (SELECT value FROM json_each(?)) ORDER BY created, outgoing.message_id"""
_MAY_HAVE_LEFT: Final = """
SELECT state, posting_id, author, lists FROM outgoing
WHERE state IN (SELECT value FROM json_each(?)) AND mode != ? AND kind NOT IN (SELECT value FROM json_each(?))"""
_POSTINGS: Final = "SELECT value, message_id, sent FROM posting WHERE state != 'gone'"
_THREAD_POSTINGS: Final = """
SELECT topic, value, message_id FROM posting WHERE thread_id = ? AND state != 'gone' ORDER BY sent, message_id"""
_THREAD: Final = """
SELECT COALESCE(
    (SELECT posting.thread_id FROM outgoing JOIN posting ON posting.message_id = outgoing.posting_id
     WHERE outgoing.message_id = ?),
    (SELECT thread_id FROM message WHERE message_id = ?))"""
"""Of our mail it is the thread of its posting: a reply that only refers to our mail is in a thread of its own."""
_Decoded = dict[bytes, MutedPosting | None]
"""The muted posting by the hash of the stored bytes; None if the mute is not about that posting."""


class MuteRows(ListingRows):
    """The mutes, and the names of what can be muted, over a database."""

    _listed: Changeable

    def mutes_about(self, topic: str, author: str, lists: Collection[str]) -> Sequence[ActiveMute]:
        """Return the mutes of that series, author or any of these lists."""
        with self._listed.rows() as connection:
            return mutes_of(connection, topic, [author], lists)

    def mute(self, muted: ActiveMute, now: datetime) -> MuteReport:
        """Store a mute and withdraw the mails that it stops. The first mute of a subject stays.

        Both happen in one transaction, so no mail is claimed between them.
        """
        decoded: _Decoded = {}
        with self._listed.rows() as connection:
            # Reading all postings of a large database takes seconds. Without the write lock no other process waits.
            _postings(connection, muted, decoded)
        with self._listed.changing() as connection:
            before = _stored(connection, muted)
            withdrawn = store_mute(connection, muted, now)
            postings = _postings(connection, muted, decoded)
            return MuteReport(
                before or muted,
                before is None,
                tuple(sorted(postings, key=lambda posting: (posting.sent, posting.revision, posting.message_id))),
                withdrawn,
                _may_have_left(connection, muted, {posting.message_id for posting in postings}),
            )

    def unmute(self, scope: Scope, subject: str) -> bool:
        """Remove a mute and return whether there was one. The mails that it withdrew stay withdrawn."""
        with self._listed.changing() as connection:
            removed = connection.execute("DELETE FROM mute WHERE scope = ? AND subject = ?", (scope.value, subject))
            return removed.rowcount > 0

    def topics(self) -> Sequence[str]:
        """Return the topics of all stored postings, sorted."""
        with self._listed.rows() as connection:
            rows = connection.execute("SELECT DISTINCT topic FROM posting WHERE state != 'gone' ORDER BY topic")
            return [topic for (topic,) in rows]

    def thread_topics(self, message_id: str) -> Mapping[str, str]:
        """Return the topic of each patch, cover letter and mail of ours in the thread of that mail, by message-id.

        The mapping is empty if no stored posting is in that thread.
        """
        our_mails = "SELECT message_id FROM outgoing WHERE posting_id = ?"
        with self._listed.rows() as connection:
            (thread,) = connection.execute(_THREAD, (message_id, message_id)).fetchone()
            topics: dict[str, str] = {}
            for topic, value, posting_id in connection.execute(_THREAD_POSTINGS, (thread,)).fetchall():
                for part in posting_of(value).parts:
                    topics.setdefault(part.message_id, topic)
                for (mail,) in connection.execute(our_mails, (posting_id,)):
                    topics.setdefault(mail, topic)
            return topics

    def known_authors(self) -> frozenset[str]:
        """Return addresses of authors: those that begin a topic, and those to whom a mail was written."""
        with self._listed.rows() as connection:
            topics = connection.execute("SELECT DISTINCT topic FROM posting")
            named = {topic.partition(" ")[0] for (topic,) in topics}
            written = {author for (author,) in connection.execute("SELECT DISTINCT author FROM outgoing")}
            return frozenset(name for name in named | written if "@" in name)


class MuteWriter(MuteRows, HistoryRows, StoreWriter):
    """The mutes and the stored postings, without SQLAlchemy: loading it takes longer than storing a mute."""


def mutes_of(connection: Plain, topic: str, authors: Iterable[str], lists: Iterable[str]) -> list[ActiveMute]:
    """Return the mutes of that series, any of these authors or any of these lists; the oldest mute first."""
    subjects = [(Scope.SERIES, topic), *((Scope.AUTHOR, author) for author in authors)]
    subjects += [(Scope.LIST, name.lower()) for name in lists]
    wanted = {(scope, subject): number for number, (scope, subject) in enumerate(dict.fromkeys(subjects))}
    numbered = {
        wanted[muted.scope, muted.subject]: muted
        for muted in _with_subjects(connection, [subject for _, subject in wanted])
        if (muted.scope, muted.subject) in wanted
    }
    return sorted((numbered[number] for number in sorted(numbered)), key=lambda muted: muted.given)


def _with_subjects(connection: Plain, subjects: Sequence[str]) -> Iterator[ActiveMute]:
    for scope, subject, by, message_id, given in connection.execute(_MUTES, (json.dumps(subjects),)):
        yield ActiveMute(Scope(scope), subject, by, message_id, time_of(given))


def store_mute(connection: Plain, muted: ActiveMute, now: datetime) -> tuple[MailChange, ...]:
    """Store a mute unless its subject is muted, withdraw the mails that wait, and return their changes.

    A mail of a dry run is withdrawn too. Replies to commands and digests are not muted, as in the permit of a claim.
    """
    connection.execute(_NEW_MUTE, (muted.scope.value, muted.subject, muted.by, muted.message_id, text_of(muted.given)))
    reason = mute_reason([_stored(connection, muted) or muted])
    if muted.scope is Scope.SERIES:
        rows = named_rows(connection, _WAITING_OF_SERIES, muted.subject, json.dumps(WAITING))
    else:
        rows = named_rows(connection, _WAITING, json.dumps(WAITING))
    waiting = [mail_of(row) for row in rows]
    return tuple(
        change_state(connection, mail, MailState.WITHDRAWN, now, reason)
        for mail in waiting
        if mail.kind not in PRIVATE and _is_about(connection, mail, muted)
    )


def _stored(connection: Plain, muted: ActiveMute) -> ActiveMute | None:
    """Return the stored mute of the same subject."""
    return next((other for other in _with_subjects(connection, [muted.subject]) if other.scope is muted.scope), None)


def _is_about(connection: Plain, mail: Outgoing, muted: ActiveMute) -> bool:
    """Return whether the mute is about the mail, by the same criteria as the permit of a claim."""
    stored = connection.execute("SELECT topic, value FROM posting WHERE message_id = ?", (mail.posting_id,)).fetchone()
    if muted.scope is Scope.SERIES:
        return stored is not None and stored[0] == muted.subject
    posting = None if stored is None else posting_of(stored[1])
    if muted.scope is Scope.LIST:
        lists = (*mail.lists, *(() if posting is None else posting.lists))
        return muted.subject in {name.lower() for name in lists}
    part = None if posting is None else answered_part(mail.content, posting)
    return muted.subject in authors_of(mail, posting, part)


def _may_have_left(connection: Plain, muted: ActiveMute, postings: Collection[str]) -> Mapping[MailState, int]:
    """Count the mails about these postings, or about the author or list, that may have left, by state."""
    counts: Counter[MailState] = Counter()
    rows = connection.execute(_MAY_HAVE_LEFT, (json.dumps(MAY_HAVE_LEFT), FILED, json.dumps(PRIVATE)))
    for state, posting_id, author, lists in rows:
        subjects = {Scope.AUTHOR: [author], Scope.LIST: lists.lower().split()}.get(muted.scope, [])
        if posting_id in postings or muted.subject in subjects:
            counts[MailState(state)] += 1
    return dict(counts)


def _postings(connection: Plain, muted: ActiveMute, decoded: _Decoded) -> list[MutedPosting]:
    """Return the stored postings that the mute is about. Postings in `decoded` are not decoded again."""
    query, values = (f"{_POSTINGS} AND topic = ?", [muted.subject]) if muted.scope is Scope.SERIES else (_POSTINGS, [])
    muted_postings = []
    for value, message_id, sent in iterate(connection, query, values):
        key = blake2b(value, digest_size=16).digest()
        if key not in decoded:
            decoded[key] = _posting(value, message_id, time_of(sent), muted)
        if (posting := decoded[key]) is not None:
            muted_postings.append(posting)
    return muted_postings


def _posting(value: bytes, message_id: str, sent: datetime, muted: ActiveMute) -> MutedPosting | None:
    """Return the stored posting if the mute is about it. It is only decoded if its bytes contain the subject."""
    if muted.scope is not Scope.SERIES:
        head = posting_head(value) if is_encoded_posting(value) else unpack(value)
        if json.dumps(muted.subject).encode("ascii") not in head.lower():
            return None
    posting = posting_of(value)
    subjects: Mapping[Scope, Collection[str]] = {
        Scope.SERIES: {posting.topic},
        Scope.AUTHOR: {posting.author.key, *(part.author.key for part in posting.parts)},
        Scope.LIST: {name.lower() for name in posting.lists},
    }
    if muted.subject not in subjects[muted.scope]:
        return None
    return MutedPosting(message_id, posting.series.revision, sent, posting.author, posting.series.subject)
