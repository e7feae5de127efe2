# SPDX-License-Identifier: GPL-2.0-or-later
"""Times from SQL aggregates."""

from datetime import UTC, datetime


def utc(time: datetime | None) -> datetime:
    """Return the time of an SQL aggregate, which is in UTC but has no time zone. None means now."""
    if time is None:
        return datetime.now(UTC)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
