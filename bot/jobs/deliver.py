# SPDX-License-Identifier: GPL-2.0-or-later
"""From the outbox out, at most once: the row says "sending", durably, before the first byte leaves."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Final

from bot.jobs.isolation import isolated
from bot.jobs.unconfirmed import ResendPolicy, UnconfirmedMails
from bot.mail.copy import is_copy
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.outbox.brakes import Brake, Caps, StopFile, broken, capped, quiet
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.ports import Clock, Mailer, MailState, Outbox, Outgoing, Progress
from bot.review.consent import Consent, Mode

_MAILS: Final = 50
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """What holds back mails that are to leave the house; files of a dry run nothing holds back."""

    stop: StopFile
    consent: Callable[[Sequence[str]], Consent]
    caps: Caps = field(default_factory=Caps)
    resend: ResendPolicy = field(default_factory=ResendPolicy)
    expire: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The mails that were taken away, in order, and a line for each that was not."""

    mails: tuple[Outgoing, ...] = field(default=())
    problems: tuple[str, ...] = field(default=())


class Delivering:
    """Delivers whatever is due, each mail by the transport of its mode; between two it looks whether it is to stop."""

    def __init__(
        self,
        store: Outbox,
        mailers: Mapping[str, Mailer],
        sending: Sending,
        clock: Clock,
        stop: Event,
        progress: Progress,
    ) -> None:
        self._store = store
        self._mailers = mailers
        self._sending = sending
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._unconfirmed = UnconfirmedMails(store, mailers, clock, sending.resend)
        self._open: set[str] = set()  # claimed, and not settled: the database could not be written

    def recover(self) -> None:
        """Judge the attempts that a killed process left; only for the sole worker, before anything is delivered."""
        self._unconfirmed.recover()

    def run(self) -> Delivered:
        """Deliver what is due now; what could not be taken away, or is held back, becomes due again later."""
        if self._open:
            self._unconfirmed.recover(self._open)
            self._open.clear()
        self._unconfirmed.settle()
        self._store.expire(self._clock.now() - self._sending.expire, self._clock.now())
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
                self._open.discard(mail.message_id)
                self._progress.advance()
            due = self._store.due_for_delivery(self._clock.now(), _MAILS)
        return Delivered(tuple(done), tuple(problems))

    def _deliver(self, mail: Outgoing) -> tuple[Outgoing, ...]:
        now = self._clock.now()
        if mail.mode != Mode.DRY_RUN and self._store.archived(mail.message_id) and self._has_copy(mail):
            reason = "found in the archive" if mail.attempts else "an archive has it, but it was not sent from here"
            self._store.settle(mail.message_id, MailState.SENT, now, reason=reason)
            return ()
        mailer = self._mailers.get(mail.mode)
        brake = self._brake(mail, now) if mailer else Brake(f"no transport is set for mode {mail.mode}", None)
        if mailer is None or brake is not None:
            assert brake is not None
            state = mail.state if brake.until else MailState.HELD
            self._store.settle(mail.message_id, state, now, reason=brake.reason, due=brake.until)
            return ()
        if not self._store.claim(mail.message_id, now):
            return ()
        self._open.add(mail.message_id)
        where = mailer.deliver(mail)
        self._store.settle(mail.message_id, mailer.done, self._clock.now(), destination=where)
        return (mail,)

    def _has_copy(self, mail: Outgoing) -> bool:
        """Return whether an archive has the mail itself, not only a mail of somebody else under its message-id."""
        for kept in self._store.kept(mail.message_id):
            message = isolated(f"mail {kept.mail.origin}", partial(parse, kept.mail.raw))
            if isinstance(message, Message) and is_copy(message, mail.content):
                return True
        log.warning("%s: an archive has a mail of somebody else with this message-id", mail.message_id)
        return False

    def _brake(self, mail: Outgoing, now: datetime) -> Brake | None:
        if mail.mode == Mode.DRY_RUN:
            return None
        sending = self._sending
        pace = self._store.pace(mail, now, sending.stop.lifted())
        if not sending.stop.reason() and (trouble := broken(pace)):
            log.error("%s: all sending stops", trouble)
            sending.stop.stop(trouble)
        if reason := sending.stop.reason():
            return Brake(reason, now + _FIRST_WAIT)
        consent = sending.consent(mail.lists)
        caps = sending.caps if consent.list_day is None else replace(sending.caps, list_day=consent.list_day)
        if mail.state is MailState.APPROVED:  # whoever approves a mail knows of those before it
            caps = replace(caps, series=sys.maxsize)
        hours = (quiet(each, now) for each in consent.quiet)
        return next((brake for brake in (capped(pace, caps, now), *hours) if brake is not None), None)

    def _failed(self, mail: Outgoing, error: OutboxError) -> None:
        now = self._clock.now()
        if isinstance(error, DeliveryUnconfirmedError):
            self._store.settle(mail.message_id, MailState.UNCONFIRMED, now, reason=str(error))
        elif isinstance(error, UnfitError):
            self._store.settle(mail.message_id, MailState.HELD, now, reason=str(error))
        elif isinstance(error, RefusedError):
            self._store.settle(mail.message_id, MailState.REFUSED, now, reason=str(error))
        else:
            wait = min(_FIRST_WAIT * 2**mail.attempts, _LONGEST_WAIT)
            self._store.settle(mail.message_id, mail.state, now, reason=str(error), due=now + wait)
