# SPDX-License-Identifier: GPL-2.0-or-later
"""The outbox's rows: each change of state is one durable commit that happens only from the state it expects."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select, update

from bot.ports import Outgoing
from bot.store.database import Database
from bot.store.tables import OutgoingRow

_DELIVERABLE = ("queued", "approved")


class OutgoingRows:
    """bot.ports.Outbox over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        with self._database.reading() as session:
            due = select(OutgoingRow).where(col(OutgoingRow.state).in_(_DELIVERABLE), col(OutgoingRow.due) <= now)
            rows = session.exec(due.order_by(col(OutgoingRow.created), col(OutgoingRow.message_id)).limit(limit))
            return [mail_of(row) for row in rows]

    def claim(self, message_id: str, now: datetime) -> bool:
        with self._database.writing() as session:
            mine = update(OutgoingRow).where(
                col(OutgoingRow.message_id) == message_id, col(OutgoingRow.state).in_(_DELIVERABLE)
            )
            values = {"state": "sending", "attempts": OutgoingRow.attempts + 1, "changed": now}
            return session.exec(mine.values(**values)).rowcount == 1

    def settle(
        self,
        message_id: str,
        state: str,
        now: datetime,
        *,
        reason: str = "",
        destination: str = "",
        due: datetime | None = None,
    ) -> None:
        values = {"state": state, "reason": reason, "destination": destination, "changed": now}
        with self._database.writing() as session:
            row = update(OutgoingRow).where(col(OutgoingRow.message_id) == message_id)
            session.exec(row.values(**values, **({} if due is None else {"due": due})))

    def mails(self, state: str | None = None) -> Sequence[Outgoing]:
        with self._database.reading() as session:
            wanted = select(OutgoingRow)
            if state is not None:
                wanted = wanted.where(OutgoingRow.state == state)
            rows = session.exec(wanted.order_by(col(OutgoingRow.created).desc(), col(OutgoingRow.message_id)))
            return [mail_of(row) for row in rows]

    def mail(self, message_id: str) -> Outgoing | None:
        with self._database.reading() as session:
            matching = col(OutgoingRow.message_id).startswith(message_id, autoescape=True)
            rows = session.exec(select(OutgoingRow).where(matching).limit(2)).all()
            exact = [row for row in rows if row.message_id == message_id] or rows
            return mail_of(exact[0]) if len(exact) == 1 else None


def row_of(mail: Outgoing, now: datetime) -> OutgoingRow:
    """The row of a mail that is new."""
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
        state=mail.state,
        reason=mail.reason,
        destination=mail.destination,
        attempts=mail.attempts,
        due=mail.due,
        created=now,
        changed=now,
    )


def mail_of(row: OutgoingRow) -> Outgoing:
    """The mail that a row keeps."""
    return Outgoing(
        message_id=row.message_id,
        posting_id=row.posting_id,
        kind=row.kind,
        envelope_from=row.envelope_from,
        envelope_to=tuple(row.envelope_to.split()),
        content=row.content,
        due=row.due,
        mode=row.mode,
        lists=tuple(row.lists.split()),
        author=row.author,
        state=row.state,
        reason=row.reason,
        destination=row.destination,
        attempts=row.attempts,
    )
