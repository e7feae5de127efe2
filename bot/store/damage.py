# SPDX-License-Identifier: GPL-2.0-or-later
"""Search a SQLite database for damage that no statement has met yet."""

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer

from bot.store.dialect import open_reading
from bot.store.error import explained


def find_damage(database: Path, max_seconds: float) -> str | None:
    """Return the first damage in the structure of the file, "" if there is none, or None if the time was too short.

    The content of rows and indexes is not compared. Raises StoreError if the file cannot be read.
    """
    with explained(database), closing(open_reading(database, "")) as connection:
        assert isinstance(connection, sqlite3.Connection)  # no server was named
        # Progress handlers are not called during the check by versions of SQLite before 3.41.
        timer = Timer(max_seconds, connection.interrupt)
        timer.start()
        try:
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname == "SQLITE_INTERRUPT":
                return None
            raise
        finally:
            timer.cancel()
            timer.join()
    return "" if result == "ok" else " ".join(result.split())
