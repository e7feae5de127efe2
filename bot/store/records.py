# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored postings, reviews and digests, for re-checks and digests."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, delete, select

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.state import MailState
from bot.ports.postings import DuePosting
from bot.store.applied import without_applied
from bot.store.blocks import BlockReader, driver
from bot.store.codec import posting_of
from bot.store.database import Database
from bot.store.digest import DIGESTS, period_ends
from bot.store.listing import QUARANTINED
from bot.store.outgoing import WAITED, insert_mail
from bot.store.sqlalchemy_dialect import insert, unindexed
from bot.store.tables import (
    CursorRow,
    MessageRow,
    OutgoingPartRow,
    OutgoingRow,
    PostingRow,
    VerdictRow,
)

_MAX_REASONS: Final = 5
_MAX_ENDS: Final = 30
"""Ends of periods that are kept for a reader, so that digests go on where they were after the clock was wrong."""
_REFUSED: Final = ("refused", QUARANTINED)


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
                postings = ((candidate, posting_of(candidate.value)) for candidate in session.exec(of_thread))
                containing = (
                    row for row, posting in postings if message_id in {part.message_id for part in posting.parts}
                )
                row = next(containing, None)
            if row is None:
                return None
            (posting,) = _whole_postings(session, [row])
            return DuePosting(posting, row.arrived)

    def posted(self, since: datetime, lists: Collection[str] = ()) -> Sequence[Posting]:
        """Return the complete postings sent since then that are not applied, oldest first.

        With lists, return only those to one of them.
        """
        wanted = {name.lower() for name in lists}
        with self._database.reading() as session:
            rows = select(PostingRow).where(unindexed(PostingRow.state) == "complete", PostingRow.sent >= since)
            rows = rows.order_by(col(PostingRow.sent), col(PostingRow.message_id))
            postings = without_applied(driver(session.connection()), _whole_postings(session, session.exec(rows)))
        return [posting for posting in postings if not wanted or wanted & {name.lower() for name in posting.lists}]

    def of_topic(self, topic: str) -> Sequence[Posting]:
        """Return the complete postings of a series, sorted by revision."""
        with self._database.reading() as session:
            rows = select(PostingRow).where(PostingRow.state == "complete", PostingRow.topic == topic)
            return _whole_postings(session, session.exec(rows.order_by(col(PostingRow.revision))))

    def of_change_id(self, change_id: str) -> Sequence[Posting]:
        """Return the complete postings with the change-id, sorted by author and revision."""
        with self._database.reading() as session:
            rows = select(PostingRow).where(
                PostingRow.state == "complete", col(PostingRow.topic).endswith(f" {change_id}", autoescape=True)
            )
            rows = rows.order_by(col(PostingRow.topic), col(PostingRow.revision))
            postings = _whole_postings(session, session.exec(rows))
        return [posting for posting in postings if posting.series.change_id == change_id]

    def save_digest(self, reader: str, until: datetime | None, mail: Outgoing | None, now: datetime) -> bool:
        """Store a digest, if there is one, and the end of its period, if given, in one transaction.

        Earlier ends are kept, and so are those in the future: the clock may have been ahead, or be behind now.

        Return whether the mail was stored. It is not stored if a mail with its message-id exists in any state.
        """
        with self._database.writing() as session:
            before = session.get(CursorRow, (DIGESTS, reader))
            ends = {} if before is None else dict.fromkeys(period_ends(before.position))
            if until is not None and until not in ends:
                kept = sorted([*ends, until])[-_MAX_ENDS:]
                position = " ".join(end.isoformat() for end in kept)
                session.merge(CursorRow(source=DIGESTS, epoch=reader, position=position))
            if mail is None or session.get(OutgoingRow, mail.message_id) is not None:
                return False
            insert_mail(driver(session.connection()), mail, now)
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


def _whole_postings(session: Session, rows: Iterable[PostingRow]) -> list[Posting]:
    """Return the postings of rows with their texts. Postings whose mails share a block read it once."""
    mails = BlockReader(driver(session.connection())).mails
    return [posting_of(row.value, mails) for row in rows]


def _current_posting(session: Session, message_id: str) -> PostingRow | None:
    """Return the posting with that id, unless its thread was assembled in another way since."""
    row = session.get(PostingRow, message_id)
    return None if row is None or row.state == "gone" else row
