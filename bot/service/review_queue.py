# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of reviews that run in parallel: first tries by age, then postings that exceeded their first try.

One worker is always left for first tries, so that hostile series hold up another series only for the time of their
first tries.
"""

from itertools import count
from typing import Final

from bot.ports.postings import DuePosting, Postings
from bot.service.dependence import Relations, independent

_MAX_WAITING: Final = 24  # each has the packed blocks of its mails


class ReviewQueue:
    """The postings that are due in the store, and those that are being reviewed.

    At most `ahead` postings are started for each worker. The store is asked whenever none of the known postings can be
    started, so that new postings are found.
    """

    def __init__(self, store: Postings, workers: int, ahead: int = 1) -> None:
        self._store = store
        self._workers = workers
        self._max_running = workers * ahead
        self._waiting: dict[str, tuple[DuePosting, Relations]] = {}
        self._running: dict[str, tuple[DuePosting, Relations]] = {}
        self._numbers = count()
        self._number: dict[str, int] = {}

    def start(self) -> DuePosting | None:
        """Choose the next posting and count it as running; None if none can be started now."""
        if len(self._running) >= self._max_running:
            return None
        due = self._first_try() or self._retry()
        if due is not None:
            key = due.posting.message_id
            self._running[key] = (due, self._waiting.pop(key)[1] if key in self._waiting else Relations.of(due.posting))
        return due

    def end(self, due: DuePosting) -> None:
        """Count a posting as running no longer."""
        del self._running[due.posting.message_id]

    def number(self, posting_id: str) -> int:
        """Return the place of a posting in the order of first tries."""
        return self._number[posting_id]

    def _first_try(self) -> DuePosting | None:
        first = self._independent()
        if first is None and len(self._waiting) < _MAX_WAITING:
            known = (*self._waiting, *self._running)
            for due in self._store.due_for_review(_MAX_WAITING - len(self._waiting), tries=0, besides=known):
                self._note(due)
                self._waiting[due.posting.message_id] = (due, Relations.of(due.posting))
            first = self._independent()
        return first

    def _independent(self) -> DuePosting | None:
        running = (relations for due, relations in self._running.values() if not due.tries)
        return next(independent(running, self._waiting.values()), None)

    def _retry(self) -> DuePosting | None:
        """Return a posting that exceeded its first try and waits for no other such posting."""
        retries = [relations for due, relations in self._running.values() if due.tries]
        if len(retries) >= max(1, self._workers - 1) or (self._workers == 1 and self._running):
            return None
        due = self._store.due_for_review(self._workers, tries=1, besides=tuple(self._running))
        retry = next(independent(retries, ((posting, Relations.of(posting.posting)) for posting in due)), None)
        if retry is not None:
            self._note(retry)
        return retry

    def _note(self, due: DuePosting) -> None:
        if due.posting.message_id not in self._number:
            self._number[due.posting.message_id] = next(self._numbers)
