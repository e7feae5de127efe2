# SPDX-License-Identifier: GPL-2.0-or-later
"""A moment in the past, as people write it on a command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

_AGO = re.compile(r"(\d{1,4})\s*([hdw])")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment(text: str, now: datetime, option: str = "--since") -> datetime:
    """The moment that `7d`, `12h`, `2w` or `2026-03-01` means, in UTC. Raises typer.BadParameter for anything else."""
    if match := _AGO.fullmatch(text.strip().lower()):
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is neither an age (7d, 12h, 2w) nor a date (2026-03-01)", param_hint=option
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
