# SPDX-License-Identifier: GPL-2.0-or-later
"""The stop of all sending in the database. It also works if the stop file is lost or its path is wrong."""

from datetime import datetime
from typing import Final

from bot.store.dialect import Plain
from bot.store.listing import Changeable, ListingRows, StoreWriter
from bot.store.times import text_of

_SET: Final = """
INSERT INTO stop (id, number, reason, since, seen) VALUES (1, 1, ?, ?, 0)
ON CONFLICT (id) DO UPDATE SET number = stop.number + 1, reason = excluded.reason, since = excluded.since"""
_CONFIRM: Final = "UPDATE stop SET seen = number WHERE id = 1"
_UNSEEN: Final = "SELECT 1 FROM stop WHERE id = 1 AND seen != number"


class StopRows(ListingRows):
    """bot.ports.StopStore over a database."""

    _listed: Changeable

    def set_stop(self, reason: str, now: datetime) -> int:
        with self._listed.changing() as connection:
            connection.execute(_SET, (reason, text_of(now)))
            return int(connection.execute("SELECT number FROM stop WHERE id = 1").fetchone()[0])

    def confirm_stop(self) -> None:
        with self._listed.rows() as connection:
            if connection.execute(_UNSEEN).fetchone() is None:
                return
        with self._listed.changing() as connection:
            connection.execute(_CONFIRM)


class StopWriter(StopRows, StoreWriter):
    """The stop, and what is stored, without SQLAlchemy: an emergency cannot wait until it is loaded."""


def stop_reason(connection: Plain) -> str:
    """Return why all sending is stopped, or "", within an open transaction."""
    row = connection.execute("SELECT reason FROM stop WHERE id = 1").fetchone()
    return "" if row is None else str(row[0])
