# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored postings, reviews and digests, for re-checks and digests."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.state import MAY_HAVE_LEFT, MailState
from bot.ports.postings import DuePosting
from bot.review.model import Review
from bot.review.record import FailureCounts, MailRecord, ReviewRecord, SeriesRecord
from bot.store.applied import without_applied
from bot.store.blocks import driver
from bot.store.codec import posting_of
from bot.store.database import Database
from bot.store.dialect import insert, unindexed
from bot.store.listing import QUARANTINED
from bot.store.outgoing import FILED, PRIVATE, WAITED, row_of
from bot.store.reviews import review_as_told, review_of
from bot.store.tables import (
    CursorRow,
    MailRow,
    MessageRow,
    OutgoingPartRow,
    OutgoingRow,
    PostingRow,
    ReviewRow,
    VerdictRow,
)

_MAX_REASONS: Final = 5
_REFUSED: Final = ("refused", QUARANTINED)
_DIGESTS: Final = "digests"  # the source of the cursors of recipients of digests


class RecordRows:
    """bot.service.recheck.RecheckStore and bot.service.digest.DigestStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, message_id: str) -> DuePosting | None:
        """Return the posting that contains this mail, or that this mail of our_mail is about."""
        with self._database.reading() as session:
            row = _current_posting(session, message_id)
            if row is None and (our_mail := session.get(OutgoingRow, message_id)) is not None:
                row = _current_posting(session, our_mail.posting_id)
            if row is None and (known := session.get(MessageRow, message_id)) is not None:
                of_thread = select(PostingRow).where(
                    PostingRow.thread_id == known.thread_id, PostingRow.state != "gone"
                )
                for candidate in session.exec(of_thread):
                    posting = posting_of(candidate.value)
                    if any(part.message_id == message_id for part in posting.parts):
                        return DuePosting(posting, candidate.arrived)
            return None if row is None else DuePosting(posting_of(row.value), row.arrived)

    def posted(self, since: datetime, lists: Collection[str] = ()) -> Sequence[Posting]:
        """Return the complete postings sent since then that are not applied, oldest first.

        With lists, return only those to one of them.
        """
        wanted = {name.lower() for name in lists}
        with self._database.reading() as session:
            rows = select(PostingRow).where(unindexed(PostingRow.state) == "complete", PostingRow.sent >= since)
            rows = rows.order_by(col(PostingRow.sent), col(PostingRow.message_id))
            postings = without_applied(
                driver(session.connection()), [posting_of(row.value) for row in session.exec(rows)]
            )
        return [posting for posting in postings if not wanted or wanted & {name.lower() for name in posting.lists}]

    def of_topic(self, topic: str) -> Sequence[Posting]:
        """Return the complete postings of a series, sorted by revision."""
        with self._database.reading() as session:
            rows = select(PostingRow).where(PostingRow.state == "complete", PostingRow.topic == topic)
            return [posting_of(row.value) for row in session.exec(rows.order_by(col(PostingRow.revision)))]

    def of_change_id(self, change_id: str) -> Sequence[Posting]:
        """Return the complete postings with the change-id, sorted by author and revision."""
        with self._database.reading() as session:
            rows = select(PostingRow).where(
                PostingRow.state == "complete", col(PostingRow.topic).endswith(f" {change_id}", autoescape=True)
            )
            rows = rows.order_by(col(PostingRow.topic), col(PostingRow.revision))
            postings = [posting_of(row.value) for row in session.exec(rows)]
        return [posting for posting in postings if posting.series.change_id == change_id]

    def review_of(self, posting_id: str) -> ReviewRecord | None:
        """Return the stored review of a posting."""
        with self._database.reading() as session:
            row = session.get(ReviewRow, posting_id)
            return None if row is None else _reviewed(session, row)

    def reviews_between(self, since: datetime, until: datetime) -> Sequence[ReviewRecord]:
        """Return the reviews from `since` until before `until`, oldest first."""
        with self._database.reading() as session:
            rows = select(ReviewRow).where(col(ReviewRow.reviewed) >= since, col(ReviewRow.reviewed) < until)
            rows = rows.order_by(col(ReviewRow.reviewed), col(ReviewRow.posting_id))
            return [_reviewed(session, row) for row in session.exec(rows).all()]

    def mailed_reviews(self) -> Iterator[tuple[Review, ...]]:
        """Yield the reviews, sorted by revision, of each series that a mail was sent about.

        A review whose mail was not sent has no recipients. Files of a dry run do not count.
        """
        with self._database.reading() as session:
            topics = (
                select(PostingRow.topic)
                .join(OutgoingRow, col(OutgoingRow.posting_id) == col(PostingRow.message_id))
                .where(col(OutgoingRow.kind).not_in(PRIVATE), col(OutgoingRow.mode) != FILED)
                .where(col(OutgoingRow.state).in_(MAY_HAVE_LEFT))
                .distinct()
            )
            for topic in session.exec(topics.order_by(PostingRow.topic)).all():
                rows = session.exec(
                    select(ReviewRow.posting_id, ReviewRow.posting, ReviewRow.value)
                    .join(PostingRow, col(PostingRow.message_id) == col(ReviewRow.posting_id))
                    .where(PostingRow.topic == topic)
                    .order_by(col(PostingRow.revision), col(PostingRow.sent))
                )
                connection = driver(session.connection())
                yield tuple(review_as_told(connection, *row, rehearsed=False) for row in rows.all())

    def series_records(self, since: datetime, until: datetime) -> Sequence[SeriesRecord]:
        """Return the newest revision, at that time, of each series that arrived from `since` until before `until`.

        Series of which that revision was applied at that time are left out.
        """
        with self._database.reading() as session:
            rows = session.exec(
                select(PostingRow)
                .where(unindexed(PostingRow.state) == "complete", col(PostingRow.arrived) >= since)
                .where(col(PostingRow.arrived) < until)
                .order_by(col(PostingRow.revision), col(PostingRow.sent))
            ).all()
            newest = {row.topic: row for row in rows}
            activity = _activity(session, {row.thread_id for row in newest.values()}, until)
            by_id = {row.message_id: row for row in sorted(newest.values(), key=lambda row: (row.sent, row.message_id))}
            postings = without_applied(
                driver(session.connection()), (posting_of(row.value) for row in by_id.values()), until
            )
            series = [(posting, by_id[posting.message_id]) for posting in postings]
            return [
                SeriesRecord(posting, row.arrived, *activity.get(row.thread_id, (row.arrived, 0)))
                for posting, row in series
            ]

    def posted_between(self, since: datetime, until: datetime) -> Sequence[MailRecord]:
        """Return the mails written from `since` until before `until`, oldest first, in any state."""
        with self._database.reading() as session:
            rows = select(OutgoingRow.posting_id, OutgoingRow.kind, OutgoingRow.state)
            rows = rows.where(col(OutgoingRow.created) >= since, col(OutgoingRow.created) < until)
            return [MailRecord(*row) for row in session.exec(rows.order_by(col(OutgoingRow.created)))]

    def trouble_between(self, since: datetime, until: datetime) -> FailureCounts:
        """Count the mails and postings from `since` until before `until` that could not be read or checked."""
        with self._database.reading() as session:
            in_period = (col(PostingRow.arrived) >= since) & (col(PostingRow.arrived) < until)
            unreadable = select(func.count()).where(
                MailRow.state == "unreadable", col(MailRow.arrived) >= since, col(MailRow.arrived) < until
            )
            defective = select(func.count()).where(in_period, unindexed(PostingRow.state) == "defective")
            refused = select(PostingRow.reason, func.count()).where(in_period, col(PostingRow.verdict).in_(_REFUSED))
            counts: dict[str, int] = defaultdict(int)
            for reason, number in session.exec(refused.group_by(PostingRow.reason)):
                counts[reason.partition(":")[0]] += number
            ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            return FailureCounts(
                unreadable=session.exec(unreadable).one(),
                defective=session.exec(defective).one(),
                refused=sum(counts.values()),
                reasons=tuple(f"{reason}: {number}" for reason, number in ranked[:_MAX_REASONS]),
            )

    def digest_done_until(self, reader: str) -> datetime | None:
        """Return the end of the last period for which the recipient's digest is done."""
        with self._database.reading() as session:
            row = session.get(CursorRow, (_DIGESTS, reader))
            return None if row is None else datetime.fromisoformat(row.position)

    def save_digest(self, reader: str, until: datetime | None, mail: Outgoing | None, now: datetime) -> bool:
        """Store a digest, if there is one, and the end of its period, if given, in one transaction.

        Return whether the mail was stored. It is not stored if a mail with its message-id exists in any state.
        """
        with self._database.writing() as session:
            before = session.get(CursorRow, (_DIGESTS, reader))
            if until is not None and (before is None or datetime.fromisoformat(before.position) < until):
                session.merge(CursorRow(source=_DIGESTS, epoch=reader, position=until.isoformat()))
            if mail is None or session.get(OutgoingRow, mail.message_id) is not None:
                return False
            session.add(row_of(mail, now))
            return True

    def verdicts(self, posting_id: str) -> frozenset[str]:
        """Return the verdicts on a posting that were stored or mailed."""
        with self._database.reading() as session:
            return frozenset(session.exec(select(VerdictRow.verdict).where(VerdictRow.posting_id == posting_id)))

    def note_verdict(self, posting_id: str, verdict: str, now: datetime) -> None:
        """Store that this verdict was stored or mailed."""
        with self._database.writing() as session:
            row = insert(VerdictRow).values(posting_id=posting_id, verdict=verdict, mailed=now)
            session.exec(row.on_conflict_do_nothing())

    def forget_expired(self, message_id: str, verdict: str) -> bool:
        """Delete a mail and its verdict if the mail expired before any attempt to send it. Return whether it did.

        A mail that was withdrawn, or that an archive contains, is never deleted.
        """
        with self._database.writing() as session:
            row, message = session.get(OutgoingRow, message_id), session.get(MessageRow, message_id)
            if row is None or (row.state, row.reason, row.attempts) != (MailState.EXPIRED, WAITED, 0):
                return False
            if message is not None and message.mail_id is not None:
                return False
            session.exec(delete(OutgoingPartRow).where(col(OutgoingPartRow.outgoing_id) == message_id))
            mailed = col(VerdictRow.posting_id) == row.posting_id, col(VerdictRow.verdict) == verdict
            session.exec(delete(VerdictRow).where(*mailed))
            session.delete(row)
            return True


def _current_posting(session: Session, message_id: str) -> PostingRow | None:
    """Return the posting with that id, unless its thread was assembled in another way since."""
    row = session.get(PostingRow, message_id)
    return None if row is None or row.state == "gone" else row


def _reviewed(session: Session, row: ReviewRow) -> ReviewRecord:
    return ReviewRecord(review_of(session, row), row.reviewed)


def _activity(session: Session, threads: Collection[int], until: datetime) -> dict[int, tuple[datetime, int]]:
    """Return for each thread when its last mail before `until` arrived, and how many mails it had."""
    activity = {}
    wanted = sorted(threads)
    for start in range(0, len(wanted), 500):
        rows = session.exec(
            select(MessageRow.thread_id, func.max(MailRow.arrived), func.count())
            .join(MailRow, col(MessageRow.mail_id) == col(MailRow.id))
            .where(col(MessageRow.thread_id).in_(wanted[start : start + 500]), col(MailRow.arrived) < until)
            .group_by(col(MessageRow.thread_id))
        )
        for thread, last, number in rows:
            activity[thread] = (last if last.tzinfo else last.replace(tzinfo=UTC), number)
    return activity
