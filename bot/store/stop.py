# SPDX-License-Identifier: GPL-2.0-or-later
"""The stop of all sending in the database. It also works if the stop file is lost or its path is wrong."""

from datetime import datetime

from sqlmodel import Session

from bot.store.database import Database
from bot.store.tables import StopRow


class StopRows:
    """bot.ports.StopStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_stop(self, reason: str, now: datetime) -> int:
        with self._database.writing() as session:
            row = session.get(StopRow, 1) or StopRow(since=now)
            row.number, row.reason, row.since = row.number + 1, reason, now
            session.add(row)
            return row.number

    def confirm_stop(self) -> None:
        with self._database.reading() as session:
            row = session.get(StopRow, 1)
            if row is None or row.seen == row.number:
                return
        with self._database.writing() as session:
            row = session.get(StopRow, 1)
            if row is not None:
                row.seen = row.number
                session.add(row)


def stop_reason(session: Session) -> str:
    """Return why all sending is stopped, or "", within an open transaction."""
    row = session.get(StopRow, 1)
    return "" if row is None else row.reason
