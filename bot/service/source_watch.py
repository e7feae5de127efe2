# SPDX-License-Identifier: GPL-2.0-or-later
"""Watch local archives and mailboxes, so that new mails are read at once, and unchanged sources are not polled."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock, Timer
from typing import Final

from bot.inbox.epochs import is_git_archive, ref_folders
from bot.inbox.mailbox import SETTLED
from bot.inbox.maildir import maildir_folders
from bot.log import LogEvent
from bot.service.outage import Outages
from bot.watch import ENTRIES, WRITES, Listener, Watcher, WatchError

_MAX_SILENCE: Final = 600.0
"""Seconds after which a watched source is read even if no change was reported."""
_LOCK: Final = ".lock"  # git writes a file under such a name, and then renames it


class _Source:
    """A local source and its listeners.

    `is_changed` says that it may have mails that were not read. A mailbox is read again by `timer`, because the last
    mail of a file counts only when the file has not changed for a while.
    """

    def __init__(self, path: Path, listen: Callable[["_Source", str, bool], None]) -> None:
        self.path = path
        self.is_changed = True
        self.is_watched = False
        self.last_read = 0.0
        self.last_change = 0.0
        self.timer: Timer | None = None
        self.folder_listener: Listener = partial(listen, self)
        self.parent_listener: Listener = self._listen_to_parent

    def _listen_to_parent(self, name: str, is_closed: bool) -> None:
        if name in ("", self.path.name):
            self.folder_listener("", is_closed)


class SourceWatcher:
    """Knows which local sources have changed since they were read. Close it after use.

    `sources` are the paths of the sources by their names. `on_change` is called in another thread after a change. A
    source that cannot be watched, and a source that is not local, counts as changed at all times.
    """

    def __init__(
        self,
        sources: Mapping[str, Path],
        watcher: Watcher | None,
        on_change: Callable[[], None],
        *,
        settled_seconds: float = SETTLED.total_seconds() + 1,
    ) -> None:
        self._sources = {name: _Source(path, self._note) for name, path in sources.items()}
        self._watcher = watcher
        self._on_change = on_change
        self._settled_seconds = settled_seconds
        self._outages = Outages(LogEvent.ARCHIVE_UNWATCHED, LogEvent.ARCHIVE_WATCHED, "list")
        self._lock = Lock()
        self._is_closed = False
        for source in self._sources.values():
            self._read_when_settled(source)

    def take(self, name: str) -> bool:
        """Return whether the source may have new mails. It counts as read from now on."""
        source = self._sources.get(name)
        if source is None:
            return True
        was_watched = source.is_watched
        if not was_watched:
            self._watch(source)
        with self._lock:
            now = time.monotonic()
            is_due = source.is_changed or not was_watched or now - source.last_read > _MAX_SILENCE
            if is_due:
                source.is_changed, source.last_read = False, now
            return is_due

    def is_watched(self, name: str) -> bool:
        """Return whether changes of the source are reported."""
        source = self._sources.get(name)
        return source is not None and source.is_watched

    def put_back(self, name: str) -> None:
        """Count the source as changed: it was not read to its end. It is read again in the next round."""
        if (source := self._sources.get(name)) is not None:
            source.is_changed = True

    def close(self) -> None:
        """Cancel the timers."""
        with self._lock:
            self._is_closed = True
            timers = [source.timer for source in self._sources.values() if source.timer is not None]
        for timer in timers:
            timer.cancel()

    def _watch(self, source: _Source) -> None:
        """Watch the folders in which the source changes, and the one that contains it."""
        if self._watcher is None:
            return
        path, name = source.path, str(source.path)
        try:
            is_folder = path.is_dir()
            # The parent comes first, so that a source that is replaced meanwhile is noticed.
            self._watcher.add(path.parent, source.parent_listener, ENTRIES if is_folder else WRITES)
            for folder in _folders(path) if is_folder else ():
                self._watcher.add(folder, source.folder_listener)
            source.is_watched = path.exists()
        except (WatchError, OSError) as error:
            source.is_watched = False
            if path.exists():  # The poll reports a missing source.
                self._outages.failed(name, str(error))
        else:
            self._outages.worked(name)

    def _note(self, source: _Source, name: str, is_closed: bool) -> None:
        """Note a change of the source. Watch its new folders before it is read, so that no change is missed."""
        if name.endswith(_LOCK):
            return
        self._watch(source)
        source.last_change = time.monotonic()
        self._read_when_settled(source)
        if is_closed:
            source.is_changed = True
            self._on_change()

    def _read_when_settled(self, source: _Source, seconds: float | None = None) -> None:
        """Let a mailbox be read once more when its last change is old enough."""
        with self._lock:
            if source.timer is None and not self._is_closed and not is_git_archive(source.path):
                seconds = self._settled_seconds if seconds is None else seconds
                source.timer = Timer(seconds, self._settled, [source, time.monotonic()])
                source.timer.daemon = True
                source.timer.start()

    def _settled(self, source: _Source, started: float) -> None:
        with self._lock:
            source.timer = None
        source.is_changed = True
        if source.last_change > started:
            self._read_when_settled(source, source.last_change + self._settled_seconds - time.monotonic())
        self._on_change()


def _folders(path: Path) -> list[Path]:
    return [path, *(ref_folders(path) if is_git_archive(path) else maildir_folders(path))]
