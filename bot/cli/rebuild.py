# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rebuild`: rebuild the derived tables."""

from threading import Event
from typing import Final

from bot.cli import status
from bot.cli.command import Command, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import announce, existing


def rebuild(context: GlobalOptions) -> int:
    """Rebuild the rows for the web pages from the stored series and reviews.

    The service writes these rows itself, also for a database that lacks them. You need this command only if the rows are damaged. It also fills the queue of `patchwarden worker` again. If the settings name a kernel repository, reviews without subsystems get those of the newest MAINTAINERS, and reviews by earlier versions also get the lines of MAINTAINERS that match. Stop the service first. You can interrupt the command and run it again.

    \b
    Example:
      patchwarden rebuild

    Exit status: 0 done; 2 wrong settings, a kernel repository in them cannot be opened, or there is no database; 3 interrupted, another process works on the database, or it cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings, stop = context.settings(), Event()
    announce(settings)
    from bot.app.clock import SystemClock
    from bot.app.kernel import MaintainersCache
    from bot.service.projection import ProjectionJob
    from bot.service.schedule import stopped_by_signals
    from bot.store.roles import Role, sole_worker

    has_kernel = bool(settings.kernel.repositories)
    find = MaintainersCache(settings, SystemClock())().subsystems if has_kernel else None
    with (
        existing(settings) as store,
        sole_worker(settings.database, Role.REVIEWER, server=settings.server),
        stopped_by_signals(stop),
    ):
        filled = ProjectionJob(store, stop).rebuild(find)
        if settings.server and store.queue().is_installed():
            store.queue().repair()
    if filled is None:
        echo("interrupted; run the command again")
        return status.FAILED
    echo("rebuilt")
    if has_kernel:
        echo(f"added subsystems, or the lines of MAINTAINERS that match, to {filled:,} reviews")
    else:
        echo("no subsystems were added: they need a kernel repository in the settings ([kernel])")
    return status.OK


COMMAND: Final = Command(rebuild)
