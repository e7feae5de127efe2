# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands by mail: each mail is processed once, in one transaction with the changes that it makes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from bot.mail.command import RECHECK
from bot.mail.outgoing import Outgoing
from bot.ports.mails import CommandUsage, StoredMail
from bot.review.disposition import ActiveMute, Disposition
from bot.store.blocks import driver
from bot.store.codec import up_to
from bot.store.database import Database
from bot.store.mails import stored_mails
from bot.store.mutes import store_mute
from bot.store.outgoing import insert_mail
from bot.store.tables import CommandKeyRow, CommandMailRow, DispositionRow, MailRow, OutgoingRow
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
        keys: Sequence[str],
        sender: str,
        outcome: str,
        changes: Collection[Disposition | ActiveMute],
        answer: Outgoing | None,
        now: datetime,
    ) -> bool:
        """Store the mail under all its keys, with its changes and our reply.

        Return False, and store nothing, if a mail with one of the keys was processed before.
        """
        with self._database.writing() as session:
            if _is_processed(session, keys):
                return False
            row = CommandMailRow(
                message_id=keys[0], sender=sender, outcome=outcome, has_reply=answer is not None, processed=now
            )
            session.add(row)
            session.add_all(CommandKeyRow(value=key, command_mail=keys[0]) for key in keys[1:])
            for change in changes:
                if isinstance(change, ActiveMute):
                    session.flush()
                    self._database.note(*store_mute(driver(session.connection()), change, now))
                else:
                    session.merge(_row(change))
            if answer is not None and session.get(OutgoingRow, answer.message_id) is None:
                insert_mail(driver(session.connection()), answer, now)
            return True

    def is_command_processed(self, *keys: str) -> bool:
        """Return whether a mail with one of these keys was processed before."""
        with self._database.reading() as session:
            return _is_processed(session, keys)

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


def _is_processed(session: Session, keys: Collection[str]) -> bool:
    return any(session.get(table, key) is not None for key in keys for table in (CommandMailRow, CommandKeyRow))


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
