# SPDX-License-Identifier: GPL-2.0-or-later
"""Missing parts, signatures, and the lists that mails came through."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, or_, select

from bot.mail.attestation import Attestation
from bot.mail.posting import Posting
from bot.ports.mails import CarrierCount, StoredMail
from bot.ports.postings import Incomplete
from bot.store.blocks import BlockReader, driver
from bot.store.codec import encode, posting_of
from bot.store.database import Database
from bot.store.history import Verified
from bot.store.mails import stored_mails
from bot.store.sqlalchemy_dialect import unindexed
from bot.store.tables import AttestationRow, BackfillRow, MailRow, MessageRow, PostingRow


class FollowingRows:
    """bot.ports.BackfillRequests and bot.ports.Attestations over a database."""

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
            mails = BlockReader(driver(session.connection())).mails
            return [
                Incomplete(posting_of(row.value, mails), 0 if search is None else search.attempts)
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
            session.merge(AttestationRow(mail_id=mail, checked=now, value=encode(Verified(tuple(attestations)))))

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
