# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that read and judge hostile mail: each piece of work has its limits, and takes nobody down with it.

The processes stay, so that an ordinary mail does not pay for starting one; one that dies is replaced.
"""

import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Event, Lock
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar, cast

from bot.log import configuration
from bot.pool.guard import Crashed, StoppedError, TimeLimit
from bot.pool.worker import Limits, TooMuch, packed, serve

T = TypeVar("T")
R = TypeVar("R")

TRIES: Final = 2
_CHUNK: Final = 16
_AHEAD: Final = 4
_LOOK: Final = 0.2  # seconds between two looks whether to stop
_PRELOADED: Final = ["bot.service.poll", "bot.inbox.assemble", "bot.pipeline.analyse"]


@dataclass(slots=True)
class _Task(Generic[T]):
    at: int
    item: T
    tries: int = 0


class _Worker:
    """One process and the tasks it was given, in the order in which it answers them."""

    def __init__(self, limits: Limits) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, limits, configuration()), daemon=True)
        self.process.start()
        theirs.close()
        self.tasks: deque[_Task[Any]] = deque()

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


class ProcessExecutor:
    """Applies pure functions to values in `count` processes; close it after use.

    What takes too long, too much memory, or brings its process down is tried again, alone and in a fresh process,
    and is Crashed after that many `tries`. Where `stop` is set, the work at hand is given up with StoppedError.
    `on_result` is called in the thread that waits, for each try that ends.
    """

    def __init__(
        self,
        count: int = 2,
        limits: Limits | None = None,
        stop: Event | None = None,
        on_result: Callable[[], None] = lambda: None,
        tries: int = TRIES,
    ) -> None:
        self._count = count
        self._tries = tries
        self._limits = limits or Limits()
        self._stop = stop
        self._on_result = on_result
        self._workers: list[_Worker] = []
        self._lock = Lock()

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        """What the work gives for each item, in their order; `time` is for each, in place of the limit.

        The function is named by its module, as pickle does it.
        """
        return list(self.stream(work, items, time))

    def stream(
        self, work: Callable[[T], R], items: Iterable[T], time: TimeLimit | None = None
    ) -> Iterator[R | Crashed]:
        """What `map` gives, as it comes; items are taken only so far ahead of it that every process has work."""
        time = time or TimeLimit(self._limits.seconds)
        ahead = self._count * _CHUNK * _AHEAD
        source = iter(items)
        with self._lock:
            results: dict[int, R | Crashed] = {}
            waiting: deque[_Task[T]] = deque()
            taken = given = 0
            try:
                while True:
                    for item in islice(source, given + ahead - taken):
                        waiting.append(_Task(taken, item))
                        taken += 1
                    if given == taken:
                        return
                    self._give(work, waiting, time)
                    results.update(self._take(waiting, time))
                    while given in results:
                        yield results.pop(given)
                        given += 1
            except BaseException:
                self._end()  # what they were given is nobody's now
                raise

    def close(self) -> None:
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
            # What killed a process once is given alone, so that it can take no other's first try.
            while not worker.tasks[0].tries and waiting and not waiting[0].tries and len(worker.tasks) < share:
                worker.tasks.append(waiting.popleft())
            with suppress(OSError):  # one that died idle is found by whoever listens to it
                worker.connection.send_bytes(packed((work, [task.item for task in worker.tasks], time)))

    def _take(self, waiting: deque[_Task[T]], time: TimeLimit) -> Iterator[tuple[int, R | Crashed]]:
        busy = {worker.connection: worker for worker in self._workers if worker.tasks}
        ready = wait(list(busy), None if self._stop is None else _LOOK)
        if self._stop is not None and self._stop.is_set():
            raise StoppedError
        for connection in ready:
            worker = busy[cast("Connection", connection)]
            try:
                answer = pickle.loads(worker.connection.recv_bytes())  # noqa: S301 our own process wrote it
            except (EOFError, OSError):
                worker.process.join()
                self._on_result()
                yield from self._failed(worker, reason(worker.process.exitcode, time), waiting)
                continue
            self._on_result()
            if isinstance(answer, TooMuch):
                yield from self._failed(worker, exceeded_amount(answer, self._limits), waiting)
                continue
            yield worker.tasks.popleft().at, answer

    def _failed(self, worker: _Worker, why: str, waiting: deque[_Task[T]]) -> Iterator[tuple[int, Crashed]]:
        guilty, *others = worker.tasks
        worker.end()
        self._workers.remove(worker)
        guilty.tries += 1
        waiting.extendleft(reversed(others))
        if guilty.tries >= self._tries:
            times = f", {self._tries} times" if self._tries > 1 else ""
            yield guilty.at, Crashed(f"{why}{times}", exceeded=True)
        else:
            waiting.append(guilty)

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()


class ExecutorPool:
    """Executors for several threads: each call of `map` has a process to itself, and waits where all are taken.

    Nothing is tried again here: the caller decides when.
    """

    def __init__(self, count: int, limits: Limits, stop: Event | None = None) -> None:
        self._workers = [ProcessExecutor(1, limits, stop, tries=1) for _ in range(count)]
        self._idle: SimpleQueue[ProcessExecutor] = SimpleQueue()
        for workers in self._workers:
            self._idle.put(workers)

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        """What `ProcessExecutor.map` gives."""
        workers = self._idle.get()
        try:
            return workers.map(work, items, time)
        finally:
            self._idle.put(workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for workers in self._workers:
            workers.close()


def reason(exit_status: int | None, time: TimeLimit) -> str:
    """Why a process ended that had so much time."""
    if exit_status == -signal.SIGALRM:
        return f"took longer than {time.seconds:g} s"
    if exit_status == -signal.SIGPROF:
        return f"took more than {time.processor_seconds:g} s of processor time"
    if exit_status is not None and exit_status < 0:
        return f"ended its process by {signal.Signals(-exit_status).name}"
    return f"ended its process with status {exit_status}"


def exceeded_amount(found: TooMuch, limits: Limits) -> str:
    """What was too much."""
    if found.memory:
        return f"took more than {limits.memory // 2**20} MB"
    return f"gave more than {limits.result // 2**20} MB"
