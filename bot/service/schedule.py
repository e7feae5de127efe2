# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the jobs over and over until it is told to stop; what is to be done stands in the store, not here."""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from bot.error import AdapterError, ReplacedError
from bot.notify import ServiceManager
from bot.service.watchdog import MAX_SILENCE, Watchdog

log = logging.getLogger(__name__)


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
    """Run each job now and then at its pace, never twice at once; returns after `stop`, when the last unit is done.

    A run that was due while the machine was busy is made up for once. What an adapter cannot do now it does the
    next time, as where the database is locked: nothing is lost, because nothing was marked as done.

    If a file of ours was replaced meanwhile, all jobs stop, and ReplacedError is raised.

    The manager gets a sign of life as long as the pulse knows of no job that hangs.
    """
    pulse, manager = pulse or Watchdog(), manager or ServiceManager()
    # It warns of every run that a longer one made superfluous; that is what max_instances is for.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    replaced: list[ReplacedError] = []
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(len(jobs))})
    for job in jobs:
        pulse.watch(job.name, job.seconds + job.jitter, job.max_silence)
        scheduler.add_job(
            _guarded,
            "interval",
            args=(job, pulse, stop, replaced),
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
    while not stop.wait(manager.interval):
        if hung := pulse.hung():
            log.error("%s: no progress for too long; the service manager gets no sign of life", hung)
        else:
            manager.alive()
    manager.stopping()
    log.info("stopping when the work at hand is done")
    scheduler.shutdown(wait=True)
    if replaced:
        raise replaced[0]


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Within, SIGTERM and SIGINT set `stop` and do nothing else; afterwards they mean again what they meant before."""

    def handle(number: int, _: FrameType | None) -> None:
        log.info("received %s", signal.Signals(number).name)
        stop.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guarded(job: ScheduledJob, pulse: Watchdog, stop: Event, replaced: list[ReplacedError]) -> None:
    try:
        with pulse.running(job.name):
            job.run()
    except ReplacedError as error:
        log.error("%s: %s: the service stops", job.name, error)
        replaced.append(error)
        stop.set()
    except AdapterError as error:
        log.error("%s: %s", job.name, error)
