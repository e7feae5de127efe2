# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the outbox. `change_state` changes the state of a mail, and only a mute does that elsewhere.

Each change is a durable commit."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.state import MAY_HAVE_LEFT, MailState, check_transition
from bot.ports.outbox import MailChange, Pace
from bot.review.consent import Mode
from bot.store.database import CHANGES, Database
from bot.store.dialect import Plain, unindexed
from bot.store.listing import FILED, PRIVATE, mail_of
from bot.store.tables import (
    IS_DELIVERABLE,
    DeliveryEventRow,
    MessageRow,
    MuteRow,
    OutgoingRow,
    PostingRow,
)
from bot.store.times import text_of

PUBLIC: Final = Mode.LIST.value
WAITED: Final = "waited too long"
_EARLIER: Final = """
SELECT 1 FROM outgoing_part WHERE kind = ? AND message_id IN (SELECT value FROM json_each(?)) LIMIT 1"""
_PART: Final = "INSERT INTO outgoing_part (message_id, kind, outgoing_id) VALUES (?, ?, ?)"


class OutgoingRows:
    """bot.ports.Outbox over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        with self._database.reading() as session:
            due = select(OutgoingRow).where(IS_DELIVERABLE, col(OutgoingRow.due) <= now)
            rows = session.exec(due.order_by(col(OutgoingRow.created), col(OutgoingRow.message_id)).limit(limit))
            return [mail_of(row) for row in rows]

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
        with self._database.writing() as session:
            row = session.get_one(OutgoingRow, message_id)
            row.destination, row.due = destination, due or row.due
            change_state(session, row, state, now, reason)

    def decide(
        self, message_id: str, before: Collection[MailState], after: MailState, now: datetime, reason: str
    ) -> bool:
        with self._database.writing() as session:
            row = session.get(OutgoingRow, message_id)
            if row is None or row.state not in before:
                return False
            change_state(session, row, after, now, reason)
            row.due = max(row.due, now)
            return True

    def expire(self, before: datetime, now: datetime) -> int:
        with self._database.writing() as session:
            old = select(OutgoingRow).where(
                OutgoingRow.state == MailState.QUEUED,  # a mail that a person approved does not expire
                OutgoingRow.mode != FILED,
                col(OutgoingRow.created) < before,
            )
            rows = session.exec(old).all()
            for row in rows:
                change_state(session, row, MailState.EXPIRED, now, WAITED)
            return len(rows)

    def archived(self, message_id: str) -> bool:
        with self._database.reading() as session:
            row = session.get(MessageRow, message_id)
            return row is not None and row.mail_id is not None


def change_state(session: Session, row: OutgoingRow, after: MailState, now: datetime, reason: str = "") -> None:
    """Change the state of a mail within the transaction. Raises TransitionError if the transition is not allowed."""
    before = MailState(row.state)
    check_transition(row.message_id, before, after)
    row.state, row.reason, row.changed = after.value, reason, now
    session.add(row)
    if before is not after:
        note_changes(session, [MailChange(before, mail_of(row))])


def note_changes(session: Session, changes: Iterable[MailChange]) -> None:
    """Let `on_change` of the database see the changes after the commit of the transaction."""
    session.info.setdefault(CHANGES, []).extend(changes)


def pace_of(session: Session, mail: Outgoing, now: datetime, since: datetime) -> Pace:
    """Count the mails that count for the limits of this mail; bounces, copies and mutes by mail from `since`."""
    topic = select(PostingRow.topic).where(PostingRow.message_id == mail.posting_id).scalar_subquery()
    may_have_left = col(OutgoingRow.state).in_(MAY_HAVE_LEFT), col(OutgoingRow.mode) != FILED
    series = session.exec(
        select(func.count(col(OutgoingRow.message_id)))
        .join(PostingRow, col(PostingRow.message_id) == col(OutgoingRow.posting_id))
        .where(*may_have_left, PostingRow.topic == topic, col(OutgoingRow.kind).not_in(PRIVATE))
    ).one()
    day = col(OutgoingRow.changed) > now - timedelta(days=1)
    left_lately = unindexed(OutgoingRow.state).in_(MAY_HAVE_LEFT), col(OutgoingRow.mode) != FILED, day
    recent = session.exec(select(OutgoingRow).where(*left_lately)).all()
    refused = unindexed(OutgoingRow.state) == MailState.REFUSED, OutgoingRow.attempts > 0
    rejected = session.exec(select(OutgoingRow).where(*refused, day, col(OutgoingRow.changed) > since)).all()
    recent_events = select(DeliveryEventRow.message_id).where(
        col(DeliveryEventRow.noticed) > max(since, now - timedelta(days=1))
    )
    bounced = session.exec(
        select(OutgoingRow).where(
            # Subscribers may know the token of a mail to a list: mail systems write envelope senders into headers.
            OutgoingRow.mode != PUBLIC,
            col(OutgoingRow.message_id).in_(recent_events.where(DeliveryEventRow.kind == "bounce")),
        )
    ).all()
    returned = {row.message_id: row for row in (*bounced, *rejected)}
    domains = {row.envelope_to.partition(" ")[0].rpartition("@")[2].lower() for row in returned.values()}
    # Only the maintainer of a list can mute it by mail; mutes of the operator have no message-id.
    mutes = select(MuteRow).where(MuteRow.scope == "list", MuteRow.message_id != "")
    muted = session.exec(mutes.where(col(MuteRow.given) > since).limit(1)).first()
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
        muted="" if muted is None else f"{muted.subject} by {muted.by}",
    )


def row_of(mail: Outgoing, now: datetime) -> OutgoingRow:
    """Return the row of a new mail."""
    return OutgoingRow(
        message_id=mail.message_id,
        posting_id=mail.posting_id,
        kind=mail.kind,
        envelope_from=mail.envelope_from,
        envelope_to=" ".join(mail.envelope_to),
        content=mail.content,
        mode=mail.mode,
        lists=" ".join(mail.lists),
        author=mail.author,
        state=mail.state.value,
        reason=mail.reason,
        destination=mail.destination,
        attempts=mail.attempts,
        due=mail.due,
        created=now,
        changed=now,
    )


def store_mail(connection: Plain, posting: Posting, outgoing: Outgoing, now: datetime) -> bool:
    """Store a mail about a posting; return False if a part of the posting has a mail of that kind already."""
    parts = [part.message_id for part in posting.parts]
    if connection.execute(_EARLIER, (outgoing.kind, json.dumps(parts))).fetchone() is not None:
        return False
    values = row_of(outgoing, now).model_dump()
    values = {name: text_of(value) if isinstance(value, datetime) else value for name, value in values.items()}
    insert = f"INSERT INTO outgoing ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 names of columns
    connection.execute(insert, tuple(values.values()))
    connection.executemany(_PART, [(part, outgoing.kind, outgoing.message_id) for part in parts])
    return True
