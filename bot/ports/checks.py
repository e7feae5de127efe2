# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks of patches that are posted to Patchwork."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.review.model import Review
from bot.review.patch_check import PatchCheck
from rules.lazy import dataclass


class CheckStatus(StrEnum):
    """What became of a check. A new verdict about the same patch queues it again."""

    QUEUED = "queued"
    POSTED = "posted"
    REFUSED = "refused"
    """Patchwork refused it permanently, or all attempts failed."""
    WITHDRAWN = "withdrawn"
    """The settings, a mute or a newer revision no longer allow it."""


@dataclass(frozen=True, slots=True)
class ReviewedPosting:
    """A stored review, when it was stored, and when the last part of its posting arrived."""

    review: Review
    reviewed: datetime
    arrived: datetime


@dataclass(frozen=True, slots=True)
class QueuedCheck:
    """A check that is due, and how often it was tried. `project` is that of the patch in Patchwork."""

    check: PatchCheck
    project: str
    posting_id: str
    attempts: int


class CheckStore(Protocol):
    """The checks in the store."""

    def reviews_after(self, reviewed: datetime, posting_id: str, limit: int) -> Sequence[ReviewedPosting]:
        """Return the reviews after that time and, of the same time, that message-id, oldest first."""

    def queue_checks(self, posting_id: str, project: str, checks: Sequence[PatchCheck], now: datetime) -> int:
        """Queue the checks that differ from what was queued or posted last. Return their number."""

    def due_checks(self, now: datetime, limit: int) -> Sequence[QueuedCheck]:
        """Return queued checks that are due, oldest first."""

    def settle_check(
        self, check: QueuedCheck, status: CheckStatus, now: datetime, *, reason: str = "", due: datetime | None = None
    ) -> None:
        """Set the status of a check after a decision. With `due` it is queued until then; an attempt failed."""

    def postpone_check(self, check: QueuedCheck, due: datetime) -> None:
        """Let a check wait, without an attempt."""

    def count_posted_checks(self, since: datetime) -> int:
        """Return how many checks were posted since then."""


class CheckServer(Protocol):
    """A Patchwork server. Raises bot.outbox.error.OutboxError, and RefusedError for what it refuses permanently."""

    def find_patch(self, message_id: str, project: str) -> int | None:
        """Return the id of a patch, None if the server does not know it."""

    def has_check(self, patch: int, check: PatchCheck) -> bool:
        """Return whether the newest check of ours says the same."""

    def post(self, patch: int, check: PatchCheck) -> None:
        """Post a check."""
