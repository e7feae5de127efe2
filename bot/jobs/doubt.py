# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails of which nobody knows whether they left: looked for in the archive, then sent once more or left to a human."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Clock, Mailer, Outbox, Outgoing
from bot.review.consent import Mode

MOST_ATTEMPTS: Final = 2
_IN_ARCHIVES: Final = (Mode.LIST.value, Mode.MODERATE.value)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an archive may take to show a mail, and whether one that it does not show is sent once more."""

    grace: timedelta = timedelta(hours=6)
    resend: bool = False


class Doubts:
    """Settles doubtful mails as far as the archive settles them."""

    def __init__(self, store: Outbox, mailers: Mapping[str, Mailer], clock: Clock, patience: Patience) -> None:
        self._store = store
        self._mailers = mailers
        self._clock = clock
        self._patience = patience

    def recover(self, among: Collection[str] | None = None) -> None:
        """Judge the attempts that a killed process left, or only those: made again if that is harmless, else in doubt.

        Only the sole worker may ask for all, before it delivers anything.
        """
        for mail in self._store.mails("sending"):
            if among is not None and mail.message_id not in among:
                continue
            mailer = self._mailers.get(mail.mode)
            state = "queued" if mailer is not None and mailer.repeatable else "doubtful"
            self._store.settle(mail.message_id, state, self._clock.now(), reason="the attempt was interrupted")

    def settle(self) -> None:
        """Look for each doubtful mail; after the grace period the same bytes go once more, or it waits for a human."""
        now = self._clock.now()
        for mail in self._store.mails("doubtful"):
            if self._store.archived(mail.message_id):
                self._store.settle(mail.message_id, "sent", now, reason="found in the archive")
            elif self._again(mail, now):
                self._store.settle(mail.message_id, "approved", now, reason="not in the archive", due=now)

    def _again(self, mail: Outgoing, now: datetime) -> bool:
        """Whether the archive had its time, should show such mails, and there was no second attempt."""
        waited = mail.changed is not None and now - mail.changed >= self._patience.grace
        return self._patience.resend and waited and mail.mode in _IN_ARCHIVES and mail.attempts < MOST_ATTEMPTS
