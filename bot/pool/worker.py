# SPDX-License-Identifier: GPL-2.0-or-later
"""The worker process: its limits, its loop, and how it returns results."""

import fcntl
import os
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from bot.error import AdapterError
from bot.pool.guard import Crashed, TimeLimit, guard
from bot.signals import signal
from rules.lazy import dataclass

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bot.log import LogConfig

T = TypeVar("T")
R = TypeVar("R")

READY: Final = b""
"""What a worker sends when it begins to work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a unit of work: elapsed seconds, bytes of memory of its process, bytes of its result.

    Mapped files, such as the packs of a repository, do not count as memory.
    """

    seconds: float = 5.0
    memory: int = 512 * 1024 * 1024
    result: int = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The work exceeded the limit of memory or of its result, but its process survived."""

    memory: bool


def serve(connection: "Connection", limits: Limits, log: "LogConfig") -> None:
    """Run a worker of multiprocessing until its parent ends, or until its own alarm ends it.

    It sends `READY`, and then the result of each item.
    """
    import multiprocessing
    import pickle

    from bot.log import configure
    from bot.pool.memory import FreeMemory

    configure(log)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent = multiprocessing.parent_process()
    assert parent is not None
    die_with_parent(parent.sentinel)
    with suppress(EOFError, OSError):
        connection.send_bytes(READY)
        memory = FreeMemory()
        while True:
            memory.end_step()
            work, items, time = pickle.loads(connection.recv_bytes())  # noqa: S301 our own process wrote it
            for item in items:
                signal.setitimer(signal.ITIMER_REAL, time.seconds)
                signal.setitimer(signal.ITIMER_PROF, time.processor_seconds)
                result = answer(work, item, limits)
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.setitimer(signal.ITIMER_PROF, 0)
                connection.send_bytes(result)


def die_with_parent(sentinel: int) -> None:
    """Let the kernel end this process when the parent ends, whatever code is running.

    The parent alone has the other end of the pipe `sentinel`.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)


def packed(value: object) -> bytes:
    """Return the pickled value."""
    import pickle

    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def answer(work: Callable[[T], R], item: T, limits: Limits, pack: Callable[[object], bytes] = packed) -> bytes:
    """Return the result of the work, or why it has none, as bytes: pickled, or as `pack` returns them."""

    def bounded() -> bytes:
        try:
            result = pack(work(item))
        except MemoryError:
            result = None  # What the work has built is freed with the traceback, before this is packed.
        if result is None:
            return pack(TooMuch(memory=True))
        return result if len(result) <= limits.result else pack(TooMuch(memory=False))

    try:
        outcome = guard(getattr(work, "__name__", "work"), bounded)
    except AdapterError as error:  # in a worker, hostile mail can cause errors of adapters
        outcome = Crashed(str(error), is_unreadable=True)
    return outcome if isinstance(outcome, bytes) else pack(outcome)


def exit_reason(exit_status: int | None, time: TimeLimit) -> str:
    """Return why a process with that time limit ended."""
    if exit_status == -signal.SIGALRM:
        return f"took longer than {time.seconds:g} s"
    if exit_status == -signal.SIGPROF:
        return f"took more than {time.processor_seconds:g} s of processor time"
    if exit_status is not None and exit_status < 0:
        from signal import Signals

        return f"ended its process by {Signals(-exit_status).name}"
    return f"ended its process with status {exit_status}"


def exceeded_amount(exceeded: TooMuch, limits: Limits) -> str:
    """Return which limit was exceeded."""
    if exceeded.memory:
        return f"took more than {limits.memory // 2**20} MB"
    return f"returned more than {limits.result // 2**20} MB"
