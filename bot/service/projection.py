# SPDX-License-Identifier: GPL-2.0-or-later
"""Fill the projection of a database that an earlier version wrote, and rebuild it."""

from threading import Event
from typing import Final

from bot.ports.projection import FindSubsystems, Projection

_BATCH: Final = 100  # postings in one transaction


class ProjectionJob:
    """Writes rows for the postings that have none. After an update it needs one pass over the database."""

    def __init__(self, store: Projection, stop: Event) -> None:
        self._store = store
        self._stop = stop

    def run(self) -> int:
        """Write rows until no posting lacks them. Return the number of postings."""
        total = 0
        while not self._stop.is_set() and (number := self._store.project_due(_BATCH)):
            total += number
        return total

    def rebuild(self, find: FindSubsystems | None = None) -> int | None:
        """Rewrite all rows. Return how many reviews got subsystems from `find`; None if it was stopped."""
        position, filled = "", 0
        while not self._stop.is_set():
            step = self._store.rebuild_projection(position, _BATCH, find)
            position, filled = step.last, filled + step.filled
            if not position:
                return filled
        return None
