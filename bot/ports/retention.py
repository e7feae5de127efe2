# SPDX-License-Identifier: GPL-2.0-or-later
"""The removal of old texts."""

from datetime import datetime
from typing import Protocol

from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class PruneCounts:
    """The numbers of removed texts, and of their bytes; those of mails and images are counted uncompressed."""

    mails: int = 0
    postings: int = 0
    images: int = 0
    reviews: int = 0
    sent: int = 0
    bytes: int = 0

    def __add__(self, other: "PruneCounts") -> "PruneCounts":
        return PruneCounts(
            self.mails + other.mails,
            self.postings + other.postings,
            self.images + other.images,
            self.reviews + other.reviews,
            self.sent + other.sent,
            self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """The result of a small transaction. The next one starts after `after`; None means that nothing is left."""

    pruned: PruneCounts
    after: tuple[str, int] | None = None


class Prunable(Protocol):
    """The part of the store for retention. With `dry` texts are only counted."""

    def prune_threads(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove the texts of mails and postings of threads that did not change since `before`."""

    def prune_images(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove file images that were not used since `before`."""

    def prune_reviews(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove the quotes in older reviews. Their findings and recipients stay."""

    def prune_sent(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        """Remove the texts of mails that reached their final state before that time."""

    def reclaim(self) -> int:
        """Return some free pages to the file system. Return the number of bytes, 0 if no free page is left."""
