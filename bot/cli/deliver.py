# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden deliver`: only deliver mails."""

from collections.abc import Mapping
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import announce, stop_notice
from bot.cli.logged import logged
from bot.cli.output import complain
from bot.cli.progress import Silent

if TYPE_CHECKING:
    from bot.app.service import Sender
    from bot.settings.tables import Settings


def deliver(
    context: GlobalOptions,
    once: Annotated[bool, Option("--once", help="Deliver the mails that are due now, then exit.")] = False,
) -> int:
    """Deliver the mails that `patchwarden run --no-deliver` writes to the same database.

    Only this process needs access to the mail server and its password. Only one process can deliver at a time. With a PostgreSQL database, more of these processes wait until they can take over. Without --once it runs until SIGTERM or Ctrl-C. It can be killed at any time.

    \b
    Example:
      patchwarden deliver --once
      patchwarden --config /etc/patchwarden.toml deliver

    Exit status: 0 done or stopped; 2 wrong settings; 3 the database or the outbox cannot be written, another process delivers, or with --once a mail could not be delivered.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings = context.settings()
    with logged(settings, "deliver", context.verbose, once=once):
        return _once(settings) if once else _serve(settings)


def _serve(settings: "Settings") -> int:
    from bot.app.service import open_sender
    from bot.app.worker import run_elected
    from bot.service.schedule import serve, stopped_by_signals

    stop = Event()

    def send(sender: "Sender") -> None:
        serve(sender.schedule(settings), stop, sender.watchdog, wakeups=sender.wakeups, recorder=sender.recorder)

    with stopped_by_signals(stop):
        run_elected(settings, lambda: open_sender(settings, Silent(), stop), send, stop)
    return status.OK


def _once(settings: "Settings") -> int:
    announce(settings)
    from bot.app.service import open_sender
    from bot.service.schedule import stopped_by_signals

    with open_sender(settings, Silent()) as sender, stopped_by_signals(sender.stop):
        sender.stop_switch.refresh()
        delivered = sender.recorder.run("deliver", sender.deliver.run)
        if sender.checks is not None:
            sender.recorder.run("checks", sender.checks.run)
        sender.recorder.flush()
        states = sender.store.tally().mails
        stopped = stop_notice(settings, sender.store)
    echo(f"{len(delivered.mails):,} delivered; in the outbox: {_counts(states) or 'nothing'}")
    if stopped:
        echo(stopped)
    for problem in delivered.problems:
        complain(problem)
    return status.FAILED if delivered.problems else status.OK


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))


COMMAND: Final = Command(deliver)
