# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored mails and postings, for commands that explain what happened to them."""

from collections.abc import Sequence

from sqlmodel import Session, col, select, update

from bot.mail.posting import Posting
from bot.ports.mails import MailStatus
from bot.ports.store import StoredPosting
from bot.store.applied import applied_patches
from bot.store.blocks import BlockReader, driver
from bot.store.codec import posting_of
from bot.store.database import Database
from bot.store.following import context_of
from bot.store.listing import PRUNED, QUARANTINED, mail_status
from bot.store.reviews import review_of
from bot.store.tables import BackfillRow, MailRow, MessageRow, OutgoingPartRow, PostingRow, ReviewRow


class KnowledgeRows:
    """The stored mails and postings of a message-id, and the quarantine, over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mails_with_id(self, message_id: str) -> Sequence[MailStatus]:
        with self._database.reading() as session:
            known = session.exec(
                select(MailRow)
                .join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
                .where(MessageRow.message_id == message_id)
            ).all()
            # The reason contains the id, because such a mail is in no thread.
            claims = select(MailRow).where(
                col(MailRow.state).in_(("conflict", "private")), col(MailRow.reason).startswith(f"{message_id} ")
            )
            reader = BlockReader(driver(session.connection()))
            return [mail_status(reader, row, message_id) for row in (*known, *session.exec(claims).all())]

    def postings_with_part(self, message_id: str) -> Sequence[StoredPosting]:
        with self._database.reading() as session:
            message = session.get(MessageRow, message_id)
            if message is None:
                return []
            rows = select(PostingRow).where(PostingRow.thread_id == message.thread_id, PostingRow.state != "gone")
            postings = [(row, posting_of(row.value)) for row in session.exec(rows.order_by(col(PostingRow.sent)))]
            return [
                _stored_posting(session, row, posting)
                for row, posting in postings
                if any(part.message_id == message_id for part in posting.parts)
            ]

    def release(self, mails: Sequence[int], postings: Sequence[str] = ()) -> int:
        unread = col(MailRow.id).in_(mails), col(MailRow.state) == "unreadable", col(MailRow.pruned).is_(None)
        unchecked = (
            col(PostingRow.message_id).in_(postings),
            col(PostingRow.verdict) == QUARANTINED,
            col(PostingRow.state) != PRUNED,
        )
        with self._database.writing() as session:
            read = session.exec(update(MailRow).where(*unread).values(state="new", reason="")).rowcount
            refused = session.exec(update(PostingRow).where(*unchecked).values(verdict="", reason="", tries=0)).rowcount
            return read + refused


def _stored_posting(session: Session, row: PostingRow, posting: Posting) -> StoredPosting:
    search = session.get(BackfillRow, row.message_id)
    parts = [part.message_id for part in posting.parts]
    reply = session.exec(select(OutgoingPartRow).where(col(OutgoingPartRow.message_id).in_(parts)).limit(1)).first()
    reviewed = session.get(ReviewRow, row.message_id)
    return StoredPosting(
        posting=posting,
        context=context_of(driver(session.connection()), posting),
        state=row.state,
        detail=row.detail,
        verdict=row.verdict,
        reason=row.reason,
        searched="" if search is None else search.outcome or f"{search.attempts} attempts without success so far",
        answer="" if reply is None else reply.outgoing_id,
        review=None if reviewed is None else review_of(session, reviewed),
        applied=tuple(applied_patches(driver(session.connection()), parts)),
    )
