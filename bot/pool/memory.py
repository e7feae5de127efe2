# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure and return memory. Pages that this process and its descendants share count once."""

import ctypes
import os
import resource
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Final, Self

_INTERVAL_SECONDS: Final = 2.0  # reading takes some milliseconds a process
_PROC: Final = Path("/proc")
_RETURN_SECONDS: Final = 2.0
"""Between two returns of free memory: one takes a millisecond, and the first use of that memory ten afterwards."""


class PeakMemory:
    """The peak memory of this process and its descendants while it is entered, looked at every two seconds."""

    def __init__(self) -> None:
        self._peak = 0
        self._end = Event()
        self._thread = Thread(target=self._look, name="memory", daemon=True)

    @property
    def bytes(self) -> int:
        """The peak so far. Where the kernel does not tell the shares of pages, the peak of this process alone."""
        self._peak = max(self._peak, shared_memory(os.getpid()))
        return self._peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def _look(self) -> None:
        while not self._end.wait(_INTERVAL_SECONDS):
            self._peak = max(self._peak, shared_memory(os.getpid()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def shared_memory(process: int) -> int:
    """Return the bytes of a process and its descendants, each page divided by the number of its processes (PSS)."""
    return sum(map(_proportional_bytes, descendants(process)))


def return_free_memory() -> None:
    """Return the pages to the kernel that the C library keeps for later. Does nothing if it is not glibc.

    After a batch of mails most of the heap is free, but in pieces, which glibc does not return by itself.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class FreeMemory:
    """Returns free memory in a loop, at most every other second."""

    def __init__(self) -> None:
        self._returned = monotonic()

    def end_step(self) -> None:
        """Return free memory if that is due. Call it after each step of the loop."""
        if monotonic() - self._returned > _RETURN_SECONDS:
            return_free_memory()
            self._returned = monotonic()


def descendants(process: int) -> list[int]:
    """Return the ids of a process and its descendants."""
    processes = [process]
    for parent in processes:
        processes += _children(parent)
    return processes


def _children(process: int) -> list[int]:
    try:
        lists = [path.read_text(encoding="ascii") for path in (_PROC / str(process) / "task").glob("*/children")]
    except OSError:  # it ended
        return []
    return [int(child) for children in lists for child in children.split()]


def _proportional_bytes(process: int) -> int:
    try:
        lines = (_PROC / str(process) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
