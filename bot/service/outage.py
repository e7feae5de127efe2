# SPDX-License-Identifier: GPL-2.0-or-later
"""Log a lasting failure once when it begins and once when it ends."""

import time
from collections.abc import Callable
from threading import Lock

from bot.log import Level, LogEvent, event


class Outages:
    """The current failures, by the name of what fails. Logs when a failure begins and when it ends.

    `kind` is the log field for the name. Repeated failures are logged at debug level.
    """

    def __init__(
        self,
        begin: LogEvent,
        end: LogEvent,
        kind: str,
        level: Level = "warning",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._begin = begin
        self._end = end
        self._kind = kind
        self._level: Level = level
        self._monotonic = monotonic
        self._since: dict[str, float] = {}
        self._lock = Lock()

    def failed(self, name: str, reason: str) -> None:
        """Record a failure."""
        with self._lock:
            is_known = name in self._since
            self._since.setdefault(name, self._monotonic())
        event(self._begin, "debug" if is_known else self._level, **{self._kind: name}, reason=reason)

    def worked(self, name: str) -> None:
        """Record a success."""
        with self._lock:
            since = self._since.pop(name, None)
        if since is not None:
            event(self._end, **{self._kind: name}, seconds=round(self._monotonic() - since))
