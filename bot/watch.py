# SPDX-License-Identifier: GPL-2.0-or-later
"""Watch folders with inotify(7): a thread reports changed entries, and costs nothing while nothing changes."""

import errno
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from typing import Final, Self

from inotify_simple import INotify, flags

from rules.lazy import re

ENTRIES: Final = int(
    flags.CREATE
    | flags.CLOSE_WRITE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.DELETE
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONLYDIR
)
"""The events of a folder whose entries are created, written to the end, renamed or deleted."""
WRITES: Final = ENTRIES | int(flags.MODIFY)
"""The same, and each write to a file that stays open."""
MOUNTS: Final = Path("/proc/self/mountinfo")
"""The kernel's table of the mounts that this process sees; see proc_pid_mountinfo(5)."""
_OVERFLOW: Final = int(flags.Q_OVERFLOW)
_MODIFY: Final = int(flags.MODIFY)
_IGNORED: Final = int(flags.IGNORED)
_GATHER_SECONDS: Final = 0.1
"""How long events are gathered, so that a program that writes much does not keep the thread busy."""
_LOCAL: Final = frozenset(
    {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs", "reiserfs", "tmpfs", "xfs", "zfs"}
)
"""File systems that only this machine writes. Others, such as NFS, do not report what another machine writes."""
_ESCAPED: Final = re.compile(rb"\\([0-3][0-7]{2})")

Listener = Callable[[str, bool], None]
"""Called with the name of an entry, "" for the folder itself or if events were lost, and whether its file is closed."""


class WatchError(Exception):
    """A folder cannot be watched. The text says why."""


class Watcher:
    """The watched folders, and the thread that calls their listeners. Close it after use.

    Raises WatchError if the system has no inotify, or no instance is left.
    """

    def __init__(self) -> None:
        try:
            self._inotify = INotify()
            self._stop_read, self._stop_write = os.pipe()
        except (OSError, AttributeError) as error:
            raise WatchError(_reason(error)) from error
        self._listeners: dict[int, dict[Listener, None]] = {}
        self._local: dict[int, bool] = {}  # by the number of the device
        self._lock = Lock()
        self._thread = Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def add(self, folder: Path, listener: Listener, events: int = ENTRIES) -> None:
        """Call the listener for each change of the folder. A folder that is watched already stays so.

        Raises WatchError if it cannot be watched, or if other machines may change it unnoticed.
        """
        with self._lock:  # The thread must not get an event of the new watch before its listener is known.
            try:
                device = folder.stat().st_dev
                if device not in self._local:
                    self._local[device] = _is_local(folder)
                if not self._local[device]:
                    raise WatchError("its file system may be shared with other machines")
                watch = self._inotify.add_watch(folder, events | int(flags.MASK_ADD))
            except OSError as error:
                raise WatchError(_reason(error)) from error
            self._listeners.setdefault(watch, {})[listener] = None

    def close(self) -> None:
        """End the thread."""
        os.write(self._stop_write, b"x")
        self._thread.join()
        self._inotify.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        poll = select.poll()
        for descriptor in (self._inotify.fileno(), self._stop_read):
            poll.register(descriptor, select.POLLIN)
        while all(descriptor != self._stop_read for descriptor, _ in poll.poll()):
            time.sleep(_GATHER_SECONDS)
            for listener, name, is_closed in self._calls():
                listener(name, is_closed)

    def _calls(self) -> list[tuple[Listener, str, bool]]:
        """Return the calls of listeners for the events since the last call, each once."""
        calls: dict[tuple[Listener, str, bool], None] = {}
        events = self._inotify.read(timeout=0)
        with self._lock:
            for event in events:
                if event.mask & _OVERFLOW:
                    every = dict.fromkeys(key for listeners in self._listeners.values() for key in listeners)
                    calls |= dict.fromkeys((listener, "", True) for listener in every)
                    continue
                is_closed = not event.mask & _MODIFY
                listeners = self._listeners.get(event.wd, {})
                calls |= dict.fromkeys((listener, event.name, is_closed) for listener in listeners)
                if event.mask & _IGNORED:  # The folder is gone, and so is its watch.
                    self._listeners.pop(event.wd, None)
        return list(calls)


def _is_local(folder: Path) -> bool:
    """Return whether only this machine can write to the folder, as far as its file system tells."""
    try:
        mounts = MOUNTS.read_bytes().splitlines()
    except OSError:
        return False
    path = os.fsencode(folder.resolve())
    file_system, longest = b"", -1
    for mount in mounts:
        fields, _, source = mount.partition(b" - ")
        point = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), fields.split(b" ")[4])
        # Of two mounts on one point, the later one hides the other.
        if len(point) >= longest and (path == point or path.startswith(point.rstrip(b"/") + b"/")):
            file_system, longest = source.partition(b" ")[0], len(point)
    return os.fsdecode(file_system) in _LOCAL


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC:
            return "the limit of watches is reached; raise fs.inotify.max_user_watches"
        if error.errno == errno.EMFILE:
            return "the limit of inotify instances is reached; raise fs.inotify.max_user_instances"
        return error.strerror or str(error)
    return "this system has no inotify"
