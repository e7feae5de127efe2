# SPDX-License-Identifier: GPL-2.0-or-later
"""Work in a process with limits, for asyncio: cancelled work is stopped."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import Final, TypeVar

from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, StoppedError
from bot.pool.worker import Limits

T = TypeVar("T")
R = TypeVar("R")

LIMITS: Final = Limits(seconds=10.0)


class Worker:
    """A process that does one piece of work after the other. Close it after use."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._stop = Event()
        self._executor = ProcessExecutor(1, limits, self._stop, tries=1)
        self._thread = ThreadPoolExecutor(1, "worker")
        self._lock = Lock()
        self._running: object = None

    async def run(self, work: Callable[[T], R], item: T) -> R | Crashed:
        """Return the result of the work, Crashed if it fails or exceeds a limit. To cancel it ends its process."""
        task = object()
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._work, task, work, item)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            with self._lock:
                if self._running is task:
                    self._stop.set()
                future.cancel()
            raise

    def close(self) -> None:
        """End the process."""
        self._stop.set()
        self._thread.shutdown(cancel_futures=True)
        self._executor.close()

    def _work(self, task: object, work: Callable[[T], R], item: T) -> R | Crashed:
        with self._lock:
            self._stop.clear()
            self._running = task
        try:
            (result,) = self._executor.map(work, [item])
        except StoppedError:
            return Crashed("cancelled")
        finally:
            with self._lock:
                self._running = None
        return result
