# SPDX-License-Identifier: GPL-2.0-or-later
"""Send mails from the outbox, at most once: the row is stored as "sending" before the first byte leaves."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Final

from bot.error import AdapterError, ReplacedError
from bot.log import Level, LogEvent, event
from bot.mail.copy import is_copy
from bot.mail.message import Message
from bot.mail.outgoing import Outgoing
from bot.mail.parse import parse
from bot.mail.state import MailState
from bot.outbox.brakes import MINUTE
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.permit import SendRules, permit
from bot.pool.guard import Crashed, guard
from bot.ports.installation import Attempt
from bot.ports.outbox import (
    AlreadySent,
    Candidate,
    Decision,
    Hold,
    Mailer,
    Outbox,
    Send,
    SendingRecord,
    SoleSender,
    Stop,
    Wait,
)
from bot.ports.running import Clock, Progress
from bot.review.consent import Mode
from bot.service.mail_log import mail_fields
from bot.service.unconfirmed import ResendPolicy, UnconfirmedMails
from rules.lazy import dataclass, field, replace

_MAILS: Final = 50
_MAX_WAIT: Final = timedelta(hours=1)


class NoRecord:
    """bot.ports.SendingRecord where no mail can leave."""

    def start(self) -> None:
        """Do nothing: there is no ledger to compare with."""

    def refresh(self) -> None:
        """Do nothing."""

    def problem(self) -> str:
        return ""

    def earlier(self, mail: Outgoing) -> Attempt | None:  # noqa: ARG002 the protocol's signature
        return None

    def begin(self, mail: Outgoing) -> None:
        """Do nothing: there is no ledger."""

    def end(self, message_id: str, state: str) -> None:
        """Do nothing: there is no ledger."""


class OneProcess:
    """bot.ports.SoleSender where the files beside the database prevent a second sender."""

    def take(self) -> bool:
        return False

    def check(self) -> None:
        """Do nothing: the locks of files last as long as the process."""


@dataclass(frozen=True, slots=True)
class SendingContext:
    """The rules for sending, and the limits for failed attempts.

    `rules` gives the settings as they are at that moment. After `max_attempts` a mail is refused, and after `expire` a
    mail without an approval expires; neither limits the files of a dry run. The `record` knows each mail that may have
    left, whatever happens to the database. The `role` makes sure that no other process sends.
    """

    stop: Stop
    rules: Callable[[], SendRules]
    resend: ResendPolicy = field(default_factory=ResendPolicy)
    expire: timedelta = timedelta(days=3)
    max_attempts: int = 24
    record: SendingRecord = field(default_factory=NoRecord)
    role: SoleSender = field(default_factory=OneProcess)


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The mails that were sent, in order, and a line for each failure."""

    mails: tuple[Outgoing, ...] = field(default=())
    problems: tuple[str, ...] = field(default=())


class DeliverJob:
    """Send the mails that are due, each by the transport of its mode. Checks between two mails whether to stop."""

    def __init__(
        self,
        store: Outbox,
        mailers: Mapping[str, Mailer],
        sending: SendingContext,
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
        self._open: set[str] = set()  # Claimed mails without a stored outcome: the database could not be written.

    def recover(self) -> None:
        """Settle attempts that a killed process left. Only the sole worker may call this, before it sends anything."""
        self._unconfirmed.recover()

    def run(self) -> DeliveryResult:
        """Send what is due now. A mail that failed or is held back becomes due again later."""
        if self._sending.role.take():
            self._unconfirmed.recover()  # Another process may have sent meanwhile, and left an attempt.
        self._sending.record.refresh()
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
                self._sending.role.check()
                if (claimed := self._claim(mail)) is not None:
                    try:
                        self._deliver(claimed)
                        done.append(claimed)
                    except OutboxError as error:
                        problems.append(str(error))
                        self._failed(claimed, error)
                    self._open.discard(claimed.message_id)
                self._progress.advance()
            due = self._store.due_for_delivery(self._clock.now(), _MAILS)
        return DeliveryResult(tuple(done), tuple(problems))

    def _deliver(self, claimed: Outgoing) -> None:
        """Hand a claimed mail to its transport. Raises OutboxError."""
        mailer = self._mailers[claimed.mode]
        self._sending.role.check()  # The claim may have waited for long.
        self._note(claimed)
        self._open.add(claimed.message_id)
        where = mailer.deliver(claimed)
        if claimed.mode != Mode.DRY_RUN:
            self._sending.record.end(claimed.message_id, "sent")
        self._store.settle(claimed.message_id, mailer.done, self._clock.now(), destination=where)

    def _note(self, claimed: Outgoing) -> None:
        """Record the mail before its first byte may leave. If that fails, the mail is not sent."""
        if claimed.mode == Mode.DRY_RUN:
            return
        try:
            self._sending.record.begin(claimed)
        except ReplacedError:
            raise
        except AdapterError as error:
            raise OutboxError(str(error)) from error

    def _claim(self, mail: Outgoing) -> Outgoing | None:
        """Claim the mail if the permit allows it now. Return None if it must not be sent now."""
        now, stop = self._clock.now(), self._sending.stop
        is_archived = self._store.archived(mail.message_id) and self._has_copy(mail)
        record = self._sending.record
        stopped = stop.reason() or record.problem()
        rules = replace(self._sending.rules(), stopped=stopped, transports=frozenset(self._mailers))
        earlier = None if stopped or is_archived or mail.mode == Mode.DRY_RUN else record.earlier(mail)

        def decide(candidate: Candidate) -> Decision:
            if earlier is not None:
                return _left_before(mail, earlier)
            decision = guard(
                f"permit of mail {mail.message_id}", partial(permit, candidate, rules, now, is_archived=is_archived)
            )
            return Hold(f"it cannot be decided: {decision.reason}") if isinstance(decision, Crashed) else decision

        claim = self._store.claim(mail.message_id, now, stop.lifted(), decide)
        if claim is None:  # Another worker claimed it, or a person withdrew it.
            return None
        match claim.decision:
            case Send() if earlier is not None:
                reason = "it may have left before, says the ledger"
                self._store.settle(mail.message_id, MailState.UNCONFIRMED, now, reason=reason)
            case Send():
                return claim.mail
            case Wait(reason, _, halts=True):
                self._halt(reason)
            case Wait(reason, until):
                # The stop is logged by itself; a mail that keeps waiting is not logged.
                is_news = not stopped and reason != claim.mail.reason
                level: Level = "info" if is_news else "debug"
                event(LogEvent.MAIL_WAITING, level, **mail_fields(mail), reason=reason, until=until)
        return None

    def _has_copy(self, mail: Outgoing) -> bool:
        """Return whether an archive has this very mail, not a foreign mail with its message-id."""
        for status in self._store.mails_with_id(mail.message_id):
            message = guard(f"mail {status.mail.origin}", partial(parse, status.mail.raw))
            if isinstance(message, Message) and is_copy(message, mail.content):
                return True
        return False

    def _halt(self, trouble: str) -> None:
        self._sending.stop.stop(trouble)
        event(LogEvent.SENDING_STOPPED, "error", by="service", reason=trouble)

    def _failed(self, mail: Outgoing, error: OutboxError) -> None:
        """Set the state of a claimed mail after an attempt that failed."""
        was_noted = mail.mode != Mode.DRY_RUN and mail.message_id in self._open
        if was_noted and not isinstance(error, DeliveryUnconfirmedError):
            self._sending.record.end(mail.message_id, "failed")
        now, attempts = self._clock.now(), mail.attempts + 1
        state, reason, due = mail.state, str(error), None
        if isinstance(error, DeliveryUnconfirmedError):
            state = MailState.UNCONFIRMED
        elif isinstance(error, UnfitError):
            state = MailState.HELD
        elif isinstance(error, RefusedError):
            state = MailState.REFUSED
        elif mail.mode != Mode.DRY_RUN and attempts >= self._sending.max_attempts:
            state, reason = MailState.REFUSED, f"{error}; gave up after {attempts} attempts"
        else:
            due = now + min(MINUTE * 2**mail.attempts, _MAX_WAIT)
        self._store.settle(mail.message_id, state, now, reason=reason, due=due)


def _left_before(mail: Outgoing, earlier: Attempt) -> Decision:
    """Decide about a mail whose earlier attempt only the ledger knows. Send() means that it may be claimed."""
    if earlier.message_id != mail.message_id:
        return Hold(f"{earlier.message_id} about the same patches may have left")
    return AlreadySent("sent before, says the ledger") if earlier.state == "sent" else Send()
