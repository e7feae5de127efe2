# SPDX-License-Identifier: GPL-2.0-or-later
"""Settle unconfirmed deliveries: an archive confirms the mail, or it is sent once more, or a person decides."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.ports.outbox import Mailer, Outbox
from bot.ports.running import Clock
from bot.review.consent import Mode
from rules.lazy import dataclass

MAX_ATTEMPTS: Final = 2
"""The number of attempts after which only a person may send the mail again."""
_IN_ARCHIVES: Final = (Mode.LIST.value, Mode.MODERATE.value)
_UNCONFIRMED: Final = (MailState.UNCONFIRMED,)


@dataclass(frozen=True, slots=True)
class ResendPolicy:
    """How long an archive may take to show a mail, and whether a mail that it does not show is sent once more."""

    grace: timedelta = timedelta(hours=6)
    resend: bool = False


class UnconfirmedMails:
    """Settle unconfirmed mails with the help of the archives."""

    def __init__(self, store: Outbox, mailers: Mapping[str, Mailer], clock: Clock, policy: ResendPolicy) -> None:
        self._store = store
        self._mailers = mailers
        self._clock = clock
        self._policy = policy

    def recover(self, among: Collection[str] | None = None) -> None:
        """Settle the attempts that a killed process left, or only the given ones.

        An attempt is repeated if that is harmless; otherwise its delivery becomes unconfirmed. Only the sole worker may
        settle all attempts, before it sends anything.
        """
        for mail in self._store.mails(MailState.SENDING):
            if among is not None and mail.message_id not in among:
                continue
            mailer = self._mailers.get(mail.mode)
            state = MailState.QUEUED if mailer is not None and mailer.repeatable else MailState.UNCONFIRMED
            self._store.settle(mail.message_id, state, self._clock.now(), reason="the attempt was interrupted")

    def settle(self) -> None:
        """Look for each unconfirmed mail in the archives. After the grace period it is sent once more, or it waits."""
        now = self._clock.now()
        for mail in self._store.mails(MailState.UNCONFIRMED):
            if self._store.archived(mail.message_id):
                self._store.decide(mail.message_id, _UNCONFIRMED, MailState.SENT, now, "found in the archive")
            elif self._may_resend(mail, now):
                # It is queued again, not approved: the settings of the next claim decide about it like about any other.
                self._store.decide(mail.message_id, _UNCONFIRMED, MailState.QUEUED, now, "not in the archive")

    def _may_resend(self, mail: Outgoing, now: datetime) -> bool:
        """Return whether the archive had its time, should show such mails, and there was no second attempt."""
        waited = mail.changed is not None and now - mail.changed >= self._policy.grace
        return self._policy.resend and waited and mail.mode in _IN_ARCHIVES and mail.attempts < MAX_ATTEMPTS
