# SPDX-License-Identifier: GPL-2.0-or-later
"""Claim a mail: decide about it and change its state in one transaction, which holds the write lock."""

from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.state import MailState
from bot.ports.outbox import (
    AlreadySent,
    Candidate,
    ClaimedMail,
    Decision,
    Hold,
    Permit,
    PostingStatus,
    Send,
    Wait,
    Withdraw,
)
from bot.review.disposition import ActiveMute
from bot.store.blocks import driver
from bot.store.codec import posting_of
from bot.store.context import arrivals_of
from bot.store.database import Database
from bot.store.listing import mail_of
from bot.store.mutes import mutes_of
from bot.store.outgoing import change_state, pace_of
from bot.store.stop import stop_reason
from bot.store.tables import MailRow, MessageRow, OutgoingRow, PostingRow

_STATES: Final = {Hold: MailState.HELD, Withdraw: MailState.WITHDRAWN, AlreadySent: MailState.SENT}


class ClaimRows:
    """bot.ports.Outbox.claim over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, message_id: str, now: datetime, since: datetime, permit: Permit) -> ClaimedMail | None:
        with self._database.writing() as session:
            row = session.get(OutgoingRow, message_id)
            if row is None or not MailState(row.state).is_deliverable:
                return None
            mail = mail_of(row)
            decision = permit(_candidate(session, mail, now, since))
            _apply(session, row, decision, now)
            return ClaimedMail(mail, decision)


def _apply(session: Session, row: OutgoingRow, decision: Decision, now: datetime) -> None:
    match decision:
        case Send():
            row.attempts += 1
            change_state(session, row, MailState.SENDING, now)
        case Wait(reason, until):
            change_state(session, row, MailState(row.state), now, reason)
            row.due = until
        case Hold(reason) | Withdraw(reason) | AlreadySent(reason):
            change_state(session, row, _STATES[type(decision)], now, reason)


def _candidate(session: Session, mail: Outgoing, now: datetime, since: datetime) -> Candidate:
    posting = _posting(session, mail.posting_id)
    connection = driver(session.connection())
    mutes: list[ActiveMute] = []
    if posting is not None:
        authors = {posting.posting.author.key, mail.author, *(part.author.key for part in posting.posting.parts)}
        mutes = mutes_of(connection, posting.posting.topic, authors, (*posting.posting.lists, *mail.lists))
    return Candidate(
        mail=mail,
        pace=pace_of(session, mail, now, since),
        posting=posting,
        mutes=tuple(mutes),
        stopped=stop_reason(connection),
    )


def _posting(session: Session, message_id: str) -> PostingStatus | None:
    row = session.get(PostingRow, message_id)
    if row is None:
        return None
    posting = posting_of(row.value)  # neither the permit nor the recipients depend on texts
    return PostingStatus(
        posting,
        row.state,
        row.detail,
        row.verdict,
        row.reason,
        arrivals_of(driver(session.connection()), posting),
        _removed(session, posting),
    )


def _removed(session: Session, posting: Posting) -> str:
    """Return the message-id of a part whose mail is no longer in its archive, or ""."""
    ids = [part.message_id for part in posting.parts]
    here = (
        select(MessageRow.message_id)
        .join(MailRow, col(MailRow.id) == col(MessageRow.mail_id))
        .where(col(MessageRow.message_id).in_(ids), MailRow.state != "deleted")
    )
    present = set(session.exec(here))
    return next((message_id for message_id in ids if message_id not in present), "")
