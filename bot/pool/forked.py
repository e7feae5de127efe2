# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and check hostile input of a command in a child process, which is forked and so starts at once.

A child has limits. If it exceeds them it ends, and another child continues with the next item.
"""

import marshal
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, NoReturn, TypeVar

from bot.pool.guard import Crashed, TimeLimit
from bot.pool.worker import Limits, TooMuch, answer, die_with_parent, exceeded_amount, exit_reason, packed
from bot.signals import signal

T = TypeVar("T")
R = TypeVar("R")

_STATM_RESIDENT, _STATM_SHARED = 1, 2
_STATM_DATA: Final = 5  # the field of /proc/self/statm that RLIMIT_DATA limits, in pages
_BUILT_IN: Final = b"marshal "  # in front of a result of built-in types; nothing that is pickled begins with it
_DEATHS: Final = (-signal.SIGSEGV, -signal.SIGABRT)  # of a library that gets no memory
_NEARLY: Final = 0.9  # of the limit: then memory is the likely cause
_SIZE_BYTES: Final = 8  # of the length in front of each result


def forked(work: Callable[[T], R], items: Sequence[T], limits: Limits) -> Iterator[R | Crashed]:
    """Yield the result for each item, in the order of the items; Crashed if the work fails or exceeds a limit.

    The memory limit is for what a child allocates in addition to this process. This process must not have threads.
    """
    done = 0
    while done < len(items):
        child = _Child(work, items[done:], limits)
        try:
            for result in child.results():
                done += 1
                if isinstance(result, TooMuch):
                    yield Crashed(exceeded_amount(result, limits), exceeded=True)
                    break
                yield result
            else:
                if done < len(items):
                    done += 1
                    yield Crashed(_end_reason(child, limits), exceeded=True)
        finally:
            child.end()


def _end_reason(child: "_Child", limits: Limits) -> str:
    """Return why a child ended without a result. C libraries die of memory that they do not get."""
    exit_status = child.wait()
    reason = exit_reason(exit_status, TimeLimit(limits.seconds))
    is_full = exit_status in _DEATHS and child.peak_memory - _inherited_bytes() > limits.memory * _NEARLY
    return f"{reason} at its limit of {limits.memory // 2**20} MB" if is_full else reason


class _Child:
    """A forked process that works on the items and sends the results. multiprocessing would take longer to load."""

    def __init__(self, work: Callable[[T], object], items: Sequence[T], limits: Limits) -> None:
        receiver, sender = os.pipe()
        sentinel, self._alive = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(receiver)
            os.close(self._alive)
            _work(sender, sentinel, work, items, limits)
        os.close(sender)
        os.close(sentinel)
        self._is_running = True
        self.peak_memory = 0
        self._results: BinaryIO = os.fdopen(receiver, "rb")
        self._number = len(items)

    def results(self) -> Iterator[Any]:
        """Yield the results until the process ends."""
        for _ in range(self._number):
            size = self._results.read(_SIZE_BYTES)
            result = self._results.read(int.from_bytes(size, "big"))
            if len(size) < _SIZE_BYTES or len(result) < int.from_bytes(size, "big"):
                return
            yield _unpacked(result)

    def wait(self) -> int:
        """Wait until the process has ended, and return its exit status; a negative number is that of a signal."""
        self._is_running = False
        _, exit_status, usage = os.wait4(self._pid, 0)
        self.peak_memory = usage.ru_maxrss * 1024
        return os.waitstatus_to_exitcode(exit_status)

    def end(self) -> None:
        """End the process if it still runs."""
        self._results.close()
        os.close(self._alive)
        if self._is_running:
            os.kill(self._pid, signal.SIGKILL)
            self.wait()


def _work(sender: int, sentinel: int, work: Callable[[T], object], items: Sequence[T], limits: Limits) -> NoReturn:
    """Work on the items in the child, and end it without the clean-up that is the parent's."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        memory = _data_bytes() + limits.memory
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        die_with_parent(sentinel)
        with os.fdopen(sender, "wb") as results:
            for item in items:
                signal.setitimer(signal.ITIMER_REAL, limits.seconds)
                result = answer(work, item, limits, _packed)
                signal.setitimer(signal.ITIMER_REAL, 0)
                results.write(len(result).to_bytes(_SIZE_BYTES, "big"))
                results.write(result)
                results.flush()
        os._exit(0)
    finally:
        os._exit(1)


def _packed(value: Any) -> bytes:
    """Return the value as bytes. Built-in types need no pickle, which takes as long to load as ten modules."""
    try:
        return _BUILT_IN + marshal.dumps(value)
    except ValueError:
        return packed(value)


def _unpacked(result: bytes) -> Any:
    if result.startswith(_BUILT_IN):
        return marshal.loads(result[len(_BUILT_IN) :])  # noqa: S302 our own process wrote it
    import pickle

    return pickle.loads(result)  # noqa: S301 our own process wrote it


def _data_bytes() -> int:
    """Return the number of bytes of data of this process."""
    return _memory()[_STATM_DATA]


def _inherited_bytes() -> int:
    """Return how many bytes of memory in use a child gets from this process; it maps files anew."""
    memory = _memory()
    return memory[_STATM_RESIDENT] - memory[_STATM_SHARED]


def _memory() -> list[int]:
    """Return the fields of /proc/self/statm, in bytes."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 a check of a patch does not load pathlib
        return [int(pages) * resource.getpagesize() for pages in file.read().split()]
