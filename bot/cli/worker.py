# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden worker`: one of several processes that share a PostgreSQL database."""

import os
import time
from functools import partial
from threading import Event, Thread
from typing import Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option
from bot.cli.context import GlobalOptions
from bot.cli.logged import logged
from bot.cli.progress import Silent
from bot.error import SettingsError
from bot.log import LogEvent, event


def worker(
    context: GlobalOptions,
    jobs: Annotated[int, Option("--jobs", help="Number of series that this process reviews at the same time.")] = 1,
    drain: Annotated[
        int, Option("--drain", help="Seconds that the running jobs have to end after SIGTERM. Then the process ends.")
    ] = 300,
) -> int:
    """Read archives, and review series and check them again, together with other workers on any number of machines that share a PostgreSQL database.

    One of the workers also obeys commands and follows landing trees; if it ends, another worker takes over. `patchwarden deliver` sends the mails. Each worker needs the same settings. It runs until SIGTERM or Ctrl-C: then it takes no new job, and ends after its running jobs. A second SIGTERM or Ctrl-C ends it at once. It can be killed at any time: another worker repeats its jobs.

    \b
    Example:
      patchwarden --config /etc/patchwarden.toml worker --jobs 2

    Exit status: 0 stopped; 2 wrong settings, or the database is a file; 3 the database cannot be used, or the process ended before its running jobs.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings = context.settings()
    if not settings.server:
        raise SettingsError("`worker` needs a PostgreSQL database; with a file use `patchwarden run`")
    if jobs < 1:
        raise SettingsError("--jobs: give a number of at least 1")
    if drain < 0:
        raise SettingsError("--drain: give a number of at least 0")
    from bot.app.worker import open_worker, work_when_elected
    from bot.service.schedule import stopped_by_signals

    stop = Event()
    with (
        logged(settings, "worker", context.verbose, once=False),
        stopped_by_signals(stop, partial(_end_now, "a second signal")),
        open_worker(settings, jobs, Silent(), stop) as opened,
    ):
        Thread(target=_end_in_time, args=(stop, drain), name="drain", daemon=True).start()
        thread = Thread(target=opened.run, name="queue")
        thread.start()
        try:
            work_when_elected(settings, Silent(), stop)
        finally:
            stop.set()
            thread.join()
    return status.OK


def _end_in_time(stop: Event, seconds: int) -> None:
    """End this process if it still runs some seconds after the stop."""
    stop.wait()
    time.sleep(seconds)
    _end_now(f"running jobs took longer than {seconds} s")


def _end_now(reason: str) -> None:
    """End this process without its running jobs, which another worker repeats. Its child processes see that and end."""
    try:
        event(LogEvent.SERVICE_FAILED, "warning", reason=f"ended before its running jobs: {reason}")
    finally:  # A signal may interrupt a thread that writes to the log.
        os._exit(status.FAILED)


COMMAND: Final = Command(worker)
