# SPDX-License-Identifier: GPL-2.0-or-later
"""Execute commands that arrive by mail, each once, if its sender is verified; only the sender gets a reply."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Final, Protocol

from bot.inbox.error import InboxError
from bot.log import Level, LogEvent, event
from bot.mail.attestation import Attestation
from bot.mail.authority import (
    Parties,
    ProvenSender,
    Unproven,
    is_for_us,
    maintained_lists,
    may,
    names_series,
    parties_roles,
    plausible_sender,
    proven_sender,
    token_names_series,
)
from bot.mail.command import Command
from bot.mail.command_reader import Ambiguous, commands, one_time_token
from bot.mail.compose import ComposeRefused
from bot.mail.message import Message
from bot.mail.one_time_token import OneTimeToken
from bot.mail.outgoing import COMMAND_REPLY, Outgoing
from bot.mail.parse import parse
from bot.mail.posting import Posting
from bot.pipeline.context import ReviewContext
from bot.pipeline.freeze import freeze, posting_terms
from bot.pool.guard import Crashed, Executor, InlineExecutor, StoppedError, guard
from bot.ports.mails import CommandUsage, StoredMail
from bot.ports.postings import DuePosting
from bot.ports.running import Clock
from bot.review.command_reply import command_reply
from bot.review.consent import Mode
from bot.review.disposition import ActiveMute, Disposition
from bot.review.record import ReviewRecord
from bot.service.command_effects import CommandContext, respond
from bot.service.recheck import RecheckResult
from bot.service.signatures import TIME, KeysUnavailable, verify
from rules.lazy import dataclass

PROCESSED_BEFORE: Final = "processed before"
OWN_MAIL: Final = "our own mail"
NO_COMMAND: Final = "no command"
_MAILS: Final = 500
_MAX_IDS: Final = 10
_DAY: Final = timedelta(days=1)
_MAX_UNVERIFIED_DELAY: Final = timedelta(hours=1)
"""How long a mail waits for the keys of its signatures. The mails after it do not wait."""


class CommandStore(Protocol):
    """The part of the store that commands need."""

    def unchecked_for_commands(self, limit: int) -> Sequence[StoredMail]:
        """Return mails that were not yet checked for commands, in the order they were stored."""

    def mark_checked(self, mail: int) -> None:
        """Mark all mails up to this row as checked for commands."""

    def is_command_processed(self, *keys: str) -> bool:
        """Return whether a mail with one of these keys was processed before."""

    def save_commands(
        self,
        keys: Sequence[str],
        sender: str,
        outcome: str,
        changes: Collection[Disposition | ActiveMute],
        answer: Outgoing | None,
        now: datetime,
    ) -> bool:
        """Store the mail, its changes and our reply together. Return False if one of its keys was used before."""

    def command_usage(self, since: datetime, sender: str | None = None) -> CommandUsage:
        """Count the replies to a sender, or to all, since then, and the mails that made us re-check."""

    def find(self, message_id: str) -> DuePosting | None:
        """Return the posting that has this mail, or that we sent this mail about."""

    def review_of(self, posting_id: str) -> ReviewRecord | None:
        """Return the stored review of a posting."""


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """The people whose commands are executed, and the limits for replies and re-checks.

    `context` has our identity and the secret of the addresses that accept commands. `parties` returns the people who
    may give commands about a posting, `attest` the results for the signatures of a mail. Per day, a person gets at most
    `max_per_person` replies and as many re-checks, and all people together `max_per_day` of each. Other commands have
    no limit.
    """

    context: ReviewContext
    parties: Callable[[Posting], Parties]
    attest: Callable[[bytes], tuple[Attestation, ...]]
    recheck: Callable[[Posting], RecheckResult | Crashed]
    max_per_person: int = 10
    max_per_day: int = 100


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A mail to us and its outcome, for the log."""

    message_id: str
    sender: str
    outcome: str
    obeyed: bool


class CommandJob:
    """Process the mails to us since the last run. Checks between two mails whether to stop."""

    def __init__(
        self, store: CommandStore, policy: CommandPolicy, clock: Clock, stop: Event, executor: Executor | None = None
    ) -> None:
        self._store = store
        self._policy = policy
        self._own = policy.context.identity.sender.address
        self._clock = clock
        self._stop = stop
        self._executor = executor or InlineExecutor()
        self._processed: set[int] = set()  # rows after a mail that waits for keys
        self._delays: dict[int, set[str]] = {}  # the logged reasons by the rows of mails that wait
        self._unavailable: set[str] = set()  # domains whose keys could not be fetched in this run

    def run(self) -> tuple[CommandResult, ...]:
        """Return the mails to us, in order, with the outcome of each."""
        results: list[CommandResult] = []
        self._unavailable.clear()
        is_waiting = False
        while not (is_waiting or self._stop.is_set()) and (mails := self._store.unchecked_for_commands(_MAILS)):
            for mail in mails:
                if self._stop.is_set():
                    break
                try:
                    result = None if mail.id in self._processed else self._attempt(mail)
                except StoppedError:
                    return tuple(results)
                except InboxError:
                    is_waiting = True
                    continue
                self._delays.pop(mail.id, None)
                if is_waiting:
                    self._processed.add(mail.id)
                else:
                    self._store.mark_checked(mail.id)
                    self._processed.discard(mail.id)
                if result is not None:
                    if not result.obeyed:
                        _log_refused(result)
                    results.append(result)
        return tuple(results)

    def _attempt(self, mail: StoredMail) -> CommandResult | None:
        """Handle a mail as `_handle` does. Raises InboxError if it has to wait, because keys cannot be fetched now."""
        try:
            return self._handle(mail)
        except InboxError as error:
            if self._clock.now() - mail.mail.arrived < _MAX_UNVERIFIED_DELAY:
                self._log_delay(mail, str(error))
                raise
            return CommandResult(mail.mail.origin, "", str(error), obeyed=False)

    def _log_delay(self, mail: StoredMail, reason: str) -> None:
        """Log why a mail waits, each reason once: the mail is tried again in each run."""
        reasons = self._delays.setdefault(mail.id, set())
        level: Level = "debug" if reason in reasons else "warning"
        reasons.add(reason)
        event(LogEvent.COMMAND_DELAYED, level, mail=mail.mail.origin, reason=reason)

    def _handle(self, stored: StoredMail) -> CommandResult | None:
        """Handle a mail; None if it is not to us."""
        if not _may_be_for_us(stored.mail.raw, self._own):
            return None
        (read,) = self._executor.map(partial(read_commands, self._own), [stored])
        if isinstance(read, Crashed):
            return CommandResult(stored.mail.origin, "", f"cannot be read: {read.reason}", obeyed=False)
        if read is None:
            return None
        message = read.message
        claimed = message.author.key if message.author else ""
        asked = guard(f"commands of {message.message_id}", lambda: self._asked(read))
        if isinstance(asked, Crashed):
            asked = asked.reason
        if isinstance(asked, str):
            return CommandResult(message.message_id, claimed, asked, obeyed=False)
        return self._obey(stored, message, *asked)

    def _asked(self, read: "CommandMail") -> tuple[Posting, tuple[Command, ...]] | str:
        """Return the commands and their posting, or why there are none. No check here needs a verified signature.

        Signatures, which need DNS queries, are verified only for a recent mail with the token of the series, from the
        address of a person with a role.
        """
        now, message, asked, token = self._clock.now(), read.message, read.asked, read.token
        if isinstance(sender := plausible_sender(message, now), Unproven):
            return sender.reason
        if self._store.is_command_processed(message.message_id, *([token.key(sender)] if token else [])):
            return PROCESSED_BEFORE
        if sender.key == self._own.lower():
            return OWN_MAIL
        if reason := self._policy.context.recipients().book.objection(sender):
            return reason
        posting = self._about(message)
        if posting is None:
            return "not about a series of ours, or without its token"
        if isinstance(asked, Ambiguous):
            return asked.reason
        if not asked:
            return NO_COMMAND
        if token and not token.is_current(now):
            return "its one-time token is expired"
        if token and not token_names_series(token, self._policy.context.secret, posting.topic):
            return "its one-time token is of another series"
        roles = parties_roles(sender, self._policy.parties(posting))
        if not all(may(roles, command) for command in asked):
            return f"not authorised: {', '.join(sorted(roles)) or 'a stranger'}"
        return posting, asked

    def _obey(
        self, stored: StoredMail, message: Message, posting: Posting, asked: tuple[Command, ...]
    ) -> CommandResult:
        now = self._clock.now()
        domain = message.author.key.partition("@")[2] if message.author else ""
        if domain in self._unavailable:
            raise InboxError(f"the keys of {domain} are not available")
        (attested,) = self._executor.map(partial(verify, self._policy.attest), [stored], TIME)
        if isinstance(attested, KeysUnavailable):
            self._unavailable.add(domain)
            raise InboxError(attested.reason)
        if isinstance(attested, Crashed):
            return CommandResult(message.message_id, "", f"cannot be verified: {attested.reason}", obeyed=False)
        proven = proven_sender(message, attested, now)
        if isinstance(proven, Unproven):
            claimed = message.author.key if message.author else ""
            return CommandResult(message.message_id, claimed, proven.reason, obeyed=False)
        sender = proven.address
        if self._store.is_command_processed(*proven.keys):
            return CommandResult(message.message_id, sender.key, PROCESSED_BEFORE, obeyed=False)
        record = self._store.review_of(posting.message_id)
        review = None if record is None else record.review
        lists = maintained_lists(sender, self._policy.parties(posting), posting.lists)
        context = CommandContext(posting, review, sender, lists, message.message_id, now)
        own, total = (self._store.command_usage(now - _DAY, who) for who in (sender.key, None))
        max_per_person, max_per_day = self._policy.max_per_person, self._policy.max_per_day
        may_recheck = own.rechecks < max_per_person and total.rechecks < max_per_day
        response = respond(asked, context, self._policy.recheck if may_recheck else None)
        outcome = ", ".join(response.done)
        may_reply = own.answers < max_per_person and total.answers < max_per_day
        answer = self._answer(message, proven, posting, response.paragraphs) if may_reply else None
        is_new = self._store.save_commands(proven.keys, sender.key, outcome, response.changes, answer, now)
        if is_new:
            fields = {"message_id": message.message_id, "sender": sender.key, "series": posting.message_id}
            reply = None if answer is None else answer.message_id
            event(LogEvent.COMMAND_ACCEPTED, **fields, commands=response.done, proofs=list(proven.proofs), reply=reply)
        return CommandResult(message.message_id, sender.key, outcome if is_new else PROCESSED_BEFORE, obeyed=is_new)

    def _about(self, message: Message) -> Posting | None:
        """Return the posting that the mail replies to, if the mail went to the address of that series."""
        ids = dict.fromkeys((message.in_reply_to, *reversed(message.references)))
        for message_id in [message_id for message_id in ids if message_id][:_MAX_IDS]:
            due = self._store.find(message_id)
            if due is not None and names_series(message, self._own, self._policy.context.secret, due.posting.topic):
                return due.posting
        return None

    def _answer(
        self, message: Message, proven: ProvenSender, posting: Posting, paragraphs: Sequence[Sequence[str]]
    ) -> Outgoing | None:
        """Return the frozen reply to the sender alone, or None if there is nothing to say."""
        context = self._policy.context.recipients()
        if not paragraphs or context.consent_of(posting).mode is Mode.OFF:
            return None
        reply = command_reply(message, proven, paragraphs, self._policy.context.identity)
        mail = freeze(reply, posting_terms(posting, context, COMMAND_REPLY, proven.address.key, self._clock.now()))
        if isinstance(mail, ComposeRefused):
            event(LogEvent.REPLY_WITHHELD, message_id=message.message_id, reason=mail.reason)
            return None
        return mail


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail to us, the commands in it, and its one-time token."""

    message: Message
    asked: tuple[Command, ...] | Ambiguous
    token: OneTimeToken | None = None


def read_commands(own: str, stored: StoredMail) -> CommandMail | None:
    """Return the mail and its commands; None if it cannot be read or is not to our address `own`."""
    message = parse(stored.mail.raw)
    if not isinstance(message, Message) or not is_for_us(message, own):
        return None
    return CommandMail(message, commands(message), one_time_token(message))


def _log_refused(result: CommandResult) -> None:
    """Log a mail whose command is not obeyed, except a mail without a command or that was processed before."""
    is_event = result.outcome not in {PROCESSED_BEFORE, OWN_MAIL, NO_COMMAND}
    who = {"message_id": result.message_id, "sender": result.sender}
    event(LogEvent.COMMAND_REFUSED, "info" if is_event else "debug", **who, reason=result.outcome)


def _may_be_for_us(raw: bytes, own: str) -> bool:
    """Return whether the bytes name our address with a token; cheap, because nearly all mail does not."""
    local = own.partition("@")[0].lower().encode("ascii", "replace")
    return local + b"+" in raw[:256_000].lower()
