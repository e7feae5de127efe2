# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile input of a command is read and checked in a child process, which is a copy of this one and starts at once.

A child has limits; one that exceeds them ends, and another child goes on with the next item.
"""

import multiprocessing
import pickle
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypeVar

from bot.pool.executor import exceeded_amount, reason
from bot.pool.guard import Crashed, TimeLimit
from bot.pool.worker import Limits, TooMuch, answer, die_with_parent

T = TypeVar("T")
R = TypeVar("R")

_STATM_DATA: Final = 5  # the field of /proc/self/statm that RLIMIT_DATA limits, in pages


def forked(work: Callable[[T], R], items: Sequence[T], limits: Limits) -> Iterator[R | Crashed]:
    """Yield what the work gives for each item, in their order; Crashed where it fails or exceeds the limits.

    The memory is what a child may take beyond what this process has. Only for a process without threads.
    """
    context = multiprocessing.get_context("fork")
    done = 0
    while done < len(items):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_serve, args=(sender, work, items[done:], limits), daemon=True)
        child.start()
        sender.close()
        try:
            for found in _answers(receiver, len(items) - done):
                done += 1
                if isinstance(found, TooMuch):
                    yield Crashed(exceeded_amount(found, limits), exceeded=True)
                    break
                yield found
            else:
                if done < len(items):
                    child.join()
                    done += 1
                    yield Crashed(reason(child.exitcode, TimeLimit(limits.seconds)), exceeded=True)
        finally:
            receiver.close()
            child.kill()
            child.join()


def _answers(receiver: Connection, number: int) -> Iterator[Any]:
    for _ in range(number):
        try:
            yield pickle.loads(receiver.recv_bytes())  # noqa: S301 our own process wrote it
        except (EOFError, OSError):
            return


def _serve(sender: Connection, work: Callable[[T], R], items: Sequence[T], limits: Limits) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    memory = _data() + limits.memory
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    die_with_parent()
    for item in items:
        signal.setitimer(signal.ITIMER_REAL, limits.seconds)
        found = answer(work, item, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sender.send_bytes(found)


def _data() -> int:
    """The bytes of data that this process has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[_STATM_DATA])
    return pages * resource.getpagesize()
