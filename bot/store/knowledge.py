# SPDX-License-Identifier: GPL-2.0-or-later
"""The quarantine of stored mails and postings."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col, select, update

from bot.store.database import Database
from bot.store.listing import PRUNED, QUARANTINED
from bot.store.tables import CursorRow, MailRow, PostingRow

_RELEASED: Final = "released; it is read from its archive in the next round"


class KnowledgeRows:
    """The quarantine over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def release(self, mails: Sequence[int], postings: Sequence[str] = ()) -> int:
        unread = col(MailRow.id).in_(mails), col(MailRow.state) == "unreadable", col(MailRow.pruned).is_(None)
        unchecked = (
            col(PostingRow.message_id).in_(postings),
            col(PostingRow.verdict) == QUARANTINED,
            col(PostingRow.state) != PRUNED,
        )
        not_stored = *unread, col(MailRow.length) == 0, col(MailRow.origin).like("%.git@%")
        stored = *unread, col(MailRow.length) > 0
        with self._database.writing() as session:
            again = session.exec(select(MailRow).where(*not_stored)).all()
            for row in again:
                session.merge(CursorRow(source=row.source, epoch=row.origin, position=""))
                row.reason = _RELEASED
            read = session.exec(update(MailRow).where(*stored).values(state="new", reason="")).rowcount
            refused = session.exec(update(PostingRow).where(*unchecked).values(verdict="", reason="", tries=0)).rowcount
            return len(again) + read + refused
