# SPDX-License-Identifier: GPL-2.0-or-later
"""Review one posting in a process that shares the postings with other processes."""

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol

from bot.ports.postings import DuePosting
from bot.ports.running import Stop
from bot.service.dependence import RelatedPostings, Relations
from bot.service.review import ReviewJob

_WAIT_SECONDS: Final = 0.5
"""How long a posting waits for an earlier one that it depends on."""
_TURN_SECONDS: Final = 10.0
"""How long a review that is ready waits for earlier ones. A first try may take three seconds of processor time."""
_LOOK_SECONDS: Final = 0.02
_FIRST_SECONDS: Final = 0.05  # for which a process knows which posting is the first one
_MAX_EARLIER: Final = 50
"""Maximum number of earlier postings that a posting is compared with; with more of them it waits."""


class SharedPostings(Protocol):
    """The postings that are due, which several processes review."""

    def due(self, posting_id: str) -> DuePosting | None:
        """Return the posting if it is due."""

    def order(self, tries: int, limit: int) -> Sequence[str]:
        """Return the ids of the first postings that are due after that many tries, in the order of their reviews."""

    def is_overtaken(self, posting_id: str, tries: int) -> bool:
        """Return whether the first posting that is due after that many tries is another one, and has no running job."""

    def reorder(self, posting_id: str, tries: int, limit: int) -> None:
        """Add a job for a posting that came too early. The jobs of the first postings come next, in their order."""

    def postpone(self, posting_id: str, seconds: float) -> None:
        """Add a job for a posting that cannot be reviewed yet."""


class ReviewTask:
    """Review a posting by its message-id, when no earlier posting that it depends on is due.

    The order is that of one process (bot.service.review_queue): each posting compares itself with all earlier postings
    that have no review yet, whichever process has them. The earliest one waits for none. A posting that was reviewed
    meanwhile is left alone, so a task may run any number of times.
    """

    def __init__(self, store: SharedPostings, reviews: ReviewJob, stop: Stop) -> None:
        self._store = store
        self._reviews = reviews
        self._stop = stop
        self._relations: dict[str, Relations] = {}
        self._lock = Lock()
        self._first: dict[int, tuple[float, Sequence[str]]] = {}
        self._first_lock = Lock()

    def run(self, posting_id: str) -> bool:
        """Return whether the posting was reviewed now. Raises StoppedError, and errors of the store."""
        due = self._store.due(posting_id)
        if due is None:
            return False
        if self._store.is_overtaken(posting_id, due.tries):
            self._store.reorder(posting_id, due.tries, _MAX_EARLIER)
            return False
        if self._has_to_wait(due):
            self._store.postpone(posting_id, _WAIT_SECONDS)
            return False
        if self._reviews.review_one(due, _Turn(self._store, due, self._wait)) is not None:
            with self._first_lock:
                self._first.clear()
            return True
        if self._store.is_overtaken(posting_id, due.tries):
            self._store.reorder(posting_id, due.tries, _MAX_EARLIER)
        else:
            self._store.postpone(posting_id, _WAIT_SECONDS)
        return False

    def _wait(self, due: DuePosting) -> None:
        """Wait until the posting is the first one, or the stop. The threads of this process ask the store together."""
        end = time.monotonic() + _TURN_SECONDS
        own = due.posting.message_id
        while time.monotonic() < end and not self._stop.is_set():
            with self._first_lock:
                known = self._first.get(due.tries)
                is_old = known is None or time.monotonic() - known[0] > _FIRST_SECONDS
                if is_old:
                    self._first[due.tries] = (time.monotonic(), self._store.order(due.tries, 1))
                first = self._first[due.tries][1]
            if first == [own] or (is_old and self._store.is_overtaken(own, due.tries)):
                return
            time.sleep(_LOOK_SECONDS)

    def _has_to_wait(self, due: DuePosting) -> bool:
        """Return whether the posting depends on an earlier one without a review."""
        order = self._store.order(due.tries, _MAX_EARLIER + 1)
        own = due.posting.message_id
        if own not in order:
            return True
        ids = order[: order.index(own)]
        earlier = RelatedPostings()
        with self._lock:
            self._relations = {name: self._relations[name] for name in order if name in self._relations}
            for name in ids:
                if name not in self._relations and (other := self._store.due(name)) is not None:
                    self._relations[name] = Relations.of(other.posting)
                if name in self._relations:
                    earlier.add(self._relations[name])
        return earlier.include(Relations.of(due.posting))


class _Turn:
    """bot.service.review.Turn over the postings that several processes review."""

    def __init__(self, store: SharedPostings, due: DuePosting, wait: Callable[[DuePosting], None]) -> None:
        self._store = store
        self._due = due
        self._wait = wait

    def is_due(self) -> bool:
        now = self._store.due(self._due.posting.message_id)
        return now is not None and now.tries == self._due.tries

    def is_first(self) -> bool:
        return self._store.order(self._due.tries, 1) == [self._due.posting.message_id]

    def wait(self) -> None:
        self._wait(self._due)
