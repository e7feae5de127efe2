# SPDX-License-Identifier: GPL-2.0-or-later
"""What the jobs need of the world, as protocols; wiring fills them, tests fake them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.mail.posting import Posting
from bot.review.comment import Review


@dataclass(frozen=True, slots=True)
class RawMail:
    """One mail as it came. `origin` says where it stands (`0.git@commit`, file path), `arrived` when the archive got it (UTC)."""

    origin: str
    arrived: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Deleted:
    """A mail the archive's keeper removed; `origin` names the commit that says so."""

    origin: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What came in one step: mails in the archive's order, and the cursor that stands behind the last of them."""

    source: str
    epoch: str
    cursor: str
    mails: tuple[RawMail, ...]
    deleted: tuple[Deleted, ...] = ()


class Archive(Protocol):
    """A source of mail that remembers nothing: the cursors come from the store and go back to it with the mails.

    Raises bot.inbox.error.InboxError, naming the path, where the source cannot be read.
    """

    name: str

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """What is new behind the cursors (epoch → commit id or position), oldest first."""

    def count(self, cursors: dict[str, str]) -> int:
        """How many mails `batches` would give, for a progress bar."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frozen mail in the outbox: `content` are the very bytes to be sent."""

    message_id: str
    posting_id: str
    kind: str
    envelope_from: str
    envelope_to: tuple[str, ...]
    content: bytes
    state: str = "queued"
    reason: str = ""


class Mailer(Protocol):
    """Takes a frozen mail away. Raises bot.outbox.error.OutboxError."""

    def deliver(self, mail: Outgoing) -> str:
        """Deliver the mail and say where it went (a path, or the server's answer)."""


class Store(Protocol):
    """What is remembered. Each method is one transaction; raises bot.store.error.StoreError."""

    def cursors(self, source: str) -> dict[str, str]:
        """Epoch → cursor of what was ingested from that source."""

    def ingest(self, batch: Batch) -> int:
        """Keep the raw mails and the cursor together; how many mails were new."""

    def unthreaded(self, limit: int) -> Sequence[tuple[int, RawMail]]:
        """Mails ingested and not yet parsed, oldest first, with their row ids."""

    def save_postings(self, postings: Sequence[Posting]) -> None:
        """Keep postings, replacing what was known of them."""

    def due_for_review(self, limit: int) -> Sequence[Posting]:
        """Complete postings without a review, oldest first."""

    def previous_review(self, posting: Posting) -> Review | None:
        """The newest stored review of an earlier revision of the same topic."""

    def save_review(self, review: Review, outgoing: Outgoing | None) -> None:
        """Keep the review and its mail together; a posting that already has a mail of that kind gets no second one."""

    def due_for_delivery(self, limit: int) -> Sequence[Outgoing]:
        """Mails in state "queued", oldest first."""

    def mark_delivered(self, message_id: str, where: str) -> None:
        """Set state "sent" (or "filed" for a dry run), and remember where."""
