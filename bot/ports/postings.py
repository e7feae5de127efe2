# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored postings, their reviews, and the search for their missing parts."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.posting_codec import EncodedPosting, PostingBytes
from bot.mail.refusal import RefusalContext
from bot.ports.mails import Thread
from bot.ports.pending import PendingUpdate
from bot.review.model import Review
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class DuePosting:
    """A complete posting that waits for its review.

    `arrived` is when its last part arrived; `tries` counts the reviews that exceeded their limits. With `encoded`, the
    posting with its texts as bytes, `posting` has no texts.
    """

    posting: Posting
    arrived: datetime
    tries: int = 0
    encoded: PostingBytes | None = None

    def with_texts(self) -> Posting:
        """Return the posting with its texts."""
        return self.encoded.decode() if self.encoded else self.posting


class FirstPosting(NamedTuple):
    """The posting that is reviewed next, and whether a worker has a job of its series."""

    posting_id: str
    is_running: bool


VerifiedBlobs = Any
"""Images of files that an analysis verified: the bytes by full blob ids, or what `StoredBlobs.pack` returned."""


class StoredBlobs(Protocol):
    """Verified images of files that the store has, for the process that analyses a series."""

    def get(self, blob_id: str, /) -> bytes | None:
        """Return the image that was found by this id, which may be abbreviated. Raises an AdapterError."""

    def pack(self, blobs: Mapping[str, bytes], /) -> VerifiedBlobs:
        """Return images that the analysis verified, by their full ids, packed for the store.

        Those that the search for this object found are only named. If one is pruned meanwhile, it is lost.
        """


class Postings(Protocol):
    """The postings and their reviews."""

    def save_threads(self, threads: Sequence[tuple[Thread, Sequence[EncodedPosting]]]) -> Collection[str]:
        """Store the postings of these threads, and replace their earlier postings.

        Return the ids of postings that are complete now and were not complete before.
        """

    def due_for_review(
        self, limit: int, *, tries: int | None = None, besides: Collection[str] = ()
    ) -> Sequence[DuePosting]:
        """Return complete postings without a verdict: those of the fewest tries first, then in the order of arrival.

        They are without their texts, which are in `encoded`.

        With `tries`, only postings with that number of tries. Postings in `besides` are skipped.
        """

    def count_due_for_review(self) -> int:
        """Count the postings that are due for review, for a progress bar."""

    def supersede(self, posting: Posting, now: datetime) -> int:
        """Withdraw the waiting mails about earlier revisions of the series. Return how many there were.

        A posting with another topic replaces only those of the same address whose files it all changes.
        """

    def previous_review(self, posting: Posting, is_dry_run: bool) -> Review | None:
        """Return the newest stored review of an earlier revision, without recipients if its mail did not leave.

        If the topic has none, it is that of the series which the posting continues in reply to it.

        A mail that a dry run filed counts only if `is_dry_run`: this review is of a dry run too.
        """

    def batch(self) -> AbstractContextManager[list[Callable[[], None]]]:
        """Let the transactions of this thread in the block commit together at its end.

        Each of them has an effect as a whole or not at all. If the block ends by an error, those before it are
        committed. What the block puts into the list is called after the commit.
        """

    def save_review(
        self,
        review: Review,
        outgoing: Outgoing | None,
        now: datetime,
        pending: PendingUpdate | None = None,
        encoded: PostingBytes | None = None,
        blobs: VerifiedBlobs = None,
    ) -> bool:
        """Store the review, its mail and what is pending in one transaction. Return whether the mail was stored.

        `encoded` is the reviewed posting with its texts; it is needed if the posting of the review has none. `blobs`
        are the images that the analysis verified, if any.

        A patch or cover letter gets at most one mail of a kind, even if it is part of another posting now.
        """

    def context(self, posting: Posting) -> RefusalContext:
        """Return when the parts of the posting arrived, and its relation to other postings."""

    def refuse(self, posting: Posting, reason: str) -> None:
        """Store that the posting is not reviewed, and why."""

    def quarantine(self, posting: Posting, reason: str) -> None:
        """Store that the posting could not be checked, and why. It is not retried until it is released."""

    def defer(self, posting: Posting) -> None:
        """Count a try that exceeded a limit. The posting moves to the end of the queue."""

    def blobs(self, ids: Iterable[str], max_bytes: int, also: Iterable[str] = ()) -> StoredBlobs:
        """Return the verified bytes of these blobs by the given ids, in their order.

        They have up to `max_bytes` bytes in total, and so have the stored blocks that they are in. An id may be
        abbreviated to at least 7 digits. An ambiguous id gives no blob. Blobs with the ids in `also` are looked for,
        so that they need not be packed again, and are not returned.
        """

    def save_blobs(self, blobs: VerifiedBlobs, now: datetime) -> None:
        """Store verified images, with the time of use."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A posting whose missing parts are due to be searched. `attempts` is the number of earlier searches."""

    posting: Posting
    attempts: int


class BackfillRequests(Protocol):
    """The search for parts that no list delivered."""

    def incomplete(self, now: datetime, settled: datetime, since: datetime, limit: int) -> Sequence[Incomplete]:
        """Return waiting postings that are due, sent after `since`, whose last part arrived before `settled`."""

    def postpone(self, posting: Posting, due: datetime) -> None:
        """Store that a search failed, and when the next one is due."""

    def conclude(self, posting: Posting, outcome: str, now: datetime) -> None:
        """Store that the search ended, and its outcome."""
