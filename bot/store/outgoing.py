# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the outbox. Only `make_change` changes the state of a mail. Each change is a durable commit."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.state import MAY_HAVE_LEFT, MailState, check_transition
from bot.ports.outbox import MailChange, Pace
from bot.review.consent import Mode
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.listing import FILED, PRIVATE, mail_of, named_rows
from bot.store.times import text_of, utc
from rules.lazy import replace

PUBLIC: Final = Mode.LIST.value
WAITED: Final = "waited too long"
_EARLIER: Final = """
SELECT 1 FROM outgoing_part WHERE kind = ? AND message_id IN (SELECT value FROM json_each(?)) LIMIT 1"""
NEW_PART: Final = "INSERT INTO outgoing_part (message_id, kind, outgoing_id) VALUES (?, ?, ?)"
_MAIL: Final = "SELECT * FROM outgoing WHERE message_id = ?"
# SQLite uses the partial index only for a query that has its condition literally.
_DELIVERABLE: Final = """
SELECT * FROM outgoing WHERE state IN ('queued', 'approved') AND due <= ? ORDER BY created, message_id LIMIT ?"""
_WAITED: Final = "SELECT * FROM outgoing WHERE state = ? AND mode != ? AND created < ?"
_STATES: Final = ", ".join(f"'{state}'" for state in MAY_HAVE_LEFT)
_OF_SERIES: Final = f"""
SELECT count(*) FROM posting JOIN outgoing ON posting_id = posting.message_id
WHERE topic = (SELECT topic FROM posting WHERE message_id = ?) AND +outgoing.state IN ({_STATES}) AND mode != ?
AND kind NOT IN (SELECT value FROM json_each(?))"""  # noqa: S608 constants
# Nearly all mails have left, so the index of the times is the right one.
_LEFT_LATELY: Final = f"""
SELECT kind, lists, author, changed FROM outgoing WHERE +state IN ({_STATES}) AND mode != ?
AND changed > ? AND changed < ?"""  # noqa: S608
_REJECTED: Final = """
SELECT message_id, envelope_to FROM outgoing WHERE +state = 'refused' AND attempts > 0 AND changed > ?"""
# Subscribers may know the token of a mail to a list: mail systems write envelope senders into headers.
_BOUNCED: Final = """
SELECT message_id, envelope_to FROM outgoing WHERE mode != ? AND message_id IN (
  SELECT message_id FROM delivery_event WHERE noticed > ? AND kind = 'bounce')"""
# Only the maintainer of a list can mute it by mail; mutes of the operator have no message-id.
_MUTED: Final = """
SELECT subject, "by" FROM mute WHERE scope = 'list' AND message_id != '' AND given > ?
ORDER BY given, subject LIMIT 1"""


class OutgoingRows:
    """bot.ports.Outbox over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        with self._database.rows() as connection:
            return [mail_of(row) for row in named_rows(connection, _DELIVERABLE, text_of(now), limit)]

    def settle(
        self,
        message_id: str,
        state: MailState,
        now: datetime,
        *,
        reason: str = "",
        destination: str = "",
        due: datetime | None = None,
    ) -> None:
        with self._database.changing() as connection:
            mail = stored_mail(connection, message_id)
            if mail is None:
                raise KeyError(message_id)
            mail = replace(mail, destination=destination, due=due or mail.due)
            self._database.note(change_state(connection, mail, state, now, reason))

    def decide(
        self, message_id: str, before: Collection[MailState], after: MailState, now: datetime, reason: str
    ) -> bool:
        with self._database.changing() as connection:
            mail = stored_mail(connection, message_id)
            if mail is None or mail.state not in before:
                return False
            mail = replace(mail, due=max(mail.due, now))
            self._database.note(change_state(connection, mail, after, now, reason))
            return True

    def expire(self, before: datetime, now: datetime) -> int:
        with self._database.changing() as connection:
            # A mail that a person approved does not expire.
            rows = named_rows(connection, _WAITED, MailState.QUEUED.value, FILED, text_of(before))
            mails = [mail_of(row) for row in rows]
            self._database.note(*(change_state(connection, mail, MailState.EXPIRED, now, WAITED) for mail in mails))
            return len(mails)

    def archived(self, message_id: str) -> bool:
        query = "SELECT 1 FROM message WHERE message_id = ? AND mail_id IS NOT NULL"
        with self._database.rows() as connection:
            return connection.execute(query, (message_id,)).fetchone() is not None


def stored_mail(connection: Plain, message_id: str) -> Outgoing | None:
    """Return the mail in the outbox with that message-id."""
    return next((mail_of(row) for row in named_rows(connection, _MAIL, message_id)), None)


def change_state(connection: Plain, mail: Outgoing, after: MailState, now: datetime, reason: str = "") -> MailChange:
    """Store the mail in another state, with its destination, attempts and due time. Return the change.

    Raises TransitionError if the transition is not allowed.
    """
    change = make_change(mail, after, now, reason)
    store_delivery(connection, change.mail)
    return change


def make_change(mail: Outgoing, after: MailState, now: datetime, reason: str) -> MailChange:
    """Return the change of the mail to another state. Raises TransitionError if the transition is not allowed."""
    check_transition(mail.message_id, mail.state, after)
    return MailChange(mail.state, replace(mail, state=after, reason=reason, changed=now))


def store_delivery(connection: Plain, mail: Outgoing) -> None:
    """Store what delivery changes of a mail: its destination, attempts and times, and the state of `make_change`."""
    query = (
        "UPDATE outgoing SET state = ?, reason = ?, changed = ?, destination = ?, attempts = ?, due = ? "
        "WHERE message_id = ?"
    )
    state = (mail.state.value, mail.reason, text_of(utc(mail.changed)))
    connection.execute(query, (*state, mail.destination, mail.attempts, text_of(mail.due), mail.message_id))


def pace_of(connection: Plain, mail: Outgoing, now: datetime, since: datetime) -> Pace:
    """Count the mails that the limits of this mail are about; bounces, copies and mutes by mail only from `since`.

    Times more than a day ahead come from a wrong clock and do not count: they would stop mails until then.
    """
    (series,) = connection.execute(_OF_SERIES, (mail.posting_id, FILED, json.dumps(PRIVATE))).fetchone()
    day, ahead = now - timedelta(days=1), now + timedelta(days=1)
    from_then = text_of(max(since, day))
    recent = list(named_rows(connection, _LEFT_LATELY, FILED, text_of(day), text_of(ahead)))
    rejected = dict(connection.execute(_REJECTED, (from_then,)))
    returned = {**dict(connection.execute(_BOUNCED, (PUBLIC, from_then))), **rejected}
    domains = {envelope_to.partition(" ")[0].rpartition("@")[2].lower() for envelope_to in returned.values()}
    muted = connection.execute(_MUTED, (text_of(since),)).fetchone()
    public = [row for row in recent if row.kind not in PRIVATE]
    lists = [sum(name in row.lists.split() for row in public) for name in mail.lists]
    is_requested = mail.kind in PRIVATE
    return Pace(
        series=0 if is_requested else series,
        author_day=0 if is_requested else sum(row.author == mail.author for row in public),
        list_day=0 if is_requested else max(lists, default=0),
        hour=sum(row.changed > now - timedelta(hours=1) for row in recent),
        refused=len(returned),
        refusals=len(domains),
        tried=len(rejected) + sum(row.changed > since for row in recent),
        muted="" if muted is None else f"{muted[0]} by {muted[1]}",
    )


def insert_mail(connection: Plain, mail: Outgoing, now: datetime) -> None:
    """Store a new mail."""
    query = (
        "INSERT INTO outgoing (message_id, posting_id, kind, envelope_from, envelope_to, content, mode, lists, author, "
        "state, reason, destination, attempts, due, created, changed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    envelope = (mail.envelope_from, " ".join(mail.envelope_to), mail.content)
    origin = (mail.mode, " ".join(mail.lists), mail.author)
    delivery = (mail.state.value, mail.reason, mail.destination, mail.attempts)
    times = (text_of(mail.due), text_of(now), text_of(now))
    connection.execute(query, (mail.message_id, mail.posting_id, mail.kind, *envelope, *origin, *delivery, *times))


def store_mail(connection: Plain, posting: Posting, outgoing: Outgoing, now: datetime) -> bool:
    """Store a mail about a posting; return False if a part of the posting has a mail of that kind already."""
    parts = [part.message_id for part in posting.parts]
    if connection.execute(_EARLIER, (outgoing.kind, json.dumps(parts))).fetchone() is not None:
        return False
    insert_mail(connection, outgoing, now)
    connection.executemany(NEW_PART, [(part, outgoing.kind, outgoing.message_id) for part in parts])
    return True
