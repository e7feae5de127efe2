# SPDX-License-Identifier: GPL-2.0-or-later
"""From the outbox out, at most once: the row says "sending", durably, before the first byte leaves."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Final

from bot.outbox.error import DoubtError, OutboxError, RefusedError
from bot.ports import Clock, Mailer, Outbox, Outgoing, Progress

_MAILS: Final = 50
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The mails that were taken away, in order, and a line for each that was not."""

    mails: tuple[Outgoing, ...]
    problems: tuple[str, ...] = ()


class Delivering:
    """Delivers whatever is due, each mail by the transport of its mode; between two it looks whether it is to stop."""

    def __init__(
        self, store: Outbox, mailers: Mapping[str, Mailer], clock: Clock, stop: Event, progress: Progress
    ) -> None:
        self._store = store
        self._mailers = mailers
        self._clock = clock
        self._stop = stop
        self._progress = progress

    def recover(self) -> None:
        """Judge the attempts that a killed process left: made again where that is harmless, else in doubt.

        Only the sole worker may ask for this, before it delivers anything.
        """
        for mail in self._store.mails("sending"):
            mailer = self._mailers.get(mail.mode)
            state = "queued" if mailer is not None and mailer.repeatable else "doubtful"
            self._store.settle(mail.message_id, state, self._clock.now(), reason="the attempt was interrupted")

    def run(self) -> Delivered:
        """Deliver what is due now; what could not be taken away becomes due again later."""
        due = self._store.due_for_delivery(self._clock.now(), _MAILS)
        if due:
            self._progress.start("delivering", len(due))
        done: list[Outgoing] = []
        problems: list[str] = []
        while due and not self._stop.is_set():
            for mail in due:
                if self._stop.is_set():
                    break
                try:
                    done += self._deliver(mail)
                except OutboxError as error:
                    log.warning("%s", error)
                    problems.append(str(error))
                    self._failed(mail, error)
                self._progress.advance()
            due = self._store.due_for_delivery(self._clock.now(), _MAILS)
        return Delivered(tuple(done), tuple(problems))

    def _deliver(self, mail: Outgoing) -> tuple[Outgoing, ...]:
        mailer = self._mailers.get(mail.mode)
        if mailer is None:
            reason = f"the settings name no transport for mode {mail.mode}"
            self._store.settle(mail.message_id, "held", self._clock.now(), reason=reason)
            return ()
        if not self._store.claim(mail.message_id, self._clock.now()):
            return ()
        where = mailer.deliver(mail)
        self._store.settle(mail.message_id, mailer.done, self._clock.now(), destination=where)
        return (mail,)

    def _failed(self, mail: Outgoing, error: OutboxError) -> None:
        now = self._clock.now()
        if isinstance(error, DoubtError):
            self._store.settle(mail.message_id, "doubtful", now, reason=str(error))
        elif isinstance(error, RefusedError):
            self._store.settle(mail.message_id, "refused", now, reason=str(error))
        else:
            wait = min(_FIRST_WAIT * 2**mail.attempts, _LONGEST_WAIT)
            self._store.settle(mail.message_id, mail.state, now, reason=str(error), due=now + wait)
