# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the jobs periodically until the stop event. The store holds the work, not the schedule."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from bot.error import AdapterError, ReplacedError, file_problem
from bot.log import LogEvent, event
from bot.notify import ServiceManager
from bot.service.job_record import JobRecorder
from bot.service.outage import Outages
from bot.service.watchdog import MAX_SILENCE, Watchdog
from rules.lazy import dataclass

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_SECONDS: Final = 60.0
"""Maximum time between two looks at the clock."""
_MAX_STEP_BACK: Final = 1.0
"""Seconds that the clock may be set back between two looks. The schedule makes up for them."""


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job and how often it runs.

    `max_silence` is how many seconds it may run without a sign of progress. If the result of a run `has_news`, the jobs
    `before` which it runs start at once. Woken runs start at least `min_gap` seconds after each other.
    """

    name: str
    run: Callable[[], object]
    seconds: float
    jitter: int
    max_silence: float = MAX_SILENCE
    before: tuple[str, ...] = ()
    has_news: Callable[[Any], bool] = bool
    min_gap: float = 0.0

    @property
    def max_gap(self) -> float:
        """Return how many seconds may pass between two successful runs if nothing is wrong."""
        return self.seconds + self.jitter + self.max_silence


class Wakeups:
    """Starts scheduled jobs before their time, from any thread. Without a running schedule nothing happens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._scheduler: BackgroundScheduler | None = None
        self._jobs: dict[str, ScheduledJob] = {}
        self._woken: set[str] = set()
        self._started: dict[str, datetime] = {}
        self._busy_until: dict[str, datetime] = {}

    def attach(self, scheduler: "BackgroundScheduler", jobs: Sequence[ScheduledJob]) -> None:
        """Use that schedule from now on."""
        from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED

        with self._lock:
            self._scheduler, self._jobs = scheduler, {job.name: job for job in jobs}
        scheduler.add_listener(lambda ended: self._ended(ended.job_id), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)

    def detach(self) -> None:
        """Start no job any more."""
        with self._lock:
            self._scheduler = None

    def wake(self, *names: str, busy_seconds: float = 0.0) -> None:
        """Start these jobs now, or again at the end of a run that has begun. Unknown names are ignored.

        For `busy_seconds` they run again and again, with their `min_gap` between two runs.
        """
        for name in names:
            with self._lock:
                if name not in self._jobs:
                    continue
                self._woken.add(name)
                if busy_seconds:
                    self._busy_until[name] = datetime.now(UTC) + timedelta(seconds=busy_seconds)
            self._start(name)

    def restart(self) -> None:
        """Start all jobs now. After the clock was set back, all times of the schedule are far ahead."""
        with self._lock:
            self._started.clear()
            self._busy_until.clear()
        for name in self._jobs:
            self._start(name)

    def begin(self, name: str) -> None:
        """Note that a run begins, which sees all changes until now."""
        with self._lock:
            self._woken.discard(name)
            self._started[name] = datetime.now(UTC)

    def _ended(self, name: str) -> None:
        """Start a job again that was woken during its run: the schedule skips a run that would be a second one."""
        with self._lock:
            is_due = name in self._woken or datetime.now(UTC) < self._busy_until.get(name, _NEVER)
        if is_due:
            self._start(name)

    def _start(self, name: str) -> None:
        from apscheduler.jobstores.base import JobLookupError

        with self._lock:
            scheduler, gap = self._scheduler, timedelta(seconds=self._jobs[name].min_gap)
            start = max(datetime.now(UTC), self._started.get(name, _NEVER) + gap)
        if scheduler is not None:
            with suppress(JobLookupError):  # The schedule has just ended.
                scheduler.modify_job(name, next_run_time=start)


def serve(
    jobs: Sequence[ScheduledJob],
    stop: Event,
    watchdog: Watchdog | None = None,
    manager: ServiceManager | None = None,
    wakeups: Wakeups | None = None,
    recorder: JobRecorder | None = None,
) -> None:
    """Run each job at its interval, never twice in parallel. Return after `stop`, when the last unit of work is done.

    A job also runs when it is woken, by `wakeups` or by the news of another job.

    Missed runs are made up for by one run. After an adapter's error, such as a locked database, the next run tries
    again: nothing was marked as done, so nothing is lost. If the clock is set back, all jobs run within a minute.

    If a file of ours was replaced meanwhile, all jobs stop, and ReplacedError is raised.

    The manager gets a sign of life as long as the watchdog knows of no job that hangs. The recorder gets all runs.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    watchdog, manager, wakeups = watchdog or Watchdog(), manager or ServiceManager(), wakeups or Wakeups()
    outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")
    replaced: list[ReplacedError] = []
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(len(jobs))})
    if recorder is not None:
        recorder.start({job.name: job.max_gap for job in jobs})
    for job in jobs:
        watchdog.watch(job.name, job.seconds + job.jitter, job.max_silence)
        scheduler.add_job(
            _guarded,
            "interval",
            args=(job, _Run(watchdog, stop, replaced, outages, wakeups, recorder)),
            id=job.name,
            seconds=job.seconds,
            jitter=job.jitter or None,
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
    wakeups.attach(scheduler, jobs)
    scheduler.start()
    manager.ready()
    known, clock = "", _clock_offset()
    while not stop.wait(min(manager.interval or _LOOK_SECONDS, _LOOK_SECONDS)):
        before, clock = clock, _clock_offset()
        if clock < before - _MAX_STEP_BACK:
            wakeups.restart()
        if manager.interval is None:
            continue
        if not (hung := watchdog.hung_job()):
            manager.alive()
        elif hung != known:
            event(LogEvent.JOB_HUNG, "error", job=hung, reason="no progress for too long; systemd gets no sign of life")
        known = hung
    manager.stopping()
    event(LogEvent.SERVICE_STOPPING)
    wakeups.detach()
    scheduler.shutdown(wait=True)
    if recorder is not None:
        recorder.flush()
    if replaced:
        raise replaced[0]


def _clock_offset() -> float:
    """Return by how many seconds the clock is ahead of a clock that cannot be set."""
    return time.time() - time.monotonic()


@contextmanager
def stopped_by_signals(stop: Event, end: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stop` while the context is active, then restore the previous handlers.

    The second of these signals calls `end`.
    """

    def handle(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            end()
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the runs of all jobs share."""

    watchdog: Watchdog
    stop: Event
    replaced: list[ReplacedError]
    outages: Outages
    wakeups: Wakeups
    recorder: JobRecorder | None


def _guarded(job: ScheduledJob, shared: _Run) -> None:
    shared.wakeups.begin(job.name)
    try:
        with shared.watchdog.running(job.name):
            result = job.run() if shared.recorder is None else shared.recorder.run(job.name, job.run)
    except ReplacedError as error:
        shared.replaced.append(error)
        shared.stop.set()
    except AdapterError as error:
        shared.outages.failed(job.name, str(error))
    except OSError as error:
        if not (problem := file_problem(error)):
            raise
        shared.outages.failed(job.name, problem)
    else:
        shared.outages.worked(job.name)
        if job.has_news(result):
            shared.wakeups.wake(*job.before)
