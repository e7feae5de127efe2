# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails that a job has not checked yet. Each job has a cursor over the rows of mails."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from bot.store.tables import CursorRow, MailRow

_EPOCH: Final = "mails"


def unchecked_mails(session: Session, job: str, states: ColumnElement[bool], limit: int) -> Iterator[MailRow]:
    """Yield mails after the job's cursor, in the order of storing. Stop at a mail that was not read yet."""
    cursor = session.get(CursorRow, (job, _EPOCH))
    position = 0 if cursor is None else int(cursor.position)
    rows = select(MailRow).where(col(MailRow.id) > position, states, col(MailRow.pruned).is_(None))
    first_new = session.exec(select(func.min(MailRow.id)).where(MailRow.state == "new")).one()
    if first_new is not None:
        rows = rows.where(col(MailRow.id) < first_new)
    return iter(session.exec(rows.order_by(col(MailRow.id)).limit(limit)))


def mark_checked(session: Session, job: str, mail: int) -> None:
    """Store that the job checked all mails up to this row."""
    session.merge(CursorRow(source=job, epoch=_EPOCH, position=str(mail)))
