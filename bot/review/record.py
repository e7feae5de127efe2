# SPDX-License-Identifier: GPL-2.0-or-later
"""Values from the store: past reviews with their time, and the state of series on their lists."""

import hashlib
from datetime import datetime

from bot.mail.posting import Posting
from bot.review.model import Review
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """A stored review, and when it was made."""

    review: Review
    at: datetime


@dataclass(frozen=True, slots=True)
class LandingRecord:
    """A stored review, and which of its findings are new since a landing ref moved, by their fingerprints."""

    review: Review
    ref: str
    fingerprints: frozenset[str]


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """The newest revision of a series.

    `arrived` is when its last part arrived, `moved` when the last mail of its thread arrived. `mails` counts the mails
    of the thread, including the patches.
    """

    posting: Posting
    arrived: datetime
    moved: datetime
    mails: int

    @property
    def replies(self) -> int:
        return max(0, self.mails - len(self.posting.parts))


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A mail of ours about a posting, with its state."""

    posting_id: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class CollisionRecord:
    """A collision of two series: the posting whose review found it, the other one, and where they collide first."""

    posting: Posting
    other: Posting
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """Counts of mails and postings that could not be read or reviewed in a period, and the most frequent reasons."""

    unreadable: int = 0
    defective: int = 0
    refused: int = 0
    reasons: tuple[str, ...] = ()


def verdict_of(review: Review) -> str:
    """Return the verdict: equal for reviews that report the same findings, "" if nothing is reported."""
    fingerprints = sorted({entry.finding.fingerprint for entry in review.reported})
    return hashlib.sha256(" ".join(fingerprints).encode("ascii")).hexdigest()[:32] if fingerprints else ""
