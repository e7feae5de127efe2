# SPDX-License-Identifier: GPL-2.0-or-later
"""The log of the commands that run or send: set up from the settings, with a line for the start and one for the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Final

from bot.app.identity import can_send
from bot.log import Level, LogConfig, LogEvent, configure, event
from bot.settings import Settings


@contextmanager
def logged(settings: Settings, mode: str, verbose: int, *, once: bool) -> Iterator[None]:
    """Log what happens within.

    With `once` a person reads the report at the end, which says what failed: only errors that it does not know are
    logged, with one `verbose` what the settings say, with two everything.
    """
    levels: Final[tuple[Level, ...]] = ("error", settings.log.level, "debug")
    level = levels[min(verbose + (not once), 2)]
    configure(LogConfig(settings.log.format, level, is_service=not once))
    start = time.monotonic()
    event(
        LogEvent.SERVICE_STARTING,
        version=metadata.version("patchwarden"),
        mode=f"{mode} --once" if once else mode,
        database=str(settings.database),
        sends=can_send(settings),
    )
    yield
    event(LogEvent.SERVICE_STOPPED, seconds=round(time.monotonic() - start))
