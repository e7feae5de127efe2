# SPDX-License-Identifier: GPL-2.0-or-later
"""Worker processes that read and check hostile mail. Each unit of work has limits, and cannot affect other work.

The processes stay, so that an ordinary mail does not pay for starting one; one that dies is replaced.
"""

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Event, Lock
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast

from bot.error import AdapterError
from bot.log import configuration
from bot.pool.guard import Crashed, StoppedError, TimeLimit
from bot.pool.worker import Limits, TooMuch, exceeded_amount, exit_reason, packed, serve
from bot.signals import signal
from rules.lazy import dataclass

T = TypeVar("T")
R = TypeVar("R")

TRIES: Final = 2
_MAX_STARTS: Final = 3  # processes in a row that end before they begin to work
_CHUNK: Final = 16
_AHEAD: Final = 4
_STOP_CHECK_SECONDS: Final = 0.2
_PRELOADED: Final = ["bot.service.poll", "bot.inbox.assemble", "bot.pipeline.analyse"]
_ALL_PRELOADED: Final = [
    *_PRELOADED,
    *(
        "bot.inbox.git_commits",
        "bot.kernel.repositories",
        "bot.review.pending",
        "bot.store.images",
        "rules.analysis.pending",
        "bot.pool.all_rules",
    ),
]
# The first module makes loading faster, and the last one keeps what the others loaded in memory that all workers share.
_FIRST: Final = "bot.pool.loading"
_LAST: Final = "bot.pool.preloaded"


class WorkerStartError(AdapterError):
    """No worker process can start, for example because the system has no memory, or an installation is incomplete."""


@dataclass(slots=True)
class _Task(Generic[T]):
    index: int
    item: T
    tries: int = 0


class _Worker:
    """A worker process and its tasks, in the order of their results."""

    preloaded: ClassVar[Sequence[str]] = _PRELOADED

    def __init__(self, limits: Limits) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([_FIRST, *self.preloaded, _LAST])
        self.connection, child_end = context.Pipe()
        self.process = context.Process(target=serve, args=(child_end, limits, configuration()), daemon=True)
        _start_no_tracker()
        # The fork server ignores Ctrl-C only after it has loaded its modules; until then it inherits the mask. If there
        # is a tracker, it starts before, because its start unblocks the signal.
        resource_tracker.ensure_running()
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        child_end.close()
        self.tasks: deque[_Task[Any]] = deque()
        self.is_ready = False

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def _start_no_tracker() -> None:
    """Keep multiprocessing from starting a tracker of semaphores and shared memory: workers have none, it takes 6 MB.

    It counts as started as soon as it has a pipe. A later Python may name that pipe otherwise: then it is started.
    """
    tracker: Any = getattr(resource_tracker, "_resource_tracker", None)
    if getattr(tracker, "_fd", -1) is None:
        tracker._fd = os.open(os.devnull, os.O_WRONLY)  # noqa: SLF001 there is no public way


def preload_all() -> None:
    """Let the fork server load what reading mails and reviewing postings needs, before its first process.

    For programs that read many mails: each process would load it otherwise. b4, which takes 13 MB, is loaded only by
    the processes that need it: those that read unusual series.
    """
    preload(_ALL_PRELOADED)


def preload(modules: Sequence[str]) -> None:
    """Let the fork server load these modules before its first process, and not those that reading mails needs."""
    _Worker.preloaded = modules


class ProcessExecutor:
    """Apply pure functions to values in `count` processes. Close it after use.

    An item that exceeds a limit or kills its process is retried alone in a new process. After `tries` attempts it is
    Crashed. If no process can start, no item is at fault, and WorkerStartError is raised. If `stop` is set, the current
    work ends with StoppedError. `on_result` is called in the waiting thread after each attempt. Without `stays` the
    processes end after each stream: for rare work that needs much memory.
    """

    def __init__(
        self,
        count: int = 2,
        limits: Limits | None = None,
        stop: Event | None = None,
        on_result: Callable[[], None] = lambda: None,
        tries: int = TRIES,
        *,
        stays: bool = True,
    ) -> None:
        self._count = count
        self._stays = stays
        self._tries = tries
        self._limits = limits or Limits()
        self._stop = stop
        self._on_result = on_result
        self._workers: list[_Worker] = []
        self._lock = Lock()
        self._failed_starts = 0

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        """Return the result for each item, in the order of the items. `time` replaces the time limit of each item.

        The function must be picklable.
        """
        return list(self.stream(work, items, time))

    def stream(
        self, work: Callable[[T], R], items: Iterable[T], time: TimeLimit | None = None
    ) -> Iterator[R | Crashed]:
        """Yield the results of `map` one after the other. Only as many items are read ahead as the processes need."""
        time = time or TimeLimit(self._limits.seconds)
        ahead = self._count * _CHUNK * _AHEAD
        source = iter(items)
        with self._lock:
            results: dict[int, R | Crashed] = {}
            waiting: deque[_Task[T]] = deque()
            taken = given = 0
            is_done = False
            try:
                while True:
                    for item in islice(source, given + ahead - taken):
                        waiting.append(_Task(taken, item))
                        taken += 1
                    if given == taken:
                        is_done = True
                        return
                    self._give(work, waiting, time)
                    results.update(self._take(waiting, time))
                    while given in results:
                        yield results.pop(given)
                        given += 1
            finally:
                if not (is_done and self._stays):  # if it is not done, the results are not needed any more
                    self._end()

    def close(self) -> None:
        """End the processes. Later work starts new ones."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _give(self, work: Callable[[T], R], waiting: deque[_Task[T]], time: TimeLimit) -> None:
        idle = [worker for worker in self._workers if not worker.tasks]
        share = max(1, min(_CHUNK, len(waiting) // (2 * self._count)))
        while waiting and (idle or len(self._workers) < self._count):
            if idle:
                worker = idle.pop()
            else:
                worker = _Worker(self._limits)
                self._workers.append(worker)
            worker.tasks.append(waiting.popleft())
            # Retry a crashing item alone so that it cannot crash its batch.
            while not worker.tasks[0].tries and waiting and not waiting[0].tries and len(worker.tasks) < share:
                worker.tasks.append(waiting.popleft())
            with suppress(OSError):  # a worker that died while idle is noticed when its result is read
                worker.connection.send_bytes(packed((work, [task.item for task in worker.tasks], time)))

    def _take(self, waiting: deque[_Task[T]], time: TimeLimit) -> Iterator[tuple[int, R | Crashed]]:
        busy = {worker.connection: worker for worker in self._workers if worker.tasks}
        ready = wait(list(busy), None if self._stop is None else _STOP_CHECK_SECONDS)
        if self._stop is not None and self._stop.is_set():
            raise StoppedError
        for connection in ready:
            worker = busy[cast("Connection", connection)]
            try:
                received = worker.connection.recv_bytes()
            except (EOFError, OSError):
                worker.process.join()
                self._on_result()
                reason = exit_reason(worker.process.exitcode, time)
                if worker.is_ready:
                    yield from self._failed(worker, reason, waiting)
                else:
                    self._start_failed(worker, reason, waiting)
                continue
            if not worker.is_ready:
                worker.is_ready, self._failed_starts = True, 0
                continue
            result = pickle.loads(received)  # noqa: S301 our own process wrote it
            self._on_result()
            if isinstance(result, TooMuch):
                yield from self._failed(worker, exceeded_amount(result, self._limits), waiting)
                continue
            yield worker.tasks.popleft().index, result

    def _start_failed(self, worker: _Worker, reason: str, waiting: deque[_Task[T]]) -> None:
        """Give the tasks of a process that never began to work to another one: they cannot be the cause."""
        self._remove(worker, worker.tasks, waiting)
        self._failed_starts += 1
        if self._failed_starts >= _MAX_STARTS:
            self._failed_starts = 0
            raise WorkerStartError(f"worker processes cannot start; the last one {reason} before it began to work")

    def _failed(self, worker: _Worker, cause: str, waiting: deque[_Task[T]]) -> Iterator[tuple[int, Crashed]]:
        guilty, *others = worker.tasks
        self._remove(worker, others, waiting)
        guilty.tries += 1
        if guilty.tries >= self._tries:
            times = f", {self._tries} times" if self._tries > 1 else ""
            yield guilty.index, Crashed(f"{cause}{times}", exceeded=True)
        else:
            waiting.append(guilty)

    def _remove(self, worker: _Worker, tasks: Sequence[_Task[T]], waiting: deque[_Task[T]]) -> None:
        """End the process of a worker, and let another one do these tasks of it next."""
        worker.end()
        self._workers.remove(worker)
        waiting.extendleft(reversed(tasks))

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()


class ExecutorPool:
    """Executors for several threads. Each call of `map` has its own process, and waits while all are busy.

    Nothing is retried here: the caller decides when to retry.
    """

    def __init__(self, count: int, limits: Limits, stop: Event | None = None) -> None:
        self._workers = [ProcessExecutor(1, limits, stop, tries=1) for _ in range(count)]
        self._idle: SimpleQueue[ProcessExecutor] = SimpleQueue()
        for workers in self._workers:
            self._idle.put(workers)

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        """Return what `ProcessExecutor.map` returns."""
        workers = self._idle.get()
        try:
            return workers.map(work, items, time)
        finally:
            self._idle.put(workers)

    def close(self) -> None:
        """End the processes. Later work starts new ones."""
        for workers in self._workers:
            workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
