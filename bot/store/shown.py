# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of rows as pages may show them."""

from datetime import UTC, datetime


def time_of(text: str) -> datetime:
    """Return a time that the database stores as text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
