# SPDX-License-Identifier: GPL-2.0-or-later
"""Take the jobs of queues, several at a time. This module alone runs procrastinate."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from threading import Event
from typing import Any, Final

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg import Error
from psycopg_pool import PoolTimeout

from bot.log import LogEvent
from bot.service.outage import Outages
from rules.lazy import dataclass

_STOP_SECONDS: Final = 0.1  # between two looks whether to stop
_AGAIN_SECONDS: Final = 2.0  # before a new connection to a server that was lost
_OPEN_SECONDS: Final = 10.0
_FETCH_SECONDS: Final = 1.0  # between two looks for jobs that were postponed
_CONNECTIONS: Final = 6  # to the server, at most; all queries of procrastinate are short
_END_SECONDS: Final = 10.0  # in which procrastinate stores the end of a job
_JOB: Final = "queue"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The server and its options, the times of its queues in seconds, and how many jobs run at the same time.

    `jobs` has a number for each group of queues.
    """

    address: str
    options: Mapping[str, Any]
    heartbeat: float
    stalled: float
    jobs: Mapping[tuple[str, ...], int]


class QueueWorker:
    """Run a function for each job until `stop`, then wait for the running jobs.

    `tasks` has the functions by the names of their tasks. A job whose function fails ends: the rows know what is due,
    and get a new job. After a lost connection the worker starts again, under a new number.
    """

    def __init__(self, settings: QueueSettings, tasks: Mapping[str, Callable[[str], object]], stop: Event) -> None:
        self._settings = settings
        self._tasks = tasks
        self._stop = stop
        self._ended: dict[int, float] = {}  # when each job ended; a running one never did
        self._workers: list[Any] = []
        self._outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")

    def run(self) -> None:
        """Work until the stop."""
        while not self._stop.is_set():
            try:
                asyncio.run(self._work())
            except (ConnectorException, Error, OSError, PoolTimeout) as error:
                self._outages.failed(_JOB, " ".join(str(error.__cause__ or error).split()))
            self._stop.wait(_AGAIN_SECONDS)

    def held(self) -> tuple[Sequence[int], Sequence[int]]:
        """Return the numbers of this worker in the queue, and those of the jobs that run here or ended just now."""
        numbers = [worker.worker_id for worker in self._workers if worker.worker_id is not None]
        for job, ended in tuple(self._ended.items()):
            if time.monotonic() - ended > _END_SECONDS:
                del self._ended[job]
        return numbers, tuple(self._ended)

    async def _work(self) -> None:
        chosen = self._settings
        total = sum(chosen.jobs.values())
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(total, "job"))
        connector = PsycopgConnector(
            conninfo=chosen.address,
            kwargs=dict(chosen.options),
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_OPEN_SECONDS,
        )
        app = App(connector=connector)
        for name, run in self._tasks.items():
            app.task(name=name, pass_context=True)(self._task(run))
        async with app.open_async():
            self._workers = [self._worker(app, queues, jobs) for queues, jobs in chosen.jobs.items()]
            runs = [asyncio.create_task(worker.run()) for worker in self._workers]
            stopping = asyncio.create_task(self._wait_for_stop())
            self._outages.worked(_JOB)
            # If one of them loses its connection, all of them start again.
            await asyncio.wait([*runs, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            for worker in self._workers:
                worker.stop()
            for ended in await asyncio.gather(*runs, return_exceptions=True):
                if isinstance(ended, BaseException):
                    raise ended

    def _task(self, run: Callable[[str], object]) -> Callable[..., None]:
        def task(context: JobContext, posting_id: str = "", source: str = "") -> None:
            number = context.job.id or 0
            self._ended[number] = inf
            try:
                run(posting_id or source)
            finally:
                self._ended[number] = time.monotonic()

        return task

    def _worker(self, app: App, queues: Sequence[str], jobs: int) -> Worker:
        return Worker(
            app,
            queues=list(queues),
            concurrency=jobs,
            install_signal_handlers=False,
            delete_jobs="always",
            update_heartbeat_interval=self._settings.heartbeat,
            stalled_worker_timeout=self._settings.stalled,
            fetch_job_polling_interval=_FETCH_SECONDS,
        )

    async def _wait_for_stop(self) -> None:
        while not self._stop.is_set():
            await asyncio.sleep(_STOP_SECONDS)
