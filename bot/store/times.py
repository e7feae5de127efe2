# SPDX-License-Identifier: GPL-2.0-or-later
"""Times as the database stores them, and from SQL aggregates."""

from datetime import UTC, datetime


def text_of(time: datetime) -> str:
    """Return the time as the database stores it."""
    return time.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def time_of(text: str) -> datetime:
    """Return a time that the database stores as text."""
    return datetime.fromisoformat(f"{text}+00:00")


def utc(time: datetime | None) -> datetime:
    """Return the time of an SQL aggregate, which is in UTC but has no time zone. None means now."""
    if time is None:
        return datetime.now(UTC)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
