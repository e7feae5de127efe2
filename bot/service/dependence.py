# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide which postings may be reviewed in parallel: those that cannot affect each other's review.

The review of a posting depends on the review of an earlier revision, and on the images that earlier series verified. So
two postings of one topic keep their order. So do a posting that makes an image and one that builds on it, whichever is
first: the review of the earlier posting must not know images of the later one.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from bot.mail.posting import Posting
from rules.lazy import dataclass, field

T = TypeVar("T")

_DIGITS: Final = 7
"""Number of compared digits: blob ids are abbreviated. A false match only keeps two postings in order."""


@dataclass(frozen=True, slots=True)
class Relations:
    """What relates a posting to others: its topic, the images that it builds on, and those that it may verify.

    An image is named by the first digits of its blob id, or without a usable id by its path, as `path:NAME`.
    """

    topic: str
    needed: frozenset[str]
    verified: frozenset[str]

    @classmethod
    def of(cls, posting: Posting) -> "Relations":
        """Return the relations of a posting."""
        needed: set[str] = set()
        verified: set[str] = set()
        for change in (change for patch in posting.series.patches for change in patch.changes):
            if change.before is not None:
                needed |= {(change.blob_before or "")[:_DIGITS], f"path:{change.before}"}
            if change.after is not None:
                blob = change.blob_after or ""
                verified.add(blob[:_DIGITS] if len(blob) >= _DIGITS else f"path:{change.after}")
        return cls(posting.topic, frozenset(needed), frozenset(verified))


@dataclass(slots=True)
class RelatedPostings:
    """The relations of several postings together."""

    topics: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    verified: set[str] = field(default_factory=set)

    def add(self, relations: Relations) -> None:
        """Add the relations of one more posting."""
        self.topics.add(relations.topic)
        self.needed |= relations.needed
        self.verified |= relations.verified

    def include(self, relations: Relations) -> bool:
        """Return whether a posting with these relations must keep its order relative to one of these postings."""
        return (
            relations.topic in self.topics
            or not relations.needed.isdisjoint(self.verified)
            or not relations.verified.isdisjoint(self.needed)
        )


def independent(running: Iterable[Relations], waiting: Iterable[tuple[T, Relations]]) -> Iterator[T]:
    """Yield, in order, the waiting items that depend neither on a running item nor on an earlier one."""
    earlier = RelatedPostings()
    for relations in running:
        earlier.add(relations)
    for item, relations in waiting:
        if not earlier.include(relations):
            yield item
        earlier.add(relations)
