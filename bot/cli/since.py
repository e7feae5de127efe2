# SPDX-License-Identifier: GPL-2.0-or-later
"""Times in the past on the command line."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bot.cli.command import UsageError
from rules.lazy import re

_AGO = re.compile(r"(\d{1,4})\s*([hdw])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_time(text: str, now: datetime, option: str = "--since") -> datetime:
    """Parse an age or a date such as `7d`, `12h`, `2w` or `2026-03-01`, in UTC. Raises UsageError."""
    if match := _AGO.fullmatch(text.strip().lower()):
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is neither an age (7d, 12h, 2w) nor a date (2026-03-01)", option=option) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
