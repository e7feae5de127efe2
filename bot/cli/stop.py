# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden stop`: stop all sending at once."""

import time
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Argument, Command, Option, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import changing_stop, database_name
from bot.error import AdapterError
from bot.store.roles import Role, running

if TYPE_CHECKING:
    from bot.service.stop import StopSwitch, StoredStop

_MAX_WAIT_SECONDS: Final = 10.0


def stop(
    context: GlobalOptions,
    reason: Annotated[
        str, Argument(metavar="REASON", help="The reason, which other commands show.", may_be_empty=True)
    ] = "by hand",
    lift: Annotated[bool, Option("--lift", help="Resume sending.")] = False,
) -> int:
    """Stop all sending at once, also in a running service. Reading, reviewing and dry runs continue.

    No mail is lost: due mails wait. Only a mail that is being transferred at this moment still leaves. The command prints the database and waits until the process that sends from it confirms the stop.

    \b
    Example:
      patchwarden stop "a rule is wrong"
      patchwarden stop --lift

    Exit status: 0 stopped or lifted; 2 wrong settings, or the database does not exist; 3 the stop could not be written, or the running sender did not confirm it.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.clock import SystemClock
    from bot.app.stop import build_stop_switch

    settings = context.settings()
    database = database_name(settings)
    with changing_stop(settings) as store:
        switch = build_stop_switch(settings, store, SystemClock())
        if lift:
            done = (
                f"sending from {database} is allowed again"
                if switch.lift()
                else f"sending from {database} was not stopped"
            )
        else:
            _stop(switch, reason)
            done = f"all sending from {database} is stopped; run `patchwarden stop --lift` to resume"
        process = running(settings.database, Role.SENDER, settings.server)
        seen = not process or _is_seen(store)
    echo(done)
    if not process:
        echo("no process sends from it now")
    elif seen:
        echo(f"the service (process {process}) has seen it")
    else:
        echo(f"the service (process {process}) has not confirmed it; end that process if mail still leaves", err=True)
        return status.FAILED
    return status.OK


def _stop(switch: "StopSwitch", reason: str) -> None:
    """Stop all sending. If only one of the stop file and the database could be written, the error says so."""
    try:
        switch.stop(reason)
    except AdapterError as error:
        if switch.file.reason():
            raise AdapterError(f"{error}; the file {switch.file.path} stops all sending while it exists") from error
        raise AdapterError(f"{error}; nothing is stopped: end the process that sends") from error


def _is_seen(store: "StoredStop") -> bool:
    """Wait until the sender has seen the last change, and return whether it did. It usually takes under a second."""
    end = time.monotonic() + _MAX_WAIT_SECONDS
    while (state := store.stop_state()).seen != state.number:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


COMMAND: Final = Command(stop)
