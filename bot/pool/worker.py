# SPDX-License-Identifier: GPL-2.0-or-later
"""The worker process: its limits, its loop, and how it returns results."""

import fcntl
import multiprocessing
import os
import pickle
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TypeVar

from bot.error import AdapterError
from bot.log import LogConfig, configure
from bot.pool.guard import Crashed, guard
from rules.lazy import dataclass

T = TypeVar("T")
R = TypeVar("R")


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


def serve(connection: Connection, limits: Limits, log: LogConfig) -> None:
    """Run a worker until its parent ends, or until its own alarm ends it."""
    configure(log)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    die_with_parent()
    with suppress(EOFError, OSError):
        while True:
            work, items, time = pickle.loads(connection.recv_bytes())  # noqa: S301 our own process wrote it
            for item in items:
                signal.setitimer(signal.ITIMER_REAL, time.seconds)
                signal.setitimer(signal.ITIMER_PROF, time.processor_seconds)
                result = answer(work, item, limits)
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.setitimer(signal.ITIMER_PROF, 0)
                connection.send_bytes(result)


def die_with_parent() -> None:
    """Let the kernel end this process when the parent ends, whatever code is running."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)


def answer(work: Callable[[T], R], item: T, limits: Limits) -> bytes:
    """Return the pickled result of the work, or why it has no result."""

    def bounded() -> bytes:
        try:
            result = packed(work(item))
        except MemoryError:
            return packed(TooMuch(memory=True))
        except AdapterError as error:  # in a worker, hostile mail can cause errors of adapters
            return packed(Crashed(str(error)))
        return result if len(result) <= limits.result else packed(TooMuch(memory=False))

    outcome = guard(getattr(work, "__name__", "work"), bounded)
    return outcome if isinstance(outcome, bytes) else packed(outcome)


def packed(value: object) -> bytes:
    """Return the pickled value."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
