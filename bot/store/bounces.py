# SPDX-License-Identifier: GPL-2.0-or-later
"""Bounces of our mails, and the copies of them that archives contain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from bot.ports import Claim, DeliveryEvent, MailStatus
from bot.store.codec import STREAMED, up_to
from bot.store.database import Database
from bot.store.installation import save_claim
from bot.store.knowledge import mail_status
from bot.store.tables import CursorRow, DeliveryEventRow, MailRow, OutgoingRow

_SOURCE: Final = "bounces"  # the source of the cursor over mails that were checked for bounces
_EPOCH: Final = "mails"
MAX_PLACES: Final = 50
"""Maximum number of rows for copies and foreign mails with one message-id."""
_READ: Final = ("read", "duplicate", "conflict", "private")


class BounceRows:
    """bot.ports.BounceStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unchecked_for_bounces(self, limit: int) -> Sequence[MailStatus]:
        with self._database.reading() as session:
            first_new = session.exec(select(func.min(MailRow.id)).where(MailRow.state == "new")).one()
            rows = select(MailRow).where(
                col(MailRow.id) > _position(session), col(MailRow.state).in_(_READ), col(MailRow.pruned).is_(None)
            )
            if first_new is not None:
                rows = rows.where(col(MailRow.id) < first_new)
            rows = rows.order_by(col(MailRow.id)).limit(limit).execution_options(**STREAMED)
            return list(up_to((mail_status(row, "") for row in session.exec(rows)), lambda mail: len(mail.mail.raw)))

    def record_delivery_events(
        self, upto: int, events: Sequence[DeliveryEvent], claims: Sequence[Claim], now: datetime
    ) -> Sequence[DeliveryEvent]:
        with self._database.writing() as session:
            for claim in claims:
                save_claim(session, claim)
            news = [new for event in events for new in _record(session, event, now)]
            session.merge(CursorRow(source=_SOURCE, epoch=_EPOCH, position=str(upto)))
            return news


def _record(session: Session, event: DeliveryEvent, now: datetime) -> Sequence[DeliveryEvent]:
    if session.get(OutgoingRow, event.message_id) is None:
        return ()
    if event.kind in {"copy", "foreign"} and _number(session, event.message_id) >= MAX_PLACES:
        return ()  # a recipient of our mail can forge any number of places
    if _add(session, event, now):
        return () if event.kind == "copy" else (event,)
    repeat = DeliveryEvent(event.message_id, "repeat", event.place, event.detail)
    return (repeat,) if event.kind == "copy" and _add(session, repeat, now) else ()


def _add(session: Session, event: DeliveryEvent, now: datetime) -> bool:
    values = {
        "message_id": event.message_id,
        "kind": event.kind,
        "place": event.place,
        "detail": event.detail,
        "noticed": now,
    }
    return session.exec(insert(DeliveryEventRow).values(**values).on_conflict_do_nothing()).rowcount == 1


def _number(session: Session, message_id: str) -> int:
    rows = select(func.count()).select_from(DeliveryEventRow).where(col(DeliveryEventRow.message_id) == message_id)
    return session.exec(rows).one()


def _position(session: Session) -> int:
    row = session.get(CursorRow, (_SOURCE, _EPOCH))
    return 0 if row is None else int(row.position)
