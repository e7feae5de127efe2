# SPDX-License-Identifier: GPL-2.0-or-later
"""What the store knows of the past, as values: reviews with their time, and series as they stand on their lists."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from bot.mail.posting import Posting
from bot.review.model import Review


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """A stored review, and when it was made."""

    review: Review
    at: datetime


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """The newest revision of a series: when its last part came, when its thread last moved, how many mails it has.

    `mails` counts the whole thread, the patches too.
    """

    posting: Posting
    arrived: datetime
    moved: datetime
    mails: int

    @property
    def answers(self) -> int:
        return max(0, self.mails - len(self.posting.parts))


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A mail of ours about a posting, as far as it has come."""

    posting_id: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """What could not be read or judged in a period: mails, postings, and the reasons that were most frequent."""

    unreadable: int = 0
    defective: int = 0
    refused: int = 0
    reasons: tuple[str, ...] = ()


def verdict_of(review: Review) -> str:
    """Equal for two reviews that say the same; "" where nothing is said."""
    fingerprints = sorted({comment.finding.fingerprint for comment in review.said})
    return hashlib.sha256(" ".join(fingerprints).encode("ascii")).hexdigest()[:32] if fingerprints else ""
