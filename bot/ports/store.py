# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of the store. Each method of the store is one transaction and raises bot.store.error.StoreError."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from rules.lazy import dataclass

if TYPE_CHECKING:
    from bot.mail.posting import Posting
    from bot.mail.refusal import RefusalContext
    from bot.ports.landing import AppliedRecord
    from bot.review.model import Review


@dataclass(frozen=True, slots=True)
class StoredPosting:
    """A stored posting, with its state, its verdict, and the message-id of our reply (`answer`).

    `review` is None until it was reviewed. `applied` are its patches that a landing ref has.
    """

    posting: "Posting"
    context: "RefusalContext"
    state: str
    detail: str
    verdict: str
    reason: str
    searched: str
    answer: str
    review: "Review | None" = None
    applied: "tuple[AppliedRecord, ...]" = ()


@dataclass(frozen=True, slots=True)
class QuarantinedPosting:
    """A posting that could not be checked, with the reason. `arrived` is when its last part arrived."""

    posting: "Posting"
    arrived: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of stored raw mails, unreadable mails, postings, and mails in the outbox by state."""

    raw: int
    unreadable: int
    postings: int
    mails: Mapping[str, int]
