# SPDX-License-Identifier: GPL-2.0-or-later
"""Workers that share a database: each reads, reviews and checks again. One of them also has the other jobs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from bot.app.clock import SystemClock
from bot.app.review_context import build_analyser, build_review_context
from bot.app.service import (
    WOKEN_BY_MAILS,
    Service,
    build_poll_job,
    open_service,
    open_sources,
    open_store,
    watched_paths,
)
from bot.app.watch import open_watcher
from bot.error import AdapterError
from bot.inbox.mailbox import Writers
from bot.log import LogEvent, event
from bot.pipeline.analyse import LIMITS
from bot.pool.executor import ExecutorPool, ProcessExecutor, preload_all
from bot.ports.running import Progress
from bot.service.job_record import JobRecorder
from bot.service.landing_recheck import LandingRecheckJob
from bot.service.outage import Outages
from bot.service.read_task import ReadTask, TimedStop
from bot.service.review import AHEAD, ReviewJob
from bot.service.review_task import ReviewTask
from bot.service.schedule import ScheduledJob, serve
from bot.service.source_watch import SourceWatcher
from bot.service.watchdog import Watchdog
from bot.settings.tables import Settings
from bot.store.error import StoreError
from bot.store.postgres import KEEPALIVE, address_of
from bot.store.queue import (
    ASSEMBLE,
    ASSEMBLY,
    HEARTBEAT_SECONDS,
    QUEUE,
    READ,
    RECHECK,
    REVIEW,
    STALLED_SECONDS,
    JobQueue,
    queue_of,
)
from bot.store.roles import RoleTakenError

if TYPE_CHECKING:
    from bot.service.queue_worker import QueueWorker

T = TypeVar("T")

_ELECTION: Final = "election"
_ELECTION_SECONDS: Final = 2.0  # between two attempts to take a role
_ROLE_SECONDS: Final = 1.0  # between two looks whether to give it back
_REPAIR_SECONDS: Final = 10.0
_READING_JOBS: Final = 1
"""Jobs of a process that read or assemble at the same time. They use several processes."""


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
    """Open a worker that reviews `jobs` postings at the same time, and fill the queue. The server must exist.

    It reads the sources of the settings that are on this machine or in the network. Raises InboxError for an invalid
    source.
    """
    clock, watchdog = SystemClock(), Watchdog()
    preload_all()
    archives = open_sources(settings, (), clock, Writers(clock))
    sources = [archive.name for archive in archives]
    changed = Event()
    with (
        open_store(settings, watchdog) as store,
        ExecutorPool(jobs, LIMITS) as executor,
        ProcessExecutor() as poll_executor,
        open_watcher() as watcher,
        closing(SourceWatcher(watched_paths(settings, ()), watcher, changed.set)) as changes,
    ):
        queue = store.queue()
        queue.install()
        from bot.service.queue_worker import QueueSettings, QueueWorker  # after it is known that procrastinate exists

        context = build_review_context(settings, store, clock)
        analyse = build_analyser(settings, store, executor)
        recorder = JobRecorder(store, clock, "worker")
        timed = TimedStop(stop)
        poll = build_poll_job(archives, store, timed, progress, poll_executor, context)
        poll.report_read(recorder.note_read)
        reads = ReadTask(queue, poll, archives, timed, settings.schedule.poll_seconds)
        reviews = ReviewJob(store, analyse, context, clock, stop, progress, jobs)
        tasks: dict[str, Callable[[str], object]] = {
            READ: reads.read,
            ASSEMBLE: reads.assemble,
            REVIEW: ReviewTask(queue, reviews, stop).run,
            RECHECK: LandingRecheckJob(store, analyse, context, clock).run_due,
        }
        queues = {(ASSEMBLY, *map(queue_of, sources)): _READING_JOBS, (QUEUE,): jobs * AHEAD}
        chosen = QueueSettings(address_of(settings.server), KEEPALIVE, HEARTBEAT_SECONDS, STALLED_SECONDS, queues)
        worker = QueueWorker(chosen, tasks, stop)
        queue.repair(sources)
        with _repairing(queue, worker, sources, recorder, stop), _watching(queue, changes, sources, changed, stop):
            yield worker


def work_when_elected(settings: Settings, progress: Progress, stop: Event) -> None:
    """Run the jobs that only one process may run, while this process has that role.

    These are all but those of the queue and of the sender.
    """
    open_role = partial(open_service, settings, (), progress, deliver=False, shared=True)

    def work(service: Service) -> None:
        role = ScheduledJob("role", _RoleCheck(service, stop).run, _ROLE_SECONDS, 0, before=WOKEN_BY_MAILS)
        jobs = (*service.schedule(settings), role)
        serve(jobs, service.stop, service.watchdog, wakeups=service.wakeups, recorder=service.recorder)

    run_elected(settings, open_role, work, stop)


class _RoleCheck:
    """Ends the jobs of the elected worker if the process is to stop, or if it lost the role."""

    def __init__(self, service: Service, stop: Event) -> None:
        self._service = service
        self._stop = stop
        self._last_read = 0

    def run(self) -> bool:
        """Return whether mails were read since the last call, by whichever worker."""
        if self._stop.is_set():
            self._service.stop.set()
            return False
        try:
            self._service.role.check()
        except AdapterError:
            self._service.stop.set()
            raise
        before, self._last_read = self._last_read, self._service.store.last_read()
        return self._last_read != before


@contextmanager
def _thread(name: str, run: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    """Run a function in a thread until the end of the block, which calls `end`."""
    thread = Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join()


@contextmanager
def _repairing(
    queue: JobQueue, worker: "QueueWorker", sources: Sequence[str], recorder: JobRecorder, stop: Event
) -> Iterator[None]:
    """Repair the queue from time to time, in a thread, until the end of the block."""
    ended = Event()
    outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")

    def repair() -> None:
        while not stop.is_set() and not ended.wait(_REPAIR_SECONDS):
            try:
                queue.repair(sources, *worker.held())
            except AdapterError as error:
                outages.failed("repair-queue", str(error))
            else:
                outages.worked("repair-queue")
            recorder.flush()

    with _thread("repair-queue", repair, ended.set):
        yield


@contextmanager
def _watching(
    queue: JobQueue, changes: SourceWatcher, sources: Sequence[str], changed: Event, stop: Event
) -> Iterator[None]:
    """Let the sources that change be read at once, in a thread, until the end of the block."""
    outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")
    ended = Event()

    def watch() -> None:
        local = [source for source in sources if changes.take(source) and changes.is_watched(source)]
        while not ended.is_set():
            changed.wait()
            changed.clear()
            for source in local if not stop.is_set() else ():
                if changes.take(source):
                    try:
                        queue.read_now(source)
                    except AdapterError as error:
                        changes.put_back(source)
                        outages.failed("watch", str(error))
                    else:
                        outages.worked("watch")

    def end() -> None:
        ended.set()
        changed.set()

    with _thread("watch-sources", watch, end):
        yield
