# SPDX-License-Identifier: GPL-2.0-or-later
"""See the statements of a store, also those that do not go through SQLAlchemy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import event

from bot.store.repository import Repository

_TRIGGERED: Final = "--"


@contextmanager
def traced(store: Repository, note: Callable[[str], object], step: Callable[[], int] | None = None) -> Iterator[None]:
    """Call `note` with each statement that begins, and `step` for each step of SQLite's virtual machine.

    Values are in the place of parameters. The statements of triggers count as steps of the statement before them.
    """
    database = store._database
    opened = database._raw

    def begin(statement: str) -> None:
        if not statement.startswith(_TRIGGERED):
            note(statement)

    def watch(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(begin)
        connection.set_progress_handler(step, 1)

    def leave(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 1)

    @contextmanager
    def watched() -> Iterator[Any]:
        with opened() as connection:
            watch(connection)
            try:
                yield connection
            finally:
                leave(connection)

    listeners = {"checkout": watch, "checkin": leave}
    for name, listener in listeners.items():
        event.listen(database.engine, name, listener)
    with patch.object(database, "_raw", watched):
        yield
    for name, listener in listeners.items():
        event.remove(database.engine, name, listener)
