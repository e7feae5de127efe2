# SPDX-License-Identifier: GPL-2.0-or-later
"""Earlier reviews, for the comparison with the next revision of a series."""

from collections import defaultdict

from bot.mail.posting import Posting
from bot.review.model import Review


class History:
    """Reviews by topic, in memory."""

    def __init__(self) -> None:
        self._reviews: dict[str, list[Review]] = defaultdict(list)

    def previous(self, posting: Posting) -> Review | None:
        """Return the review of the latest earlier revision of the topic, or of an earlier posting of this revision.

        Reviews are stored in the order of the postings. The last posting of a revision counts.
        """
        earlier = [
            review
            for review in self._reviews[posting.topic]
            if _revision(review) <= posting.series.revision and review.posting.message_id != posting.message_id
        ]
        return max(reversed(earlier), key=_revision, default=None)

    def remember(self, review: Review) -> None:
        """Store a review for the revisions that follow."""
        self._reviews[review.posting.topic].append(review)


def _revision(review: Review) -> int:
    return review.posting.series.revision
