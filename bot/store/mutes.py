# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutes: what is muted, and which stored postings and mails a mute is about."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final

from sqlmodel import Session, col, select

from bot.mail.answered import answered_part, authors_of
from bot.mail.command import Scope
from bot.mail.outgoing import Outgoing
from bot.mail.packed import unpack
from bot.mail.posting_codec import is_encoded_posting, posting_head
from bot.mail.state import MAY_HAVE_LEFT, WAITING, MailState
from bot.ports.mutes import MutedPosting, MuteReport
from bot.review.disposition import ActiveMute, mute_reason
from bot.store.codec import STREAMED, posting_of
from bot.store.database import Database
from bot.store.dialect import Plain, insert
from bot.store.listing import FILED, PRIVATE, mail_of
from bot.store.outgoing import change_state
from bot.store.shown import time_of
from bot.store.tables import MessageRow, MuteRow, OutgoingRow, PostingRow
from bot.store.times import utc

_GONE: Final = "gone"

_MUTES: Final = """
SELECT scope, subject, "by", message_id, given FROM mute WHERE subject IN (SELECT value FROM json_each(?))"""
_Decoded = dict[bytes, MutedPosting | None]
"""The muted posting by the hash of the stored bytes; None if the mute is not about that posting."""


class MuteRows:
    """The mutes, and the names of what can be muted, over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mutes_about(self, topic: str, author: str, lists: Collection[str]) -> Sequence[ActiveMute]:
        """Return the mutes of that series, author or any of these lists."""
        with self._database.rows() as connection:
            return mutes_of(connection, topic, [author], lists)

    def mute(self, muted: ActiveMute, now: datetime) -> MuteReport:
        """Store a mute and withdraw the mails that it stops. The first mute of a subject stays.

        Both happen in one transaction, so no mail is claimed between them.
        """
        decoded: _Decoded = {}
        with self._database.reading() as session:
            # Reading all postings of a large database takes seconds. Without the write lock no other process waits.
            _postings(session, muted, decoded)
        with self._database.writing() as session:
            before = session.get(MuteRow, (muted.scope.value, muted.subject))
            withdrawn = store_mute(session, muted, now)
            postings = _postings(session, muted, decoded)
            return MuteReport(
                muted if before is None else _muted(before),
                before is None,
                tuple(sorted(postings, key=lambda posting: (posting.sent, posting.revision, posting.message_id))),
                withdrawn,
                _may_have_left(session, muted, {posting.message_id for posting in postings}),
            )

    def unmute(self, scope: Scope, subject: str) -> bool:
        """Remove a mute and return whether there was one. The mails that it withdrew stay withdrawn."""
        with self._database.writing() as session:
            row = session.get(MuteRow, (scope.value, subject))
            if row is not None:
                session.delete(row)
            return row is not None

    def topics(self) -> Sequence[str]:
        """Return the topics of all stored postings, sorted."""
        with self._database.reading() as session:
            topics = select(PostingRow.topic).where(PostingRow.state != _GONE).distinct()
            return session.exec(topics.order_by(PostingRow.topic)).all()

    def thread_topics(self, message_id: str) -> Mapping[str, str]:
        """Return the topic of each patch, cover letter and mail of ours in the thread of that mail, by message-id.

        The mapping is empty if no stored posting is in that thread.
        """
        with self._database.reading() as session:
            thread = _thread(session, message_id)
            rows = select(PostingRow).where(PostingRow.thread_id == thread, PostingRow.state != _GONE)
            topics: dict[str, str] = {}
            for row in session.exec(rows.order_by(col(PostingRow.sent), col(PostingRow.message_id))).all():
                our_mails = select(OutgoingRow.message_id).where(OutgoingRow.posting_id == row.message_id)
                for part in posting_of(row.value, with_texts=False).parts:
                    topics.setdefault(part.message_id, row.topic)
                for mail in session.exec(our_mails):
                    topics.setdefault(mail, row.topic)
            return topics

    def known_authors(self) -> frozenset[str]:
        """Return addresses of authors: those that begin a topic, and those to whom a mail was written."""
        with self._database.reading() as session:
            topics = session.exec(select(PostingRow.topic).distinct()).all()
            named = {topic.partition(" ")[0] for topic in topics}
            written = session.exec(select(OutgoingRow.author).distinct()).all()
            return frozenset(name for name in (*named, *written) if "@" in name)


def mutes_of(connection: Plain, topic: str, authors: Iterable[str], lists: Iterable[str]) -> list[ActiveMute]:
    """Return the mutes of that series, any of these authors or any of these lists; the oldest mute first."""
    subjects = [(Scope.SERIES, topic), *((Scope.AUTHOR, author) for author in authors)]
    subjects += [(Scope.LIST, name.lower()) for name in lists]
    wanted = {(scope.value, subject): number for number, (scope, subject) in enumerate(dict.fromkeys(subjects))}
    rows = connection.execute(_MUTES, (json.dumps([subject for _, subject in wanted]),))
    numbered = {
        wanted[scope, subject]: ActiveMute(Scope(scope), subject, by, message_id, time_of(given))
        for scope, subject, by, message_id, given in rows
        if (scope, subject) in wanted
    }
    return sorted((numbered[number] for number in sorted(numbered)), key=lambda muted: muted.given)


def store_mute(session: Session, muted: ActiveMute, now: datetime) -> tuple[Outgoing, ...]:
    """Store a mute unless its subject is muted, withdraw the mails that wait, and return them in their state before.

    A mail of a dry run is withdrawn too. Replies to commands and digests are not muted, as in the permit of a claim.
    """
    values = {
        "scope": muted.scope.value,
        "subject": muted.subject,
        "by": muted.by,
        "message_id": muted.message_id,
        "given": muted.given,
    }
    session.exec(insert(MuteRow).values(**values).on_conflict_do_nothing())
    stands = _muted(session.get_one(MuteRow, (muted.scope.value, muted.subject)))
    waiting = select(OutgoingRow).where(col(OutgoingRow.state).in_(WAITING), col(OutgoingRow.kind).not_in(PRIVATE))
    withdrawn = []
    for row in session.exec(waiting.order_by(col(OutgoingRow.created), col(OutgoingRow.message_id))).all():
        mail = mail_of(row)
        if _is_about(session, mail, muted):
            withdrawn.append(mail)
            change_state(session, row, MailState.WITHDRAWN, now, mute_reason([stands]))
    return tuple(withdrawn)


def _is_about(session: Session, mail: Outgoing, muted: ActiveMute) -> bool:
    """Return whether the mute is about the mail, by what decides in the permit of a claim."""
    stored = session.get(PostingRow, mail.posting_id)
    if muted.scope is Scope.SERIES:
        return stored is not None and stored.topic == muted.subject
    posting = None if stored is None else posting_of(stored.value, with_texts=False)
    if muted.scope is Scope.LIST:
        lists = (*mail.lists, *(() if posting is None else posting.lists))
        return muted.subject in {name.lower() for name in lists}
    part = None if posting is None else answered_part(mail.content, posting)
    return muted.subject in authors_of(mail, posting, part)


def _may_have_left(session: Session, muted: ActiveMute, postings: Collection[str]) -> Mapping[MailState, int]:
    """Count the mails about these postings, or about the author or list, that may have left, by state."""
    rows = select(OutgoingRow.state, OutgoingRow.posting_id, OutgoingRow.author, OutgoingRow.lists).where(
        col(OutgoingRow.state).in_(MAY_HAVE_LEFT), OutgoingRow.mode != FILED, col(OutgoingRow.kind).not_in(PRIVATE)
    )
    counts: Counter[MailState] = Counter()
    for state, posting_id, author, lists in session.exec(rows):
        subjects = {Scope.AUTHOR: [author], Scope.LIST: lists.lower().split()}.get(muted.scope, [])
        if posting_id in postings or muted.subject in subjects:
            counts[MailState(state)] += 1
    return dict(counts)


def _postings(session: Session, muted: ActiveMute, decoded: _Decoded) -> list[MutedPosting]:
    """Return the stored postings that the mute is about. Postings in `decoded` are not decoded again."""
    rows = select(PostingRow.value, PostingRow.message_id, PostingRow.sent).where(PostingRow.state != _GONE)
    if muted.scope is Scope.SERIES:
        rows = rows.where(PostingRow.topic == muted.subject)
    muted_postings = []
    for value, message_id, sent in session.exec(rows.execution_options(**STREAMED)):
        key = blake2b(value, digest_size=16).digest()
        if key not in decoded:
            decoded[key] = _posting(value, message_id, utc(sent), muted)
        if (posting := decoded[key]) is not None:
            muted_postings.append(posting)
    return muted_postings


def _posting(value: bytes, message_id: str, sent: datetime, muted: ActiveMute) -> MutedPosting | None:
    """Return the stored posting if the mute is about it. It is only decoded if its bytes contain the subject."""
    if muted.scope is not Scope.SERIES:
        head = posting_head(value) if is_encoded_posting(value) else unpack(value)
        if json.dumps(muted.subject).encode("ascii") not in head.lower():
            return None
    posting = posting_of(value, with_texts=False)
    subjects: Mapping[Scope, Collection[str]] = {
        Scope.SERIES: {posting.topic},
        Scope.AUTHOR: {posting.author.key, *(part.author.key for part in posting.parts)},
        Scope.LIST: {name.lower() for name in posting.lists},
    }
    if muted.subject not in subjects[muted.scope]:
        return None
    return MutedPosting(message_id, posting.series.revision, sent, posting.author, posting.series.subject)


def _thread(session: Session, message_id: str) -> int | None:
    """Return the thread of that mail. For a mail of our_mail, return the thread of its posting."""
    our_mail = session.get(OutgoingRow, message_id)
    # A reply that only refers to our mail is in a thread of its own, together with the id of our mail.
    if our_mail is not None and (posting := session.get(PostingRow, our_mail.posting_id)) is not None:
        return posting.thread_id
    message = session.get(MessageRow, message_id)
    return None if message is None else message.thread_id


def _muted(row: MuteRow) -> ActiveMute:
    return ActiveMute(Scope(row.scope), row.subject, row.by, row.message_id, row.given)
