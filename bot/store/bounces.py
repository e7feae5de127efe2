# SPDX-License-Identifier: GPL-2.0-or-later
"""Bounces of our mails, and the copies of them that archives contain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.ports.installation import Claim
from bot.ports.mails import MailStatus
from bot.ports.outbox import DeliveryEvent
from bot.store.blocks import BlockReader, driver
from bot.store.codec import up_to
from bot.store.database import Database
from bot.store.installation import save_claim
from bot.store.listing import mail_status
from bot.store.sqlalchemy_dialect import insert, insert_new
from bot.store.tables import DeliveryEventRow, MailRow, OutgoingRow
from bot.store.unchecked import mark_checked, unchecked_mails

_JOB: Final = "bounces"
MAX_PLACES: Final = 50
"""Maximum number of rows for copies and foreign mails with one message-id."""
_READ: Final = ("read", "duplicate", "conflict", "private")


class BounceRows:
    """bot.ports.BounceStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unchecked_for_bounces(self, limit: int) -> Sequence[MailStatus]:
        with self._database.reading() as session:
            rows = unchecked_mails(session, _JOB, col(MailRow.state).in_(_READ), limit)
            reader = BlockReader(driver(session.connection()))
            return list(up_to((mail_status(reader, row, "") for row in rows), lambda mail: len(mail.mail.raw)))

    def record_delivery_events(
        self, upto: int, events: Sequence[DeliveryEvent], claims: Sequence[Claim], now: datetime
    ) -> Sequence[DeliveryEvent]:
        with self._database.writing() as session:
            for claim in claims:
                save_claim(session, claim)
            news = [new for event in events for new in _record(session, event, now)]
            mark_checked(session, _JOB, upto)
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
    return insert_new(session, insert(DeliveryEventRow).values(**values))


def _number(session: Session, message_id: str) -> int:
    rows = select(func.count()).select_from(DeliveryEventRow).where(col(DeliveryEventRow.message_id) == message_id)
    return session.exec(rows).one()
