# SPDX-License-Identifier: GPL-2.0-or-later
"""Detect a job of the service that hangs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Final

from rules.lazy import dataclass

MAX_SILENCE: Final = 900.0
"""Seconds that a running job may take for one unit of work.

One review is tried twice for 60 s, and a worker may have to index a kernel tree for 600 s first.
"""


@dataclass(slots=True)
class _Watched:
    """A job: the time of its last sign of progress, its thread, and how many seconds may pass without a sign."""

    sign: float
    running: float
    idle: float
    thread: int | None = None


class Watchdog:
    """The latest sign of progress of each job, by the threads that run them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jobs: dict[str, _Watched] = {}
        self._lock = Lock()

    def watch(self, name: str, interval: float, max_silence: float) -> None:
        """Watch a job that starts every `interval` seconds and gives a sign every `max_silence` seconds if it runs."""
        with self._lock:
            self._jobs[name] = _Watched(self._clock(), max_silence, interval + max_silence)

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Assign this thread to that job while the context is active."""
        self._mark(name, get_ident())
        try:
            yield
        finally:
            self._mark(name, None)

    def beat(self) -> None:
        """Record that this thread finished a unit of work."""
        thread = get_ident()
        with self._lock:
            for job in self._jobs.values():
                if job.thread == thread:
                    job.sign = self._clock()

    def hung_job(self) -> str:
        """Return the name of a job that has given no sign for too long, "" if there is none."""
        now = self._clock()
        with self._lock:
            for name, job in self._jobs.items():
                if now - job.sign > (job.idle if job.thread is None else job.running):
                    return name
        return ""

    def _mark(self, name: str, thread: int | None) -> None:
        with self._lock:
            if job := self._jobs.get(name):
                job.sign, job.thread = self._clock(), thread
