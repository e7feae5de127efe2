# SPDX-License-Identifier: GPL-2.0-or-later
"""Workers that share a database: each reviews postings, and one of them also reads the archives."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from bot.app.clock import SystemClock
from bot.app.review_context import build_analyser, build_review_context
from bot.app.service import Service, open_service, open_store
from bot.error import AdapterError
from bot.log import LogEvent, event
from bot.pipeline.analyse import LIMITS
from bot.pool.executor import ExecutorPool
from bot.ports.running import Progress
from bot.service.outage import Outages
from bot.service.review import ReviewJob
from bot.service.review_task import ReviewTask
from bot.service.schedule import ScheduledJob, serve
from bot.service.watchdog import Watchdog
from bot.settings.tables import Settings
from bot.store.dialect import address_of
from bot.store.error import StoreError
from bot.store.queue import HEARTBEAT_SECONDS, QUEUE, REVIEW, STALLED_SECONDS, JobQueue
from bot.store.roles import RoleTakenError

if TYPE_CHECKING:
    from bot.service.queue_worker import QueueWorker

T = TypeVar("T")

_ELECTION: Final = "election"
_ELECTION_SECONDS: Final = 2.0  # between two attempts to take a role
_ROLE_SECONDS: Final = 1.0  # between two looks whether to give it back
_REPAIR_SECONDS: Final = 10.0


def run_elected(
    settings: Settings, open_role: Callable[[], AbstractContextManager[T]], work: Callable[[T], object], stop: Event
) -> None:
    """Do the work with what `open_role` opens whenever this process gets the role, until `stop`.

    Without a server only one process can have the role, so RoleTakenError is raised at once. A server that is lost
    later is tried again; one that is missing at the start is an error.
    """
    outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")
    was_open = waits = False
    while not stop.is_set():
        try:
            with open_role() as opened:
                was_open, waits = True, False
                outages.worked(_ELECTION)
                work(opened)
        except RoleTakenError as error:
            if not settings.server:
                raise
            outages.worked(_ELECTION)
            if not waits:
                event(LogEvent.ROLE_TAKEN, reason=str(error))
            was_open = waits = True
        except StoreError as error:
            if not (settings.server and was_open):
                raise
            outages.failed(_ELECTION, str(error))
        stop.wait(_ELECTION_SECONDS)


@contextmanager
def open_worker(settings: Settings, jobs: int, progress: Progress, stop: Event) -> Iterator["QueueWorker"]:
    """Open a worker that reviews `jobs` postings at the same time, and fill the queue. The server must exist."""
    clock, watchdog = SystemClock(), Watchdog()
    with open_store(settings, watchdog) as store, ExecutorPool(jobs, LIMITS) as executor:
        queue = store.queue()
        queue.install()
        from bot.service.queue_worker import QueueSettings, QueueWorker  # after it is known that procrastinate exists

        queue.repair()
        context = build_review_context(settings, store, clock)
        reviews = ReviewJob(store, build_analyser(settings, store, executor), context, clock, stop, progress, jobs)
        chosen = QueueSettings(address_of(settings.server), QUEUE, REVIEW, HEARTBEAT_SECONDS, STALLED_SECONDS, jobs)
        with _repairing(queue, stop):
            yield QueueWorker(chosen, ReviewTask(queue, reviews).run, stop)


def read_when_elected(settings: Settings, progress: Progress, stop: Event) -> None:
    """Run the jobs that only one process may run, all but reviews and sending, while this process has that role."""
    open_reader = partial(open_service, settings, (), progress, deliver=False)

    def read(service: Service) -> None:
        role = ScheduledJob("role", partial(_check_role, service, stop), _ROLE_SECONDS, 0)
        jobs = (*service.schedule(settings, reviews=False), role)
        serve(jobs, service.stop, service.watchdog, wakeups=service.wakeups, recorder=service.recorder)

    run_elected(settings, open_reader, read, stop)


def _check_role(service: Service, stop: Event) -> None:
    """End the jobs of the reader if the process is to stop, or if it lost the role."""
    if stop.is_set():
        service.stop.set()
        return
    try:
        service.role.check()
    except AdapterError:
        service.stop.set()
        raise


@contextmanager
def _repairing(queue: JobQueue, stop: Event) -> Iterator[None]:
    """Repair the queue from time to time, in a thread, until the end of the block."""
    ended = Event()
    outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")

    def repair() -> None:
        while not stop.is_set() and not ended.wait(_REPAIR_SECONDS):
            try:
                queue.repair()
            except AdapterError as error:
                outages.failed("repair-queue", str(error))
            else:
                outages.worked("repair-queue")

    thread = Thread(target=repair, name="repair-queue")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
