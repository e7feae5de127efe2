# SPDX-License-Identifier: GPL-2.0-or-later
"""Review one posting in a process that shares the postings with other processes."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from threading import Condition, Lock
from typing import Final, Protocol

from bot.ports.postings import DuePosting, FirstPosting
from bot.ports.running import Stop
from bot.service.dependence import RelatedPostings, Relations
from bot.service.review import ReviewJob

_POSTPONE_SECONDS: Final = 0.5
"""How long a posting is postponed that could not be reviewed."""
_WAIT_SECONDS: Final = 10.0
"""How long a posting waits for earlier ones. A first try may take three seconds of processor time."""
_IDLE_SECONDS: Final = 0.5
"""How long it waits if no worker has the job of the first posting. A worker with a free place takes it at once."""
_LOOK_SECONDS: Final = 0.02  # between two looks of a process which posting is the first one
_MAX_EARLIER: Final = 50
"""Maximum number of earlier postings that a posting is compared with; with more of them it waits."""


class SharedPostings(Protocol):
    """The postings that are due, which several processes review."""

    def due(self, posting_id: str) -> DuePosting | None:
        """Return the posting if it is due."""

    def order(self, tries: int, limit: int) -> Sequence[str]:
        """Return the ids of the first postings that are due after that many tries, in the order of their reviews."""

    def first(self, tries: int) -> FirstPosting | None:
        """Return the posting that is reviewed next of those that are due after that many tries."""

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
        self._first: dict[int, tuple[float, FirstPosting | None]] = {}
        self._stored = Condition()

    def run(self, posting_id: str) -> bool:
        """Return whether the posting was reviewed now. Raises StoppedError, and errors of the store."""
        due = self._store.due(posting_id)
        if due is None:
            return False
        turn = _Turn(self._store, due, partial(self._wait, due))
        if self._may_begin(due) and self._reviews.review_one(due, turn) is not None:
            with self._stored:
                self._first.clear()
                self._stored.notify_all()
            return True
        first = self._store.first(due.tries)
        if first is None or first.posting_id == posting_id or first.is_running:
            self._store.postpone(posting_id, _POSTPONE_SECONDS)
        else:
            self._store.reorder(posting_id, due.tries, _MAX_EARLIER)
        return False

    def _may_begin(self, due: DuePosting) -> bool:
        """Wait until the posting depends on no earlier one without a review, and return whether that is so.

        Meanwhile its job stays a running one, because to fetch a job again costs more than to wait.
        """
        compared, is_free = "", False

        def is_ready(first: str) -> bool:
            nonlocal compared, is_free
            if first != compared:
                compared, is_free = first, not self._has_to_wait(due)
            return is_free

        return self._wait(due, is_ready)

    def _wait(self, due: DuePosting, is_ready: Callable[[str], bool] = lambda _: False) -> bool:
        """Wait until the posting is the first one, or is ready while another one is. Return whether that is so.

        It is not if that takes too long, at the stop, and if the first posting has no running job. The threads of this
        process ask the store together.
        """
        start = last_running = time.monotonic()
        while not self._stop.is_set():
            first, now = self._first_posting(due.tries), time.monotonic()
            if first is None:
                return False
            if first.posting_id == due.posting.message_id:
                return True
            if first.is_running:
                last_running = now
                if is_ready(first.posting_id):
                    return True
            if now - start > _WAIT_SECONDS or now - last_running > _IDLE_SECONDS:
                return False
            with self._stored:
                self._stored.wait(_LOOK_SECONDS)
        return False

    def _first_posting(self, tries: int) -> FirstPosting | None:
        """Return the first posting as the store had it a moment ago."""
        with self._stored:
            time_of, first = self._first.get(tries, (-inf, None))
            if time.monotonic() - time_of > _LOOK_SECONDS:
                first = self._store.first(tries)
                self._first[tries] = (time.monotonic(), first)
            return first

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

    def __init__(self, store: SharedPostings, due: DuePosting, wait: Callable[[], object]) -> None:
        self._store = store
        self._due = due
        self._wait = wait

    def is_due(self) -> bool:
        now = self._store.due(self._due.posting.message_id)
        return now is not None and now.tries == self._due.tries

    def is_first(self) -> bool:
        first = self._store.first(self._due.tries)
        return first is not None and first.posting_id == self._due.posting.message_id

    def wait(self) -> None:
        self._wait()
