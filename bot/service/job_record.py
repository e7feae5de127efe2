# SPDX-License-Identifier: GPL-2.0-or-later
"""Record the runs of jobs for the health page and the metrics, which another process serves."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from typing import Final, TypeVar

from bot.error import AdapterError, ReplacedError
from bot.ports.jobs import JobRuns, JobStore
from bot.ports.running import Clock
from rules.lazy import replace

_MAX_DELAY: Final = 60.0
"""Seconds for which runs are only in memory: each write is a durable commit, and jobs run several times a minute."""

_Result = TypeVar("_Result")


class JobRecorder:
    """Times the runs of jobs, and writes them to the store: at once if a job begins to fail or to work, else rarely."""

    def __init__(
        self, store: JobStore, clock: Clock, process: str, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._process = process
        self._timer = timer
        self._lock = Lock()
        self._unwritten: dict[str, JobRuns] = {}
        self._read: dict[str, datetime] = {}
        self._failing: dict[str, bool] = {}
        self._gaps: Mapping[str, float] = {}
        self._written = timer()

    def start(self, gaps: Mapping[str, float]) -> None:
        """Begin a schedule of these jobs, with the maximum number of seconds between two successful runs of each."""
        self._gaps = gaps
        jobs = [JobRuns(name, max_gap=gap) for name, gap in gaps.items()]
        self._store.start_jobs(self._process, jobs, self._clock.now())

    def run(self, name: str, work: Callable[[], _Result]) -> _Result:
        """Run a job and record how long it took, and whether it raised an error."""
        start = self._timer()
        try:
            result = work()
        except BaseException:
            self._note(name, self._timer() - start, failed=True)
            raise
        self._note(name, self._timer() - start, failed=False)
        return result

    def note_read(self, source: str) -> None:
        """Note that a source has no unread mail now."""
        with self._lock:
            self._read[source] = self._clock.now()

    def flush(self) -> None:
        """Write all that is not written. A failure is not reported: the jobs themselves write to the same database.

        Raises ReplacedError, because jobs without news only read, and reading does not show that the file was replaced.
        """
        with self._lock:
            unwritten, read = list(self._unwritten.values()), dict(self._read)
            self._unwritten.clear()
            self._read.clear()
            self._written = self._timer()
        if unwritten or read:
            try:
                self._store.add_runs(self._process, unwritten, read, self._clock.now())
            except ReplacedError:
                raise
            except AdapterError:
                return

    def _note(self, name: str, seconds: float, *, failed: bool) -> None:
        with self._lock:
            before = self._unwritten.get(name) or JobRuns(name, max_gap=self._gaps.get(name, 0.0))
            self._unwritten[name] = replace(
                before,
                runs=before.runs + 1,
                failures=before.failures + failed,
                seconds=before.seconds + seconds,
                last_seconds=seconds,
                succeeded=before.succeeded if failed else self._clock.now(),
            )
            is_news = self._failing.get(name) is not failed
            self._failing[name] = failed
            is_due = is_news or self._timer() - self._written >= _MAX_DELAY
        if is_due:
            self.flush()
