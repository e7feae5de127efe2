# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock and the progress display of a job."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time in UTC."""


class Stop(Protocol):
    """Tells a job that it is to end after its current unit of work."""

    def is_set(self) -> bool:
        """Return whether the job is to end."""


class Progress(Protocol):
    """The progress display."""

    def start(self, task: str, total: int | Callable[[], int]) -> None:
        """Start a step with that number of units. A function that counts them is called only if the number is shown."""

    def advance(self, units: int = 1) -> None:
        """Count finished units."""
