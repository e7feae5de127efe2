# SPDX-License-Identifier: GPL-2.0-or-later
"""Work on a chunk of items in a worker of a Dask cluster: in processes with the limits of the pool.

The client (bot.pool.cluster) and the workers exchange pickled values, so both need the same version of this program.
"""

import multiprocessing
import pickle
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from threading import Event, Lock
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from bot.error import AdapterError
from bot.pool.executor import ProcessExecutor, preload_all
from bot.pool.guard import StoppedError
from bot.pool.worker import Limits, packed
from bot.rules_digest import program_digest
from bot.version import VERSION

DONE: Final = "done"
REFUSED: Final = "refused"
UNREADABLE: Final = "unreadable"
STOPPED: Final = "stopped"

_READING_LIBRARIES: Final = ("b4", "pygit2", "tree-sitter", "tree-sitter-rust", "unidiff")


class Chunk(NamedTuple):
    """Items and the work on them. `check` raises AdapterError on a machine that cannot do the work."""

    run: str
    check: Callable[[], object] | None
    limits: Limits
    work: Callable[[Any], object]
    items: Sequence[object]


@runtime_checkable
class Sent(Protocol):
    """An item on its way to a worker."""

    def received(self) -> object:
        """Return the item with all of its data, in the worker. Raises AdapterError if data cannot be read there."""


def identity() -> str:
    """Return the version of all that decides about results. The client and all workers must have the same."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _READING_LIBRARIES)
    python = ".".join(map(str, sys.version_info[:2]))
    return f"patchwarden {VERSION} (source {program_digest()}), Python {python}, {libraries}"


def work_on_chunk(expected_identity: str, chunk: bytes) -> tuple[str, bytes | str]:
    """Return DONE and the packed results of the chunk, or another outcome and its reason.

    The chunk is not unpacked by another version than the one that packed it.
    """
    if identity() != expected_identity:
        return (
            REFUSED,
            f"the worker has {identity()}, but this program is {expected_identity}: install the same version",
        )
    if multiprocessing.current_process().daemon:
        return REFUSED, (
            "the worker cannot start processes: start it with DASK_DISTRIBUTED__WORKER__DAEMON=False in its environment"
        )
    content = Chunk(*pickle.loads(chunk))  # noqa: S301 the scheduler may run any code here anyway
    try:
        _check(content.run, packed(content.check))
    except AdapterError as error:
        return REFUSED, str(error)
    try:
        items = [item.received() if isinstance(item, Sent) else item for item in content.items]
    except AdapterError as error:
        return UNREADABLE, str(error)
    try:
        return DONE, packed(_run(content.run).map(content.work, items, content.limits))
    except StoppedError:
        return STOPPED, "the run was ended"


def end_run(run: str) -> None:
    """End the processes of a run in this worker, and the chunk that they work on. Later chunks of it are refused."""
    _run(run).end()


class _Run:
    """The processes of a run. Each thread of the worker uses other ones."""

    def __init__(self) -> None:
        self._stop = Event()
        self._idle: list[ProcessExecutor] = []

    def map(self, work: Callable[[Any], object], items: Sequence[object], limits: Limits) -> object:
        """Return the result of each item. Raises StoppedError if the run has ended."""
        if self._stop.is_set():
            raise StoppedError
        try:
            executor = self._idle.pop()
        except IndexError:
            executor = ProcessExecutor(1, limits, self._stop)
        try:
            return executor.map(work, items)
        finally:
            self._idle.append(executor)
            if self._stop.is_set():
                self.release()

    def release(self) -> None:
        """End the idle processes. Later chunks start new ones."""
        while self._idle:
            self._idle.pop().close()

    def end(self) -> None:
        self._stop.set()
        self.release()


_runs: Final[dict[str, _Run]] = {}
_lock: Final = Lock()


def _run(name: str) -> _Run:
    """Return the run. A new run ends the idle processes of the others, whose clients may have been killed."""
    with _lock:
        if name not in _runs:
            preload_all()
            for other in _runs.values():
                other.release()
            _runs[name] = _Run()
        return _runs[name]


@lru_cache(maxsize=1)
def _check(_run: str, check: bytes) -> None:
    """Run the check of a run once. An error is not remembered."""
    function = pickle.loads(check)  # noqa: S301 packed here
    if function is not None:
        function()
