# SPDX-License-Identifier: GPL-2.0-or-later
"""A Dask scheduler and its worker on loopback, as an operator starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.pool.memory import descendants

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """A scheduler, and a nanny that starts its worker anew when that dies. While it is dead, no work is done."""

    address: str
    scheduler: subprocess.Popen[bytes]
    nanny: subprocess.Popen[bytes]

    def busy_workers(self) -> list[int]:
        """Return the id of the worker process if it has a process of the pool."""
        return [worker for worker in _children(self.nanny.pid) if any(map(_children, _children(worker)))]

    def kill_the_busy_worker(self) -> None:
        """Kill the worker in the middle of its work, and wait until it is gone."""
        wait_until(lambda: bool(self.busy_workers()))
        (worker,) = self.busy_workers()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: worker not in _children(self.nanny.pid))


def _children(process: int) -> list[int]:
    return [child for child in descendants(process)[1:] if _parent(child) == process]


def _parent(process: int) -> int:
    try:
        return int((Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def wait_until(is_true: Callable[[], bool]) -> None:
    """Wait until something is true, at most a minute."""
    for _ in range(6000):
        if is_true():
            return
        time.sleep(0.01)
    raise TimeoutError("it did not come true")


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    """Start a scheduler, and a worker with one thread."""
    file = folder / "scheduler.json"
    environment = os.environ | ENVIRONMENT
    options = ("--no-dashboard", "--scheduler-file", str(file))

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *options, *arguments]
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
    nanny = start("worker", "--nthreads", "1", "--local-directory", str(folder))
    try:
        wait_until(lambda: file.exists() and file.stat().st_size > 0)  # the scheduler makes it before it writes it
        yield DaskCluster(json.loads(file.read_text())["address"], scheduler, nanny)
    finally:
        for process in (nanny, scheduler):
            process.send_signal(signal.SIGTERM)
        for process in (nanny, scheduler):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
