# SPDX-License-Identifier: GPL-2.0-or-later
"""The pending postings: what they change, use and add, and which of them collide."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from bot.review.pending import PendingPosting
from rules.bindings.pending_facts import PendingKind
from rules.lazy import dataclass

MAX_CANDIDATES: Final = 100
"""Maximum number of pending postings that one posting is compared with."""


@dataclass(frozen=True, slots=True)
class FoundCollision:
    """A pending posting that a reviewed posting collides with, and the first fact at which it does."""

    other: PendingPosting
    kind: PendingKind
    name: str


@dataclass(frozen=True, slots=True)
class PendingUpdate:
    """What a review adds to the pending postings. Postings that were sent before `oldest` are not pending any more."""

    posting: PendingPosting
    oldest: datetime
    collisions: tuple[FoundCollision, ...] = ()


class PendingStore(Protocol):
    """A table of the pending postings, derived from the postings."""

    def pending_postings(self) -> Sequence[PendingPosting]:
        """Return all pending postings, oldest first."""

    def find_pending(self, message_id: str) -> PendingPosting | None:
        """Return the pending posting that contains this mail."""

    def pending_with(self, keys: Iterable[tuple[PendingKind, str]]) -> Sequence[PendingPosting]:
        """Return the pending postings that have any of these facts, newest first, up to a limit."""

    def topics_of(self, message_ids: Collection[str]) -> frozenset[str]:
        """Return the topics of the postings in the threads of these mails."""

    def forget_pending(self, message_ids: Collection[str]) -> int:
        """Remove postings from the table, for example because they are applied. Return how many were in it."""

    def rebuild_pending(self, postings: Iterable[PendingPosting]) -> None:
        """Replace the whole table in one transaction."""
