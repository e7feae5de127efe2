# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of reviews that run in parallel: first tries by age, then what exceeded its first try.

One worker is always left for first tries, so that no number of hostile series holds up another one for longer than
their first tries take.
"""

from itertools import count
from typing import Final

from bot.ports import DuePosting, Postings
from bot.service.dependence import Relations, independent

_MAX_WAITING: Final = 50


class ReviewQueue:
    """The postings that are due in the store, and those of them that are being reviewed.

    The store is asked whenever none of the known postings can be started: what came meanwhile is seen.
    """

    def __init__(self, store: Postings, workers: int) -> None:
        self._store = store
        self._workers = workers
        self._waiting: dict[str, tuple[DuePosting, Relations]] = {}
        self._running: dict[str, tuple[DuePosting, Relations]] = {}
        self._numbers = count()
        self._number: dict[str, int] = {}

    def start(self) -> DuePosting | None:
        """Choose the next posting and count it as running; None if none can be started now."""
        if len(self._running) >= self._workers:
            return None
        found = self._first_try() or self._retry()
        if found is not None:
            key = found.posting.message_id
            self._waiting.pop(key, None)
            self._running[key] = (found, Relations.of(found.posting))
        return found

    def end(self, due: DuePosting) -> None:
        """Count a posting as running no longer."""
        del self._running[due.posting.message_id]

    def number(self, posting_id: str) -> int:
        """The place of a posting among all that this queue knew, by the order of first tries."""
        return self._number[posting_id]

    def _first_try(self) -> DuePosting | None:
        found = self._independent()
        if found is None and len(self._waiting) < _MAX_WAITING:
            known = (*self._waiting, *self._running)
            for due in self._store.due_for_review(_MAX_WAITING - len(self._waiting), tries=0, besides=known):
                self._note(due)
                self._waiting[due.posting.message_id] = (due, Relations.of(due.posting))
            found = self._independent()
        return found

    def _independent(self) -> DuePosting | None:
        running = (relations for due, relations in self._running.values() if not due.tries)
        return next(independent(running, self._waiting.values()), None)

    def _retry(self) -> DuePosting | None:
        """A posting that exceeded its first try; it may only wait for others of its kind."""
        retries = [relations for due, relations in self._running.values() if due.tries]
        if len(retries) >= max(1, self._workers - 1) or (self._workers == 1 and self._running):
            return None
        due = self._store.due_for_review(self._workers, tries=1, besides=tuple(self._running))
        found = next(independent(retries, ((one, Relations.of(one.posting)) for one in due)), None)
        if found is not None:
            self._note(found)
        return found

    def _note(self, due: DuePosting) -> None:
        if due.posting.message_id not in self._number:
            self._number[due.posting.message_id] = next(self._numbers)
