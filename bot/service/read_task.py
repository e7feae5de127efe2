# SPDX-License-Identifier: GPL-2.0-or-later
"""Read one source, or assemble what was read, in a process that shares the sources with other processes."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from bot.ports.archive import Archive
from bot.ports.running import Stop
from bot.service.poll import PollJob

_MAX_SECONDS: Final = 60.0
"""How long one job reads. The next job continues, so that other sources have their turn and a stop is soon."""


class ReadQueue(Protocol):
    """The jobs that read and assemble."""

    def read_later(self, source: str, seconds: float) -> None:
        """Add the next job of a source, unless there is one."""

    def assemble(self) -> None:
        """Add a job if there are mails to thread, or threads to assemble."""


class TimedStop:
    """A stop that is also set when its time is over."""

    def __init__(
        self, stop: Stop, seconds: float = _MAX_SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._stop = stop
        self._seconds = seconds
        self._monotonic = monotonic
        self._end = 0.0

    def begin(self) -> None:
        """Let the time begin now."""
        self._end = self._monotonic() + self._seconds

    def is_set(self) -> bool:
        """Return whether the other stop is set, or the time is over."""
        return self._stop.is_set() or self._monotonic() >= self._end


class ReadTask:
    """Read a source by its name, and assemble the threads of stored mails. Any number of times does the same.

    What was read is stored with the cursor of the source, so a second reader of a source adds nothing. `poll` ends by
    `stop`. Only one of the two functions runs at a time in a process.
    """

    def __init__(
        self, queue: ReadQueue, poll: PollJob, archives: Sequence[Archive], stop: TimedStop, seconds: float
    ) -> None:
        self._queue = queue
        self._poll = poll
        self._archives: Mapping[str, Archive] = {archive.name: archive for archive in archives}
        self._stop = stop
        self._seconds = seconds

    def read(self, source: str) -> None:
        """Store the new mails of a source. It is due again after some seconds, or at once if it has more mails."""
        self._stop.begin()
        self._poll.read(self._archives[source])
        self._queue.read_later(source, 0 if self._stop.is_set() else self._seconds)

    def assemble(self, _: str = "") -> None:
        """Thread and assemble the stored mails. What is left is due again at once."""
        self._stop.begin()
        self._poll.assemble()
        self._queue.assemble()
