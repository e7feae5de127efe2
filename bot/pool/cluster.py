# SPDX-License-Identifier: GPL-2.0-or-later
"""Run work in a Dask cluster: one of worker processes on this machine, or the workers of a given scheduler.

Only this module and bot.pool.cluster_worker know Dask. Whoever may connect to a scheduler may run code on its workers,
so the cluster on this machine accepts only connections with a certificate that exists in the memory of its processes.
"""

import logging
import pickle
import time as clock
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast, runtime_checkable
from uuid import uuid4

from bot.error import AdapterError, SettingsError
from bot.pool.cluster_worker import DONE, UNREADABLE, Chunk, Sent, end_run, identity
from bot.pool.guard import Crashed
from bot.pool.interrupt import interrupt_delayed
from bot.pool.worker import Limits, packed

try:
    import dask.config

    # Before `distributed` is loaded, which reads it.
    dask.config.set({"logging": dict.fromkeys(("distributed", "distributed.client", "tornado"), "critical")})
    from dask.distributed import Client, Future, LocalCluster, as_completed
    from distributed.scheduler import KilledWorker
    from distributed.security import Security
except ImportError as missing:
    raise SettingsError(
        f"a cluster needs Dask ({missing.name or missing}): "
        "install it with `pip install -e '.[cluster]'` in the source tree"
    ) from missing

T = TypeVar("T")
R = TypeVar("R")

_MAX_CHUNK_ITEMS: Final = 100
_MAX_CHUNK_BYTES: Final = 2**21  # of data that is sent to workers
_AHEAD: Final = 4  # chunks for each thread of a worker, from the first one without results on
_POLL_SECONDS: Final = 0.02
_CENSUS_SECONDS: Final = 2.0  # between two questions for the number of workers
_ANSWER_SECONDS: Final = 60.0  # for an answer of the scheduler
_END_SECONDS: Final = 10.0  # for an answer when the work has ended
_MAX_WAIT_SECONDS: Final = 300.0  # without a worker
_CONFIG: Final = {
    "distributed.worker.daemon": False,  # The workers start processes.
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


class ClusterError(AdapterError):
    """The cluster cannot do the work; the message says why."""


class ClusterSpec(NamedTuple):
    """A cluster: `workers` processes on this machine, or the workers of the scheduler at that address."""

    workers: int = 0
    scheduler: str = ""


@runtime_checkable
class Portable(Protocol):
    """An item with data that a worker may be able to read itself."""

    @property
    def size(self) -> int:
        """The number of bytes of the data."""

    def reference(self) -> Sent:
        """Return the item without the data that workers may be able to read."""

    def copy(self) -> Sent:
        """Return the item with its data."""


class _Part(NamedTuple):
    """The items of a chunk, and its place in the order."""

    number: int
    items: list[Any]


@contextmanager
def open_cluster(
    spec: ClusterSpec, limits: Limits, check: Callable[[], object] | None = None
) -> Iterator["ClusterExecutor"]:
    """Yield the executor of a cluster. Raises ClusterError if the cluster cannot be used or is lost.

    `check` is called once in each worker process. It raises AdapterError if that machine cannot do the work.
    """
    dask.config.set(_CONFIG)
    if spec.scheduler.startswith("tls:") and Security().get_connection_args("client")["ssl_context"] is None:
        raise SettingsError(f"{spec.scheduler} needs certificates: name them in Dask's configuration, under comm.tls")
    try:
        with _cluster(spec.workers) as cluster, _client(cluster or spec.scheduler) as client:
            executor = ClusterExecutor(client, limits, check)
            try:
                yield executor
            finally:
                executor.close()
    except (OSError, ImportError) as error:
        raise ClusterError(f"{_name(spec)}: {error}") from error


@contextmanager
def _cluster(workers: int) -> Iterator[LocalCluster | None]:
    """Yield a cluster on this machine, None without workers."""
    if not workers:
        yield None
        return
    resource_tracker.ensure_running()  # Its start would let the thread that starts workers get Ctrl-C.
    with interrupt_delayed():  # The workers inherit this, so that Ctrl-C in a terminal does not end them.
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                protocol="tls://",
                security=Security.temporary(),
                dashboard_address="127.0.0.1:0",  # without pages, which need Bokeh
                memory_limit=0,  # The pool in each worker limits the memory of each item.
                silence_logs=logging.CRITICAL,
            )
        except RuntimeError as error:
            raise ClusterError(f"the workers on this machine cannot be started: {error}") from error
    with cluster:
        yield cluster


@contextmanager
def _client(cluster: LocalCluster | str) -> Iterator[Client]:
    client = _within(_ANSWER_SECONDS, partial(Client, cluster, set_as_default=False))
    try:
        yield client
    finally:
        with suppress(Exception):  # Dask raises errors of many types here if the scheduler is lost.
            _within(_END_SECONDS, client.close)


def _within(seconds: float, request: Callable[[], T]) -> T:
    """Return the result of a request to the scheduler. Raises TimeoutError if there is none: Dask would wait forever.

    Something else than a scheduler may listen at its address, and a scheduler may stand still.
    """
    outcome: SimpleQueue[tuple[T, None] | tuple[None, Exception]] = SimpleQueue()

    def ask() -> None:
        try:
            outcome.put((request(), None))
        except Exception as error:  # noqa: BLE001 it is raised below
            outcome.put((None, error))

    Thread(target=ask, name="cluster", daemon=True).start()
    try:
        result, error = outcome.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return cast("T", result)


def _name(spec: ClusterSpec) -> str:
    return f"cluster on this machine with {spec.workers} workers" if spec.workers else f"scheduler {spec.scheduler}"


def _work(expected_identity: str, chunk: bytes) -> tuple[str, bytes | str]:
    """Return what `work_on_chunk` of the worker returns, or that the worker does not have it."""
    try:
        from bot.pool.cluster_worker import work_on_chunk
    except ImportError as error:
        return "refused", f"the worker lacks this version of patchwarden ({error})"
    return work_on_chunk(expected_identity, chunk)


# Dask sends the code of functions of this module, and the names of others: a worker that lacks the name ends.
_work.__module__ = "__main__"


class ClusterExecutor:
    """Apply pure functions to values in the workers of a cluster, with the limits of the pool.

    Items go to the workers in chunks. If a worker dies, Dask gives the chunk that it worked on to another one.
    A Portable item is sent without its data until a worker says that it cannot read that.
    """

    def __init__(self, client: Client, limits: Limits, check: Callable[[], object] | None = None) -> None:
        self._client = client
        self._limits = limits
        self._check = check
        self._identity = identity()
        self._run = uuid4().hex
        self._sends_copies = False
        self._threads = 0
        self._asked = 0.0
        self._had_worker = clock.monotonic()

    def stream(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R | Crashed]:
        """Yield the result for each item, in the order of the items; see ProcessExecutor. Raises ClusterError."""
        source = iter(items)
        finished = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        running: dict[Future[Any], _Part] = {}
        results: dict[int, list[R | Crashed]] = {}
        taken = parts = given = 0

        def submit(part: _Part) -> None:
            future = self._submit(work, part.items)
            running[future] = part
            finished.add(future)

        try:
            while True:
                self._look_at_workers()
                while len(running) + len(results) < _AHEAD * max(1, self._threads):
                    if not (chosen := list(self._choose(source, taken))):
                        break
                    submit(_Part(parts, chosen))
                    parts, taken = parts + 1, taken + len(chosen)
                if not running:
                    return
                while not finished.has_ready():
                    clock.sleep(_POLL_SECONDS)
                    self._look_at_workers()
                for future, outcome in finished.next_batch(block=False):
                    part = running.pop(future)
                    result = self._result(future, outcome)
                    if result is None:
                        submit(part)
                    else:
                        results[part.number] = result
                while given in results:
                    yield from results.pop(given)
                    given += 1
        finally:
            self._cancel(list(running))

    def close(self) -> None:
        """End the processes of this run in all workers."""
        if self._client.status == "running":
            with suppress(Exception):  # a worker may be lost now; its processes end with it
                _within(_END_SECONDS, partial(self._client.run, end_run, self._run, on_error="ignore"))

    def _choose(self, source: Iterator[T], taken: int) -> Iterator[T]:
        """Yield the items of the next chunk. The first chunks are small, so that all workers get some."""
        size = 0
        for item in islice(source, max(1, min(_MAX_CHUNK_ITEMS, taken // (_AHEAD * max(1, self._threads))))):
            yield item
            size += item.size if isinstance(item, Portable) else 0
            if self._sends_copies and size >= _MAX_CHUNK_BYTES:
                return

    def _submit(self, work: Callable[[T], R], items: list[T]) -> Future[Any]:
        chunk = Chunk(self._run, self._check, self._limits, work, [self._sent(item) for item in items])
        return self._client.submit(
            _work, self._identity, packed(tuple(chunk)), key=f"patchwarden-{uuid4().hex}", pure=False
        )

    def _sent(self, item: object) -> object:
        if not isinstance(item, Portable):
            return item
        return item.copy() if self._sends_copies else item.reference()

    def _result(self, future: Future[Any], outcome: Any) -> list[Any] | None:
        """Return the results of a chunk, None if it has to be sent again with its data."""
        if future.status == "error":
            _, error, _ = outcome
            if isinstance(error, KilledWorker):
                raise ClusterError(f"too many workers died while they worked on the same chunk: {error}")
            raise ClusterError(
                f"a worker failed: {type(error).__name__}: {error}. The scheduler and its workers need the same "
                "version of Dask as this program"
            )
        if future.status != "finished":
            raise self._lost()
        kind, content = outcome
        if kind == UNREADABLE and not self._sends_copies:
            self._sends_copies = True
        if kind == UNREADABLE:
            return None
        if kind != DONE:
            raise ClusterError(f"a worker cannot do this work: {content}")
        results: list[Any] = pickle.loads(content)  # noqa: S301 our own program in a worker wrote it
        return results

    def _look_at_workers(self) -> None:
        """Raise ClusterError if the scheduler is lost, or if no worker came for a long time."""
        if self._client.status != "running":
            raise self._lost()
        now = clock.monotonic()
        if now - self._asked < _CENSUS_SECONDS:
            return
        self._asked = now
        try:
            info = _within(_ANSWER_SECONDS, partial(self._client.scheduler_info, n_workers=0))
            self._threads = info["total_threads"]
        except OSError as error:
            raise self._lost() from error
        if self._threads:
            self._had_worker = now
        elif now - self._had_worker > _MAX_WAIT_SECONDS:
            raise ClusterError(f"the scheduler has had no worker for {_MAX_WAIT_SECONDS:g} s")

    def _lost(self) -> ClusterError:
        return ClusterError("the connection to the scheduler was lost. Nothing was written; start it, and run again")

    def _cancel(self, futures: list[Future[Any]]) -> None:
        if futures and self._client.status == "running":
            with suppress(Exception):  # the scheduler may be lost now
                _within(_END_SECONDS, partial(self._client.cancel, futures, force=True))
