# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rebuild`: write the derived tables anew."""

from threading import Event
from typing import Final

from bot.cli import status
from bot.cli.command import Command, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import existing
from bot.store.roles import Role, sole_worker


def rebuild(context: GlobalOptions) -> int:
    """Write the rows that the web pages show anew, from the stored series and reviews.

    The service writes these rows itself, also for a database that lacks them. You need this command only if the rows are damaged. Stop the service first. You can interrupt the command and run it again.

    \b
    Example:
      patchwarden rebuild

    Exit status: 0 done; 2 wrong settings, or there is no database; 3 interrupted, another process works on the database, or it cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.service.projection import ProjectionJob
    from bot.service.schedule import stopped_by_signals

    settings, stop = context.settings(), Event()
    with existing(settings) as store, sole_worker(settings.database, Role.REVIEWER), stopped_by_signals(stop):
        done = ProjectionJob(store, stop).rebuild()
    echo("rebuilt" if done else "interrupted; run the command again")
    return status.OK if done else status.FAILED


COMMAND: Final = Command(rebuild)
