# SPDX-License-Identifier: GPL-2.0-or-later
"""Missing parts, signatures, and the relation of a posting to other postings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, func
from sqlmodel import Session, and_, col, or_, select

from bot.mail.attestation import Attestation
from bot.mail.posting import MAX_EARLIER, Posting
from bot.mail.refusal import RefusalContext
from bot.ports.mails import CarrierCount, StoredMail
from bot.ports.postings import Incomplete
from bot.store.codec import decode, encode, posting_of
from bot.store.database import Database
from bot.store.mails import stored_mails
from bot.store.plans import unindexed
from bot.store.tables import AttestationRow, BackfillRow, MailRow, MessageRow, PostingRow
from bot.store.times import utc
from rules.lazy import dataclass, replace

_MAX_REPEATS = 10  # postings of one revision; people post one or two
_MAX_TOPIC_AGE = timedelta(days=400)


_TOPIC: Final[BindParameter[Any]] = bindparam("topic_of_row")
_REVISION: Final[BindParameter[Any]] = bindparam("revision_of_row")
_MESSAGE_ID: Final[BindParameter[Any]] = bindparam("message_id_of_row")
_THREAD: Final[BindParameter[Any]] = bindparam("thread")
_SENT: Final[BindParameter[Any]] = bindparam("sent_of_row")
_SENT_UNTIL: Final[BindParameter[Any]] = bindparam("sent_until")
_ARRIVED: Final[BindParameter[Any]] = bindparam("arrived_of_row")
_ARRIVED_UNTIL: Final[BindParameter[Any]] = bindparam("arrived_until")
_ARRIVALS = (
    select(func.min(MailRow.arrived), func.max(MailRow.arrived), func.max(MessageRow.followed))
    .join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
    .where(col(MessageRow.message_id).in_(bindparam("parts", expanding=True)))
)
_NEWER = select(func.max(col(PostingRow.revision))).where(
    col(PostingRow.topic) == _TOPIC,
    PostingRow.state != "gone",
    col(PostingRow.revision) > _REVISION,
    or_(
        and_(col(PostingRow.sent) >= _SENT, col(PostingRow.sent) <= _SENT_UNTIL),
        and_(col(PostingRow.arrived) > _ARRIVED, col(PostingRow.arrived) <= _ARRIVED_UNTIL),
    ),
)
_EARLIER_IN_THREAD = (
    select(PostingRow.value)
    .where(col(PostingRow.thread_id) == _THREAD, col(PostingRow.message_id) != _MESSAGE_ID)
    .where(PostingRow.state != "gone", unindexed(PostingRow.sent) <= _SENT)
    .order_by(unindexed(PostingRow.sent))
    .limit(MAX_EARLIER)
)
_EARLIER_OF_REVISION = (
    select(PostingRow.message_id, PostingRow.value)
    .where(col(PostingRow.topic) == _TOPIC, col(PostingRow.revision) == _REVISION)
    .where(unindexed(PostingRow.state) == "complete")
    .where(col(PostingRow.verdict).in_(("", "reviewed")), col(PostingRow.message_id) != _MESSAGE_ID)
    .where(col(PostingRow.arrived) <= _ARRIVED, unindexed(PostingRow.sent) < _SENT)
    .order_by(unindexed(PostingRow.sent))
    .limit(_MAX_REPEATS)
)


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
        with self._database.reading() as session:
            return context_of(session, posting)


def context_of(session: Session, posting: Posting) -> RefusalContext:
    """Return the context of the posting within a session (see bot.ports.Postings.context)."""
    row = session.get(PostingRow, posting.message_id)
    context = arrivals_of(session, posting, row)
    if row is None:
        return context
    return replace(context, answers=_replied_to(session, posting, row), repeats=_repeated(session, row))


def arrivals_of(session: Session, posting: Posting, row: PostingRow | None) -> RefusalContext:
    """Return when and how the parts arrived, and the newest later revision; not the posting that it replies to.

    A later revision arrived later, or was sent later, because its sender chooses its Date.
    """
    parts = [part.message_id for part in posting.parts]
    first, last, followed = session.connection().execute(_ARRIVALS, {"parts": parts}).one()
    context = RefusalContext(utc(first), utc(last), followed=bool(followed))
    if row is None:
        return context
    revision = {"topic_of_row": posting.topic, "revision_of_row": posting.series.revision}
    sent = {"sent_of_row": row.sent, "sent_until": row.sent + _MAX_TOPIC_AGE}
    arrived = {"arrived_of_row": row.arrived, "arrived_until": row.arrived + _MAX_TOPIC_AGE}
    newer = session.connection().execute(_NEWER, {**revision, **sent, **arrived}).scalar_one()
    return replace(context, newer=newer)


def _replied_to(session: Session, posting: Posting, row: PostingRow) -> Posting | None:
    """Return the posting that the first part replies to."""
    if not posting.parts[0].references:
        return None
    values = session.exec(
        _EARLIER_IN_THREAD,
        params={"thread": row.thread_id, "message_id_of_row": row.message_id, "sent_of_row": row.sent},
    )
    return posting.replied_to([posting_of(value, with_texts=False) for value in values])


def _repeated(session: Session, row: PostingRow) -> str:
    """Return the message-id of an earlier posting of the same patches that is reviewed or due; "" if there is none."""
    times = {"sent_of_row": row.sent, "arrived_of_row": row.arrived}
    revision = {"topic_of_row": row.topic, "revision_of_row": row.revision, "message_id_of_row": row.message_id}
    rows = session.connection().execute(_EARLIER_OF_REVISION, {**revision, **times}).all()
    digest = posting_of(row.value).diffs_digest if rows else ""
    same = (message_id for message_id, value in rows if digest and posting_of(value).diffs_digest == digest)
    return next(same, "")
