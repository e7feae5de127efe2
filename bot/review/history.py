# SPDX-License-Identifier: GPL-2.0-or-later
"""Earlier reviews, for the comparison with the next revision of a series."""

from bisect import bisect_right
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.mail.posting import Posting

T = TypeVar("T")

if TYPE_CHECKING:
    from bot.review.model import Review


class LastOfRevisions(Generic[T]):
    """A value for the last posting of each revision, by topic. The postings are added in their order."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, int], tuple[str, T]] = {}  # each with the message-id of its posting
        self._revisions: dict[str, list[int]] = {}  # by topic, in order

    def previous(self, posting: Posting, topic: str) -> T | None:
        """Return the value of the latest earlier revision of the topic, or of an earlier posting of this revision."""
        revisions = self._revisions.get(topic, [])
        at = bisect_right(revisions, posting.series.revision)
        while at:
            message_id, value = self._values[topic, revisions[at - 1]]
            if message_id != posting.message_id:
                return value
            at -= 1
        return None

    def add(self, posting: Posting, value: T) -> None:
        """Store the value of a posting in the place of an earlier posting of the revision."""
        topic, revision = posting.topic, posting.series.revision
        if (topic, revision) not in self._values:
            revisions = self._revisions.setdefault(topic, [])
            revisions.insert(bisect_right(revisions, revision), revision)
        self._values[topic, revision] = posting.message_id, value


class History:
    """Reviews by topic, in memory."""

    def __init__(self) -> None:
        self._reviews: LastOfRevisions[Review] = LastOfRevisions()

    def previous(self, posting: Posting, continued: str = "") -> "Review | None":
        """Return the review of the latest earlier revision of the topic, or of an earlier posting of this revision.

        If the topic has none, it is that of the topic that is `continued`.
        """
        previous = self._reviews.previous(posting, posting.topic)
        return self._reviews.previous(posting, continued) if previous is None else previous

    def remember(self, review: "Review") -> None:
        """Store a review for the revisions that follow. The last posting of a revision counts."""
        self._reviews.add(review.posting, review)
