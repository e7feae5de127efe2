# SPDX-License-Identifier: GPL-2.0-or-later
"""The watcher of files, and the watched stop of all sending."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bot.log import LogEvent, event
from bot.settings.tables import Settings
from bot.watch import WRITES, Watcher, WatchError

CONFIRM_STOP: Final = "confirm stop"
"""The name of the job that confirms a stop."""


@contextmanager
def open_watcher() -> Iterator[Watcher | None]:
    """Yield a watcher, or None where the system has none; then files are polled."""
    try:
        watcher = Watcher()
    except WatchError as error:
        event(LogEvent.ARCHIVE_UNWATCHED, "warning", list="all", reason=str(error))
        yield None
        return
    with watcher:
        yield watcher


def watch_stop(settings: Settings, watcher: Watcher | None, on_change: Callable[[], None]) -> bool:
    """Call `on_change` when the stop file or the database changes. Return whether both are watched."""
    if watcher is None or settings.server:
        return False
    database = settings.database
    names = {"", settings.stop_file.name, database.name, f"{database.name}-wal"}

    def listen(name: str, is_closed: bool) -> None:  # noqa: ARG001 a Listener
        if name in names:
            on_change()

    try:
        for folder in (settings.stop_file.parent, database.parent):
            watcher.add(folder, listen, WRITES)
    except WatchError:
        return False
    return True
