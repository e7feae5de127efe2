# SPDX-License-Identifier: GPL-2.0-or-later
"""See the statements of a store, also those that do not go through SQLAlchemy."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import event

from bot.store.repository import Repository

_TRIGGERED: Final = "--"


@contextmanager
def traced(store: Repository, note: Callable[[str], object], step: Callable[[], int] | None = None) -> Iterator[None]:
    """Call `note` with each statement that begins, and `step` for each step of SQLite's virtual machine.

    Values are in the place of parameters. The statements of triggers count as steps of the statement before them.
    """
    engine = store._database.engine

    def begin(statement: str) -> None:
        if not statement.startswith(_TRIGGERED):
            note(statement)

    def checkout(connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_trace_callback(begin)
        connection.set_progress_handler(step, 1)

    def checkin(connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 1)

    listeners = {"checkout": checkout, "checkin": checkin}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    yield
    for name, listener in listeners.items():
        event.remove(engine, name, listener)
