# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mute changes: the stored postings that it is about, and the mails that it stops."""

from collections.abc import Mapping
from datetime import datetime

from bot.mail.address import Address
from bot.mail.state import MailState
from bot.ports.outbox import MailChange
from bot.review.disposition import ActiveMute
from rules.lazy import dataclass, field


@dataclass(frozen=True, slots=True)
class MutedPosting:
    """A stored posting that a mute is about."""

    message_id: str
    revision: int
    sent: datetime
    author: Address
    subject: str


@dataclass(frozen=True, slots=True)
class MuteReport:
    """What a mute changed, as one transaction saw it.

    `muted` is the mute that stands: the earlier one if `is_new` is False. `postings` are sorted by date. `withdrawn`
    are the mails that it stopped. `left` counts the mails that it cannot stop any more, by state: mails that are being
    sent, were sent, or are unconfirmed.
    """

    muted: ActiveMute
    is_new: bool
    postings: tuple[MutedPosting, ...] = ()
    withdrawn: tuple[MailChange, ...] = ()
    left: Mapping[MailState, int] = field(default_factory=dict)
