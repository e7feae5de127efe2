# SPDX-License-Identifier: GPL-2.0-or-later
"""What is removed when it is old."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many old things were removed, and how many bytes of the database they took."""

    mails: int = 0
    postings: int = 0
    images: int = 0
    reviews: int = 0
    sent: int = 0
    bytes: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(
            self.mails + other.mails,
            self.postings + other.postings,
            self.images + other.images,
            self.reviews + other.reviews,
            self.sent + other.sent,
            self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One small transaction of the work: what it removed, and where the next one starts; None: there is no more."""

    pruned: Pruned
    after: tuple[str, int] | None = None


class Prunable(Protocol):
    """The part of the store that retention needs. With `dry` nothing is changed, only counted."""

    def prune_threads(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove the text of mails and postings of threads in which nothing happened since `before`."""

    def prune_images(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove file images that were not used since `before`."""

    def prune_reviews(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove what older reviews quote; what they said, and to whom, stays."""

    def prune_sent(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove the text of mails that had their end before that time."""

    def reclaim(self) -> int:
        """Give some unused space of the file back to the system; how many bytes, 0: there is no more to give."""
