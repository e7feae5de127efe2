# SPDX-License-Identifier: GPL-2.0-or-later
"""The quarantine of stored mails and postings."""

from collections.abc import Sequence

from sqlmodel import col, update

from bot.store.database import Database
from bot.store.listing import PRUNED, QUARANTINED
from bot.store.tables import MailRow, PostingRow


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
        with self._database.writing() as session:
            read = session.exec(update(MailRow).where(*unread).values(state="new", reason="")).rowcount
            refused = session.exec(update(PostingRow).where(*unchecked).values(verdict="", reason="", tries=0)).rowcount
            return read + refused
