# SPDX-License-Identifier: GPL-2.0-or-later
"""Times as they come out of aggregates."""

from datetime import UTC, datetime


def utc(time: datetime | None) -> datetime:
    """An aggregate's time; SQL functions give it back as it lies in the file, in UTC without saying so. None is now."""
    if time is None:
        return datetime.now(UTC)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
