# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock of the machine."""

from datetime import UTC, datetime


class SystemClock:
    """The time of the machine, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)
