# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker process from within: what it is given to do, what it may take for it, and how its answers leave it."""

import fcntl
import io
import multiprocessing
import os
import pickle
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from bot.error import AdapterError
from bot.log import LogConfig, configure
from bot.pool.guard import Crashed, guard

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may take: seconds by the clock, bytes of memory of its process, bytes of its result.

    Files that a process maps to read, as a repository's packs, are not its memory.
    """

    seconds: float = 5.0
    memory: int = 512 * 1024 * 1024
    result: int = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The work ran out of memory, or gave too much, and its process lives to say so."""

    memory: bool


def serve(connection: Connection, limits: Limits, log: LogConfig) -> None:
    """A worker's life: it ends with its parent, or by the alarm that it sets itself."""
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
                found = answer(work, item, limits)
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.setitimer(signal.ITIMER_PROF, 0)
                connection.send_bytes(found)


def die_with_parent() -> None:
    """Have the system end this process when the other end of the parent's pipe is closed, whatever is running here."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)


def answer(work: Callable[[T], R], item: T, limits: Limits) -> bytes:
    """What the work gives, or why it gives nothing, as bytes."""

    def bounded() -> bytes:
        try:
            result = packed(work(item))
        except MemoryError:
            return packed(TooMuch(memory=True))
        except AdapterError as error:  # here an adapter does but what hostile mail asks of it
            return packed(Crashed(str(error)))
        return result if len(result) <= limits.result else packed(TooMuch(memory=False))

    found = guard(getattr(work, "__name__", "work"), bounded)
    return found if isinstance(found, bytes) else packed(found)


class _Pickler(pickle.Pickler):
    """Frozen values as calls of their classes: what dataclasses do by themselves takes the reader ten times as long."""

    def reducer_override(self, value: object) -> Any:
        kind = type(value)
        if kind not in _FIELDS:
            _FIELDS[kind] = _field_names(kind)
        names = _FIELDS[kind]
        return NotImplemented if names is None else (kind, tuple(getattr(value, name) for name in names))


_FIELDS: Final[dict[type[Any], tuple[str, ...] | None]] = {}


def _field_names(kind: type[Any]) -> tuple[str, ...] | None:
    """The fields in the order in which the class takes them; None for what is no dataclass, or takes them otherwise."""
    if not is_dataclass(kind):
        return None
    own = fields(kind)
    return tuple(field.name for field in own) if all(field.init and not field.kw_only for field in own) else None


def packed(value: object) -> bytes:
    """The value as `pickle.loads` reads it."""
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()
