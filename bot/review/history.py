# SPDX-License-Identifier: GPL-2.0-or-later
"""Earlier reviews, for the comparison with the next revision of a series."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.mail.posting import Posting

if TYPE_CHECKING:
    from bot.review.model import Review


class History:
    """Reviews by topic, in memory."""

    def __init__(self) -> None:
        self._reviews: dict[str, list[Review]] = defaultdict(list)

    def previous(self, posting: Posting) -> "Review | None":
        """Return the review of the latest earlier revision of the topic, or of an earlier posting of this revision.

        Reviews are stored in the order of the postings. The last posting of a revision counts.
        """
        reviews = self._reviews[posting.topic]
        latest = latest_earlier(posting, (review.posting for review in reviews))
        return next((review for review in reversed(reviews) if review.posting is latest), None)

    def remember(self, review: "Review") -> None:
        """Store a review for the revisions that follow."""
        self._reviews[review.posting.topic].append(review)


def latest_earlier(posting: Posting, others: Iterable[Posting]) -> Posting | None:
    """Return which of the postings of a topic has the latest revision before a posting, the last one of several."""
    earlier = [
        other
        for other in others
        if other.series.revision <= posting.series.revision and other.message_id != posting.message_id
    ]
    return max(reversed(earlier), key=_revision, default=None)


def _revision(posting: Posting) -> int:
    return posting.series.revision
