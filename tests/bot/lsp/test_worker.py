# SPDX-License-Identifier: GPL-2.0-or-later
"""Work of the language server in its process: limits, and work that is cancelled."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lsp.worker import Worker
from bot.pool.guard import Crashed
from bot.pool.worker import Limits


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker(Limits(seconds=60.0))
    yield worker
    worker.close()


def _process(_: int) -> int:
    return os.getpid()


def _sleep(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def _fail(_: int) -> None:
    raise ValueError("bad")


def _allocate(size: int) -> int:
    return len(bytes(size))


def test_work_that_takes_too_long_ends_and_the_next_work_is_done(tmp_path: Path) -> None:
    worker = Worker(Limits(seconds=2.0))
    crashed = asyncio.run(worker.run(_sleep, str(tmp_path / "pid")))
    process = asyncio.run(worker.run(_process, 0))
    worker.close()

    assert Crashed("took longer than 2 s", exceeded=True) == crashed
    assert isinstance(process, int)
    assert process != os.getpid()


def test_work_that_takes_too_much_memory_ends(worker: Worker) -> None:
    assert Crashed("took more than 512 MB", exceeded=True) == asyncio.run(worker.run(_allocate, 2**30))


def test_a_bug_is_a_value(worker: Worker) -> None:
    crashed = asyncio.run(worker.run(_fail, 0))
    assert isinstance(crashed, Crashed)
    assert "ValueError" in crashed.reason


def test_cancelled_work_ends_its_process(tmp_path: Path) -> None:
    worker, path = Worker(Limits(seconds=500.0)), tmp_path / "pid"

    async def cancel() -> int | Crashed:
        task = asyncio.ensure_future(worker.run(_sleep, str(path)))
        waiting = asyncio.ensure_future(worker.run(_process, 0))
        dropped = asyncio.ensure_future(worker.run(_sleep, str(path)))
        while not path.exists() or not path.read_text():
            await asyncio.sleep(0.01)
        dropped.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await waiting

    process = asyncio.run(cancel())
    worker.close()
    assert isinstance(process, int)
    assert path.read_text() != str(process)
