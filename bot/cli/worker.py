# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden worker`: one of several processes that share a PostgreSQL database."""

from threading import Event, Thread
from typing import Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option
from bot.cli.context import GlobalOptions
from bot.cli.logged import logged
from bot.cli.progress import Silent
from bot.error import SettingsError


def worker(
    context: GlobalOptions,
    jobs: Annotated[int, Option("--jobs", help="Number of series that this process reviews at the same time.")] = 1,
) -> int:
    """Review series together with other workers, on any number of machines that share a PostgreSQL database.

    One of the workers also reads the archives and commands; if it ends, another worker takes over. `patchwarden deliver` sends the mails. Each worker needs the same settings. It runs until SIGTERM or Ctrl-C, and finishes the running reviews first. It can be killed at any time: another worker repeats its reviews.

    \b
    Example:
      patchwarden --config /etc/patchwarden.toml worker --jobs 2

    Exit status: 0 stopped; 2 wrong settings, or the database is a file; 3 the database cannot be used.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings = context.settings()
    if not settings.server:
        raise SettingsError("`worker` needs a PostgreSQL database; with a file use `patchwarden run`")
    if jobs < 1:
        raise SettingsError("--jobs: give a number of at least 1")
    from bot.app.worker import open_worker, read_when_elected
    from bot.service.schedule import stopped_by_signals

    stop = Event()
    with (
        logged(settings, "worker", context.verbose, once=False),
        stopped_by_signals(stop),
        open_worker(settings, jobs, Silent(), stop) as opened,
    ):
        thread = Thread(target=opened.run, name="queue")
        thread.start()
        try:
            read_when_elected(settings, Silent(), stop)
        finally:
            stop.set()
            thread.join()
    return status.OK


COMMAND: Final = Command(worker)
