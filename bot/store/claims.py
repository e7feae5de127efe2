# SPDX-License-Identifier: GPL-2.0-or-later
"""Claim a mail: decide about it and change its state in one transaction, which holds the write lock."""

import json
from datetime import datetime
from typing import Final

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.state import MailState
from bot.ports.outbox import (
    AlreadySent,
    Candidate,
    ClaimedMail,
    Decision,
    Hold,
    MailChange,
    Permit,
    PostingStatus,
    Send,
    Wait,
    Withdraw,
)
from bot.review.disposition import ActiveMute
from bot.store.codec import posting_of
from bot.store.context import arrivals_of, series_topics
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.mutes import mutes_of
from bot.store.outgoing import change_state, pace_of, stored_mail
from bot.store.stop import stop_reason
from rules.lazy import replace

_POSTING: Final = "SELECT value, state, detail, verdict, reason FROM posting WHERE message_id = ?"
_PRESENT: Final = """
SELECT message_id FROM message JOIN mail ON mail.id = mail_id
WHERE message_id IN (SELECT value FROM json_each(?)) AND mail.state != 'deleted'"""
_STATES: Final = {Hold: MailState.HELD, Withdraw: MailState.WITHDRAWN, AlreadySent: MailState.SENT}


class ClaimRows:
    """bot.ports.Outbox.claim over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, message_id: str, now: datetime, since: datetime, permit: Permit) -> ClaimedMail | None:
        with self._database.changing() as connection:
            mail = stored_mail(connection, message_id)
            if mail is None or not mail.state.is_deliverable:
                return None
            decision = permit(_candidate(connection, mail, now, since))
            self._database.note(_apply(connection, mail, decision, now))
            return ClaimedMail(mail, decision)


def _apply(connection: Plain, mail: Outgoing, decision: Decision, now: datetime) -> MailChange:
    match decision:
        case Send():
            return change_state(connection, replace(mail, attempts=mail.attempts + 1), MailState.SENDING, now)
        case Wait(reason, until):
            return change_state(connection, replace(mail, due=until), mail.state, now, reason)
        case Hold(reason) | Withdraw(reason) | AlreadySent(reason):
            return change_state(connection, mail, _STATES[type(decision)], now, reason)


def _candidate(connection: Plain, mail: Outgoing, now: datetime, since: datetime) -> Candidate:
    posting = _posting(connection, mail.posting_id)
    mutes: list[ActiveMute] = []
    if posting is not None:
        authors = {posting.posting.author.key, mail.author, *(part.author.key for part in posting.posting.parts)}
        lists = (*posting.posting.lists, *mail.lists)
        topics = series_topics(connection, posting.posting)
        mutes = [mute for topic in topics for mute in mutes_of(connection, topic, authors, lists)]
    return Candidate(
        mail=mail,
        pace=pace_of(connection, mail, now, since),
        posting=posting,
        mutes=tuple(mutes),
        stopped=stop_reason(connection),
    )


def _posting(connection: Plain, message_id: str) -> PostingStatus | None:
    row = connection.execute(_POSTING, (message_id,)).fetchone()
    if row is None:
        return None
    value, state, detail, verdict, reason = row
    posting = posting_of(value)  # neither the permit nor the recipients depend on texts
    context = arrivals_of(connection, posting)
    return PostingStatus(posting, state, detail, verdict, reason, context, _removed(connection, posting))


def _removed(connection: Plain, posting: Posting) -> str:
    """Return the message-id of a part whose mail is no longer in its archive, or ""."""
    ids = [part.message_id for part in posting.parts]
    present = {message_id for (message_id,) in connection.execute(_PRESENT, (json.dumps(ids),))}
    return next((message_id for message_id in ids if message_id not in present), "")
