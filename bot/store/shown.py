# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of rows as pages may show them."""

from datetime import UTC, datetime
from typing import Final

from rules.lazy import re

_ADDRESS: Final = re.compile(r"(?<![^\s@<>])[^\s@<>]++@[^\s@<>]++")


def time_of(text: str) -> datetime:
    """Return a time that the database stores as text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def without_addresses(reason: str) -> str:
    """Return the text without addresses: replies of mail servers name recipients, and mutes name people."""
    return _ADDRESS.sub("[address]", reason)
