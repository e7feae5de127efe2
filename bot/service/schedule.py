# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the jobs periodically until the stop event. The store holds the work, not the schedule."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from bot.error import AdapterError, ReplacedError
from bot.log import LogEvent, event
from bot.notify import ServiceManager
from bot.service.outage import Outages
from bot.service.watchdog import MAX_SILENCE, Watchdog
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job and how often it runs; `max_silence` is how many seconds it may run without a sign of progress."""

    name: str
    run: Callable[[], object]
    seconds: float
    jitter: int
    max_silence: float = MAX_SILENCE


def serve(
    jobs: Sequence[ScheduledJob], stop: Event, pulse: Watchdog | None = None, manager: ServiceManager | None = None
) -> None:
    """Run each job at its interval, never twice in parallel. Return after `stop`, when the last unit of work is done.

    Missed runs are made up for by one run. After an adapter's error, such as a locked database, the next run tries
    again: nothing was marked as done, so nothing is lost.

    If a file of ours was replaced meanwhile, all jobs stop, and ReplacedError is raised.

    The manager gets a sign of life as long as the pulse knows of no job that hangs.
    """
    pulse, manager = pulse or Watchdog(), manager or ServiceManager()
    outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")
    replaced: list[ReplacedError] = []
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(len(jobs))})
    for job in jobs:
        pulse.watch(job.name, job.seconds + job.jitter, job.max_silence)
        scheduler.add_job(
            _guarded,
            "interval",
            args=(job, pulse, stop, replaced, outages),
            id=job.name,
            seconds=job.seconds,
            jitter=job.jitter or None,
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
    scheduler.start()
    manager.ready()
    known = ""
    while not stop.wait(manager.interval):
        if not (hung := pulse.hung()):
            manager.alive()
        elif hung != known:
            event(LogEvent.JOB_HUNG, "error", job=hung, reason="no progress for too long; systemd gets no sign of life")
        known = hung
    manager.stopping()
    event(LogEvent.SERVICE_STOPPING)
    scheduler.shutdown(wait=True)
    if replaced:
        raise replaced[0]


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stop` while the context is active, then restore the previous handlers."""

    def handle(_: int, __: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guarded(job: ScheduledJob, pulse: Watchdog, stop: Event, replaced: list[ReplacedError], outages: Outages) -> None:
    try:
        with pulse.running(job.name):
            job.run()
    except ReplacedError as error:
        replaced.append(error)
        stop.set()
    except AdapterError as error:
        outages.failed(job.name, str(error))
    else:
        outages.worked(job.name)
