# SPDX-License-Identifier: GPL-2.0-or-later
"""All that is remembered. Each method is one transaction; each raises bot.store.error.StoreError."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.mail.posting import Posting
from bot.mail.refusal import RefusalContext


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


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is remembered: raw mails, those that could not be read, postings, and mails to send by their state."""

    raw: int
    unreadable: int
    postings: int
    mails: Mapping[str, int]
