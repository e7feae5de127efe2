# SPDX-License-Identifier: GPL-2.0-or-later
"""The postings that are remembered, their reviews, and the search for what they miss."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalContext
from bot.ports.mails import Thread
from bot.review.model import Review


@dataclass(frozen=True, slots=True)
class DuePosting:
    """A complete posting that waits for its review.

    `arrived` is when its last part came; `tries` counts the reviews that exceeded their limits.
    """

    posting: Posting
    arrived: datetime
    tries: int = 0


class Postings(Protocol):
    """The postings and their reviews."""

    def save_threads(self, threads: Sequence[tuple[Thread, Sequence[Posting]]]) -> Collection[str]:
        """Keep these as the threads' postings, replacing what was known of them.

        Return the ids of those that are complete now and were not before.
        """

    def due_for_review(
        self, limit: int, *, tries: int | None = None, besides: Collection[str] = ()
    ) -> Sequence[DuePosting]:
        """Return complete postings without a verdict: those of the fewest tries first, then in the order of arrival.

        With `tries` only those of so many tries; those named in `besides` are left out.
        """

    def count_due_for_review(self) -> int:
        """How many there are, for a progress bar."""

    def supersede(self, posting: Posting, now: datetime) -> int:
        """Withdraw the waiting mails about earlier revisions of the topic. Return how many there were."""

    def previous_review(self, posting: Posting, rehearsed: bool) -> Review | None:
        """The newest stored review of an earlier revision of the same topic; without recipients where no mail left.

        What a dry run filed counts as a mail where this review is `rehearsed` too, and only there.
        """

    def save_review(self, review: Review, outgoing: Outgoing | None, now: datetime) -> bool:
        """Keep the review and its mail together; say whether the mail was kept.

        A patch or cover letter that has its reply of that kind gets no second one, whatever posting it is in now.
        """

    def context(self, posting: Posting) -> RefusalContext:
        """When the posting's parts came, and how it stands to others."""

    def refuse(self, posting: Posting, reason: str) -> None:
        """Remember that the posting is not reviewed, and why."""

    def quarantine(self, posting: Posting, reason: str) -> None:
        """Remember that the posting could not be judged, and why; it is not tried again until it is released."""

    def defer(self, posting: Posting) -> None:
        """Count a try that exceeded its limits: the posting goes to the back of the queue."""

    def blobs(self, ids: Iterable[str], most: int) -> Mapping[str, bytes]:
        """Return the verified bytes of these blobs by the given ids, in their order, up to `most` bytes in all.

        An id may be abbreviated to no fewer than 7 digits; one that fits several blobs gives none.
        """

    def save_blobs(self, blobs: Mapping[str, bytes], now: datetime) -> None:
        """Keep verified bytes by their full ids; they were used now."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A posting whose missing parts are due to be looked for; `attempts` were made."""

    posting: Posting
    attempts: int


class BackfillRequests(Protocol):
    """The search for what no list brought."""

    def incomplete(self, now: datetime, settled: datetime, since: datetime, limit: int) -> Sequence[Incomplete]:
        """Postings that wait for parts, whose last part came before `settled`, sent after `since`, and due now."""

    def postpone(self, posting: Posting, due: datetime) -> None:
        """An attempt failed: the next one is due then."""

    def conclude(self, posting: Posting, outcome: str, now: datetime) -> None:
        """The search is over, and what came of it."""
