# SPDX-License-Identifier: GPL-2.0-or-later
"""Which postings may be reviewed at the same time: those that cannot change each other's review.

A posting's review depends on the review of an earlier revision, and on the images that earlier series proved. So two
postings of one topic keep their order, and so do a posting that announces an image and one that builds upon it,
whichever of the two is first: the later one must not be there too early either.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bot.mail.posting import Posting

T = TypeVar("T")

_DIGITS: Final = 7
"""Blob ids are abbreviated; those that agree so far may be the same. A false alarm costs only the order."""


@dataclass(frozen=True, slots=True)
class Relations:
    """What relates a posting to others: its topic, the images that it builds upon, and those that it may prove.

    An image is named by the first digits of its blob id; one without a usable id by its path, as `path:NAME`.
    """

    topic: str
    needed: frozenset[str]
    proved: frozenset[str]

    @classmethod
    def of(cls, posting: Posting) -> "Relations":
        """The relations of a posting."""
        needed: set[str] = set()
        proved: set[str] = set()
        for change in (change for patch in posting.series.patches for change in patch.changes):
            if change.before is not None:
                needed |= {(change.blob_before or "")[:_DIGITS], f"path:{change.before}"}
            if change.after is not None:
                blob = change.blob_after or ""
                proved.add(blob[:_DIGITS] if len(blob) >= _DIGITS else f"path:{change.after}")
        return cls(posting.topic, frozenset(needed), frozenset(proved))


@dataclass(slots=True)
class RelatedPostings:
    """The relations of several postings together."""

    topics: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    proved: set[str] = field(default_factory=set)

    def add(self, relations: Relations) -> None:
        """Take one more posting's relations in."""
        self.topics.add(relations.topic)
        self.needed |= relations.needed
        self.proved |= relations.proved

    def include(self, relations: Relations) -> bool:
        """Whether a posting with these relations has to keep its order with one of the postings."""
        return (
            relations.topic in self.topics
            or not relations.needed.isdisjoint(self.proved)
            or not relations.proved.isdisjoint(self.needed)
        )


def independent(running: Iterable[Relations], waiting: Iterable[tuple[T, Relations]]) -> Iterator[T]:
    """Those that wait, in their order, for nothing that runs and nothing before them in the order."""
    earlier = RelatedPostings()
    for relations in running:
        earlier.add(relations)
    for item, relations in waiting:
        if not earlier.include(relations):
            yield item
        earlier.add(relations)
