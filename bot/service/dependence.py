# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide which postings may be reviewed in parallel: those that cannot affect each other's review.

The review of a posting depends on the review of an earlier revision, and on the images that earlier series verified. So
two postings of one topic keep their order, and so do a posting and one that replies or links to it, because a later
revision may have another topic. So do a posting that makes an image and one that builds on it, whichever is first: the
review of the earlier posting must not know images of the later one.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from bot.mail.posting import Posting
from bot.mail.revision_links import revision_links
from rules.lazy import dataclass, field

T = TypeVar("T")

_DIGITS: Final = 7
"""Number of compared digits: blob ids are abbreviated. A false match only keeps two postings in order."""


@dataclass(frozen=True, slots=True)
class Relations:
    """What relates a posting to others: its topic, what it builds on, and what others may build on.

    Both are images and mails. An image is named by the first digits of its blob id, or without a usable id by its path,
    as `path:NAME`. A mail is named by its message-id, as `mail:ID`.
    """

    topic: str
    needed: frozenset[str]
    provided: frozenset[str]

    @classmethod
    def of(cls, posting: Posting) -> "Relations":
        """Return the relations of a posting."""
        links = [link.message_id for link in revision_links(posting)]
        needed = {f"mail:{message_id}" for message_id in (*posting.parts[0].references, *links)}
        provided = {f"mail:{part.message_id}" for part in posting.parts}
        for change in (change for patch in posting.series.patches for change in patch.changes):
            if change.before is not None:
                needed |= {(change.blob_before or "")[:_DIGITS], f"path:{change.before}"}
            if change.after is not None:
                blob = change.blob_after or ""
                provided.add(blob[:_DIGITS] if len(blob) >= _DIGITS else f"path:{change.after}")
        return cls(posting.topic, frozenset(needed), frozenset(provided))


@dataclass(slots=True)
class RelatedPostings:
    """The relations of several postings together."""

    topics: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    provided: set[str] = field(default_factory=set)

    def add(self, relations: Relations) -> None:
        """Add the relations of one more posting."""
        self.topics.add(relations.topic)
        self.needed |= relations.needed
        self.provided |= relations.provided

    def include(self, relations: Relations) -> bool:
        """Return whether a posting with these relations must keep its order relative to one of these postings."""
        return (
            relations.topic in self.topics
            or not relations.needed.isdisjoint(self.provided)
            or not relations.provided.isdisjoint(self.needed)
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
