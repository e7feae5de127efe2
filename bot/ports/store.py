# SPDX-License-Identifier: GPL-2.0-or-later
"""All that is remembered. Each method is one transaction; each raises bot.store.error.StoreError."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.mail.posting import Posting
from bot.mail.refusal import RefusalContext
from bot.ports.mails import Attestations, IngestResult, Mails
from bot.ports.outbox import BounceStore, Outbox
from bot.ports.postings import BackfillRequests, Postings


@dataclass(frozen=True, slots=True)
class KeptPosting:
    """A posting that is kept: `state` and `detail`, the `verdict` on it and its reason, the id of the mail it got.

    `base` names the kernel that it was judged against; "" where there was none, or no judgement.
    """

    posting: Posting
    context: RefusalContext
    state: str
    detail: str
    verdict: str
    reason: str
    searched: str
    answer: str
    base: str = ""


@dataclass(frozen=True, slots=True)
class QuarantinedPosting:
    """A posting that could not be judged, and why; `arrived` is when its last part came."""

    posting: Posting
    arrived: datetime
    reason: str


class Knowledge(Protocol):
    """What can be said of a mail on request."""

    def kept(self, message_id: str) -> Sequence[IngestResult]:
        """The mails that claim that message-id and could be read, the first one first."""

    def kept_postings(self, message_id: str) -> Sequence[KeptPosting]:
        """The postings that the mail is a part of."""

    def quarantined(self, limit: int) -> Sequence[IngestResult]:
        """Mails that could not be read, newest first."""

    def unjudged(self, limit: int) -> Sequence[QuarantinedPosting]:
        """Postings that could not be judged, newest first."""

    def release(self, mails: Sequence[int], postings: Sequence[str] = ()) -> int:
        """Have these unreadable mails read, and these postings judged again; how many there were."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is remembered: raw mails, those that could not be read, postings, and mails to send by their state."""

    raw: int
    unreadable: int
    postings: int
    mails: Mapping[str, int]


class Store(Mails, Postings, BackfillRequests, Attestations, Knowledge, Outbox, BounceStore, Protocol):
    """All that is remembered."""

    def tally(self) -> Tally:
        """How much that is."""
