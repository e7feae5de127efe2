# SPDX-License-Identifier: GPL-2.0-or-later
"""What a job needs while it runs: the time, and somebody who is told how far it is."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC."""


class Progress(Protocol):
    """Is told how far the work is."""

    def start(self, what: str, total: int) -> None:
        """A stretch of work of so many units begins."""

    def advance(self, units: int = 1) -> None:
        """So many units of it are done."""
