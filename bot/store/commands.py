# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands by mail: each mail is processed once, in one transaction with the changes that it makes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from bot.mail.command import RECHECK
from bot.mail.outgoing import Outgoing
from bot.ports.mails import CommandUsage, StoredMail
from bot.review.disposition import ActiveMute, Disposition
from bot.store.codec import up_to
from bot.store.database import Database
from bot.store.dialect import insert, insert_new
from bot.store.mails import stored_mails
from bot.store.mutes import store_mute
from bot.store.outgoing import row_of
from bot.store.tables import CommandMailRow, DispositionRow, MailRow, OutgoingRow
from bot.store.unchecked import mark_checked, unchecked_mails

_JOB: Final = "commands"


class CommandRows:
    """bot.service.commands.CommandStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unchecked_for_commands(self, limit: int) -> Sequence[StoredMail]:
        """Return mails that were not checked for commands yet, in the order of storing. Stop at an unread mail."""
        with self._database.reading() as session:
            rows = unchecked_mails(session, _JOB, col(MailRow.state) != "deleted", limit)
            return list(up_to(stored_mails(session, rows), lambda mail: len(mail.mail.raw)))

    def mark_checked(self, mail: int) -> None:
        """Store that all mails up to this row were checked."""
        with self._database.writing() as session:
            mark_checked(session, _JOB, mail)

    def save_commands(
        self,
        message_id: str,
        sender: str,
        outcome: str,
        changes: Collection[Disposition | ActiveMute],
        answer: Outgoing | None,
        now: datetime,
    ) -> bool:
        """Store the mail, its changes and our reply together. Return False if the mail was processed before."""
        with self._database.writing() as session:
            row = insert(CommandMailRow).values(
                message_id=message_id, sender=sender, outcome=outcome, has_reply=answer is not None, processed=now
            )
            if not insert_new(session, row):
                return False
            for change in changes:
                if isinstance(change, ActiveMute):
                    store_mute(session, change, now)
                else:
                    session.merge(_row(change))
            if answer is not None and session.get(OutgoingRow, answer.message_id) is None:
                session.add(row_of(answer, now))
            return True

    def is_command_processed(self, message_id: str) -> bool:
        with self._database.reading() as session:
            return session.get(CommandMailRow, message_id) is not None

    def command_usage(self, since: datetime, sender: str | None = None) -> CommandUsage:
        """Count our replies to a sender, or to all senders, and the re-checks since then."""
        with self._database.reading() as session:
            rows = select(CommandMailRow.outcome, CommandMailRow.has_reply).where(
                col(CommandMailRow.processed) >= since
            )
            if sender is not None:
                rows = rows.where(CommandMailRow.sender == sender)
            mails = session.exec(rows).all()
        replies = sum(has_reply for _, has_reply in mails)
        return CommandUsage(replies, sum(RECHECK in outcome.split(", ") for outcome, _ in mails))


def _row(disposition: Disposition) -> DispositionRow:
    return DispositionRow(
        topic=disposition.topic,
        fingerprint=disposition.fingerprint,
        by=disposition.by,
        rule=disposition.rule,
        kind=disposition.answer.value,
        reason=disposition.reason,
        message_id=disposition.message_id,
        given=disposition.given,
    )
