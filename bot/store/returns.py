# SPDX-License-Identifier: GPL-2.0-or-later
"""What came back of our mails: bounces, and the copies that lists bring."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from bot.ports import Claim, MailStatus, ReturnedMail
from bot.store.codec import STREAMED, up_to
from bot.store.database import Database
from bot.store.installation import save_claim
from bot.store.knowledge import kept_of
from bot.store.tables import CursorRow, DeliveryEventRow, MailRow, OutgoingRow

_SOURCE: Final = "bounces"  # the cursor over the mails that were looked at, beside those of the archives
_EPOCH: Final = "mails"
MAX_PLACES: Final = 50
"""Rows for copies and foreign mails under one message-id."""
_READ: Final = ("read", "duplicate", "conflict", "private")


class ReturnRows:
    """bot.ports.BounceStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unreturned(self, limit: int) -> Sequence[MailStatus]:
        with self._database.reading() as session:
            first_new = session.exec(select(func.min(MailRow.id)).where(MailRow.state == "new")).one()
            rows = select(MailRow).where(
                col(MailRow.id) > _position(session), col(MailRow.state).in_(_READ), col(MailRow.pruned).is_(None)
            )
            if first_new is not None:
                rows = rows.where(col(MailRow.id) < first_new)
            found = session.exec(rows.order_by(col(MailRow.id)).limit(limit).execution_options(**STREAMED))
            return list(up_to((kept_of(row, "") for row in found), lambda kept: len(kept.mail.raw)))

    def note_returned(
        self, upto: int, found: Sequence[ReturnedMail], claims: Sequence[Claim], now: datetime
    ) -> Sequence[ReturnedMail]:
        with self._database.writing() as session:
            for claim in claims:
                save_claim(session, claim)
            news = [each for one in found for each in _note(session, one, now)]
            session.merge(CursorRow(source=_SOURCE, epoch=_EPOCH, position=str(upto)))
            return news


def _note(session: Session, one: ReturnedMail, now: datetime) -> Sequence[ReturnedMail]:
    if session.get(OutgoingRow, one.message_id) is None:
        return ()
    if one.kind in {"copy", "foreign"} and _number(session, one.message_id) >= MAX_PLACES:
        return ()  # who has our mail can name any number of places
    if _added(session, one, now):
        return () if one.kind == "copy" else (one,)
    again = ReturnedMail(one.message_id, "repeat", one.place, one.detail)
    return (again,) if one.kind == "copy" and _added(session, again, now) else ()


def _added(session: Session, one: ReturnedMail, now: datetime) -> bool:
    values = {
        "message_id": one.message_id,
        "kind": one.kind,
        "place": one.place,
        "detail": one.detail,
        "noticed": now,
    }
    return session.exec(insert(DeliveryEventRow).values(**values).on_conflict_do_nothing()).rowcount == 1


def _number(session: Session, message_id: str) -> int:
    rows = select(func.count()).select_from(DeliveryEventRow).where(col(DeliveryEventRow.message_id) == message_id)
    return session.exec(rows).one()


def _position(session: Session) -> int:
    row = session.get(CursorRow, (_SOURCE, _EPOCH))
    return 0 if row is None else int(row.position)
