# SPDX-License-Identifier: GPL-2.0-or-later
"""The reviews made so far, so that the next revision of a series finds the previous one's."""

from collections import defaultdict

from bot.mail.posting import Posting
from bot.review.model import Review


class History:
    """Reviews by topic, in memory, for what is read once."""

    def __init__(self) -> None:
        self._reviews: dict[str, list[Review]] = defaultdict(list)

    def previous(self, posting: Posting) -> Review | None:
        """The review of the latest earlier revision of the same topic; of a revision posted twice, the last one's."""
        earlier = [review for review in self._reviews[posting.topic] if _revision(review) < posting.series.revision]
        return max(reversed(earlier), key=_revision, default=None)

    def remember(self, review: Review) -> None:
        """Keep a review for the revisions that follow."""
        self._reviews[review.posting.topic].append(review)


def _revision(review: Review) -> int:
    return review.posting.series.revision
