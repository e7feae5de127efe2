# SPDX-License-Identifier: GPL-2.0-or-later
"""The quarantine of stored mails and postings."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col, not_, or_, select, update

from bot.store.blocks import EMPTY
from bot.store.database import Database
from bot.store.listing import PRUNED, QUARANTINED
from bot.store.tables import CursorRow, MailRow, PostingRow

_OF_COMMIT: Final = f"%.git@{'_' * 40}"
"""The origin of a mail in a git archive, which ends in the id of its commit. Other archives have any names."""

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
        is_stored = or_(col(MailRow.length) > 0, col(MailRow.content_hash) == EMPTY)
        is_of_commit = col(MailRow.origin).like(_OF_COMMIT)
        with self._database.writing() as session:
            again = session.exec(select(MailRow).where(*unread, not_(is_stored), is_of_commit)).all()
            for row in again:
                session.merge(CursorRow(source=row.source, epoch=row.origin, position=""))
                row.reason = _RELEASED
            read = session.exec(update(MailRow).where(*unread, is_stored).values(state="new", reason="")).rowcount
            refused = session.exec(update(PostingRow).where(*unchecked).values(verdict="", reason="", tries=0)).rowcount
            return len(again) + read + refused
