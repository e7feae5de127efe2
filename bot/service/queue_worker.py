# SPDX-License-Identifier: GPL-2.0-or-later
"""Take the jobs of the queue, several at a time. This module alone runs procrastinate."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg import Error
from psycopg_pool import PoolTimeout

from bot.log import LogEvent
from bot.service.outage import Outages
from rules.lazy import dataclass

_STOP_SECONDS: Final = 0.2  # between two looks whether to stop
_AGAIN_SECONDS: Final = 2.0  # before a new connection to a server that was lost
_OPEN_SECONDS: Final = 10.0
_FETCH_SECONDS: Final = 1.0  # between two looks for jobs that were postponed
_JOB: Final = "queue"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The server, and the names and times of its queue, in seconds. `jobs` run at the same time."""

    address: str
    queue: str
    task: str
    heartbeat: float
    stalled: float
    jobs: int


class QueueWorker:
    """Run a function for each job until `stop`, then wait for the running jobs.

    A job whose function fails ends: the postings know what is due, and get a new job. After a lost connection the
    worker starts again, under a new number.
    """

    def __init__(self, settings: QueueSettings, run: Callable[[str], object], stop: Event) -> None:
        self._settings = settings
        self._run = run
        self._stop = stop
        self._outages = Outages(LogEvent.JOB_FAILED, LogEvent.JOB_RECOVERED, "job", "error")

    def run(self) -> None:
        """Work until the stop."""
        while not self._stop.is_set():
            try:
                asyncio.run(self._work())
            except (ConnectorException, Error, OSError, PoolTimeout) as error:
                self._outages.failed(_JOB, " ".join(str(error.__cause__ or error).split()))
            self._stop.wait(_AGAIN_SECONDS)

    async def _work(self) -> None:
        chosen = self._settings
        connector = PsycopgConnector(
            conninfo=chosen.address, min_size=1, max_size=chosen.jobs + 3, timeout=_OPEN_SECONDS
        )
        app = App(connector=connector)

        @app.task(name=chosen.task, queue=chosen.queue)
        def _task(posting_id: str) -> None:
            self._run(posting_id)

        async with app.open_async():
            worker: Any = Worker(
                app,
                queues=[chosen.queue],
                concurrency=chosen.jobs,
                install_signal_handlers=False,
                delete_jobs="always",
                update_heartbeat_interval=chosen.heartbeat,
                stalled_worker_timeout=chosen.stalled,
                fetch_job_polling_interval=_FETCH_SECONDS,
            )
            stopping = asyncio.create_task(self._end(worker))
            self._outages.worked(_JOB)
            try:
                await worker.run()
            finally:
                stopping.cancel()

    async def _end(self, worker: Any) -> None:
        while not self._stop.is_set():
            await asyncio.sleep(_STOP_SECONDS)
        worker.stop()
