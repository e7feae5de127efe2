# SPDX-License-Identifier: GPL-2.0-or-later
"""The log of the commands that run or send."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bot.log import Level, LogConfig, LogEvent, configure, event
from bot.version import VERSION

if TYPE_CHECKING:
    from bot.settings.tables import Settings


@contextmanager
def logged(settings: "Settings", mode: str, verbose: int, *, once: bool) -> Iterator[None]:
    """Configure the log from the settings, and log the start and the end of the block.

    With `once` a person reads the report at the end, which lists failures. So only other errors are logged; with
    `verbose` 1 the level of the settings applies, with 2 everything is logged.
    """
    from bot.app.identity import can_send
    from bot.store.dialect import name_of

    levels: Final[tuple[Level, ...]] = ("error", settings.log.level, "debug")
    level = levels[min(verbose + (not once), 2)]
    configure(LogConfig(settings.log.format, level, is_service=not once))
    start = time.monotonic()
    event(
        LogEvent.SERVICE_STARTING,
        version=VERSION,
        mode=f"{mode} --once" if once else mode,
        database=name_of(settings.database, settings.server),
        sends=can_send(settings),
    )
    yield
    event(LogEvent.SERVICE_STOPPED, seconds=round(time.monotonic() - start))
