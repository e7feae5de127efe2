# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and check hostile input of a command in a child process, which is forked and so starts at once.

A child has limits. If it exceeds them it ends, and another child continues with the next item.
"""

import multiprocessing
import pickle
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypeVar

from bot.pool.executor import exceeded_amount, exit_reason
from bot.pool.guard import Crashed, TimeLimit
from bot.pool.worker import Limits, TooMuch, answer, die_with_parent

T = TypeVar("T")
R = TypeVar("R")

_STATM_DATA: Final = 5  # the field of /proc/self/statm that RLIMIT_DATA limits, in pages


def forked(work: Callable[[T], R], items: Sequence[T], limits: Limits) -> Iterator[R | Crashed]:
    """Yield the result for each item, in the order of the items; Crashed if the work fails or exceeds a limit.

    The memory limit is for what a child allocates in addition to this process. This process must not have threads.
    """
    context = multiprocessing.get_context("fork")
    done = 0
    while done < len(items):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_serve, args=(sender, work, items[done:], limits), daemon=True)
        child.start()
        sender.close()
        try:
            for result in _results(receiver, len(items) - done):
                done += 1
                if isinstance(result, TooMuch):
                    yield Crashed(exceeded_amount(result, limits), exceeded=True)
                    break
                yield result
            else:
                if done < len(items):
                    child.join()
                    done += 1
                    yield Crashed(exit_reason(child.exitcode, TimeLimit(limits.seconds)), exceeded=True)
        finally:
            receiver.close()
            child.kill()
            child.join()


def _results(receiver: Connection, number: int) -> Iterator[Any]:
    for _ in range(number):
        try:
            yield pickle.loads(receiver.recv_bytes())  # noqa: S301 our own process wrote it
        except (EOFError, OSError):
            return


def _serve(sender: Connection, work: Callable[[T], R], items: Sequence[T], limits: Limits) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    memory = _data_bytes() + limits.memory
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    die_with_parent()
    for item in items:
        signal.setitimer(signal.ITIMER_REAL, limits.seconds)
        result = answer(work, item, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sender.send_bytes(result)


def _data_bytes() -> int:
    """Return the number of bytes of data of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[_STATM_DATA])
    return pages * resource.getpagesize()
