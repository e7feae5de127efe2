# SPDX-License-Identifier: GPL-2.0-or-later
"""The outbox, and the transports of its mails."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from rules.lazy import dataclass

if TYPE_CHECKING:
    from bot.mail.posting import Posting
    from bot.mail.refusal import RefusalContext
    from bot.ports.installation import Attempt, Claim
    from bot.ports.mails import MailStatus
    from bot.review.disposition import ActiveMute


@dataclass(frozen=True, slots=True)
class MailChange:
    """A committed change of state: the state `before`, and the mail as it is now."""

    before: MailState
    mail: Outgoing


@dataclass(frozen=True, slots=True)
class Pace:
    """The numbers of mails that left: per series, per author and day, per list and day, and per hour.

    `list_day` is the largest number of all lists of the mail. Of `tried` mails in a day, `refused` were refused by the
    mail server or bounced authentically; `refusals` counts the domains of their recipients. `muted` says which list was
    muted by mail, and by whom, or is empty.
    """

    series: int = 0
    author_day: int = 0
    list_day: int = 0
    hour: int = 0
    refused: int = 0
    refusals: int = 0
    tried: int = 0
    muted: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """A bounce or a copy of one of our mails.

    The kind is "bounce" (it has the token of our mail), "unverified" (a bounce without the token), "copy" (at that
    place: source and list), or "foreign" (a mail of another sender with the message-id of our mail).
    """

    message_id: str
    kind: str
    place: str = ""
    detail: str = ""


class BounceStore(Protocol):
    """The part of the store for bounces and copies of our mails."""

    def mail(self, message_id: str) -> Outgoing | None:
        """Return a mail. A unique prefix of the id is enough."""

    def unchecked_for_bounces(self, limit: int) -> "Sequence[MailStatus]":
        """Return read mails that were not checked for bounces yet, in the order of storing, without ids."""

    def record_delivery_events(
        self, upto: int, events: Sequence[DeliveryEvent], claims: "Sequence[Claim]", now: datetime
    ) -> Sequence[DeliveryEvent]:
        """Store bounces and copies of mails in the outbox, and that all mails up to that row were checked.

        `claims` are mails with our address that are not in the outbox; they are stored for a decision.

        Return the new events: a mail bounces once, and a second copy in the same place is a "repeat". The number of
        stored events per mail is limited.
        """


class Mailer(Protocol):
    """A transport of frozen mails. Raises bot.outbox.error.OutboxError.

    `repeatable`: delivering a mail twice has the same effect as once, so an interrupted attempt is repeated. `done` is
    the state of a delivered mail.
    """

    @property
    def repeatable(self) -> bool: ...

    @property
    def done(self) -> MailState: ...

    def deliver(self, mail: Outgoing) -> str:
        """Deliver the mail. Return where it went: a path, or the reply of the server."""


class SendingRecord(Protocol):
    """A record, outside of the database, of the mails that may have left. Raises AdapterError."""

    def refresh(self) -> None:
        """Check once per round whether the record belongs to the database."""

    def problem(self) -> str:
        """Return why nothing may be sent, or ""."""

    def earlier(self, mail: Outgoing) -> "Attempt | None":
        """Return an attempt at this mail, or a mail about the same patches, that the database does not contain."""

    def begin(self, mail: Outgoing) -> None:
        """Record the mail durably, before its first byte may leave."""

    def end(self, message_id: str, state: str) -> None:
        """Record how the attempt ended: "sent", or "failed" if certainly nothing left."""


class SoleSender(Protocol):
    """The proof that this process is the only sender. Raises AdapterError if it is not, or if that is not known."""

    def take(self) -> bool:
        """Become the sender again if the proof was lost. Return whether it was."""

    def check(self) -> None:
        """Do nothing if this process is the only sender at this moment."""


@dataclass(frozen=True, slots=True)
class PostingStatus:
    """The current state of the posting that a mail replies to.

    `state`, `detail`, `verdict` and `reason` are those of its row. `context` tells when its parts arrived and whether a
    newer revision exists. `removed` is the message-id of a part that was removed from its archive, or "".
    """

    posting: "Posting"
    state: str
    detail: str
    verdict: str
    reason: str
    context: "RefusalContext"
    removed: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mail that is about to be sent, with all values in the database that decide whether it may be sent.

    `posting` is None for a digest, and if the posting is no longer stored. `stopped` says why the database stops all
    sending, or "".
    """

    mail: Outgoing
    pace: Pace
    posting: PostingStatus | None = None
    mutes: "tuple[ActiveMute, ...]" = ()
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """The mail is sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The mail waits until that time. With `halts` all sending stops until a person resumes it."""

    reason: str
    until: datetime
    halts: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """The mail waits for `patchwarden outbox approve`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The mail is no longer allowed and is never sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class AlreadySent:
    """An archive has the mail, so it counts as sent."""

    reason: str


Decision = Send | Wait | Hold | Withdraw | AlreadySent
Permit = Callable[[Candidate], Decision]


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """The decision about a mail; `mail` is the row as it was before the decision."""

    mail: Outgoing
    decision: Decision


class Outbox(Protocol):
    """The outbox."""

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        """Return mails that are queued or approved, and due, oldest first."""

    def claim(self, message_id: str, now: datetime, since: datetime, permit: Permit) -> ClaimedMail | None:
        """Decide about a mail and change its state accordingly, in one durable transaction.

        `permit` is pure and gets the values of the transaction. If its decision is Send, the state is "sending" before
        the first byte leaves. Bounces, copies and mutes by mail count from `since`. Return None if another worker
        claimed the mail first.
        """

    def settle(
        self,
        message_id: str,
        state: MailState,
        now: datetime,
        *,
        reason: str = "",
        destination: str = "",
        due: datetime | None = None,
    ) -> None:
        """Set the state after an attempt, and when the next attempt is due. Raises TransitionError."""

    def decide(
        self, message_id: str, before: Collection[MailState], after: MailState, now: datetime, reason: str
    ) -> bool:
        """Change the state of a mail, which is due now or later. Return False if its state is not in `before`."""

    def expire(self, before: datetime, now: datetime) -> int:
        """Expire mails that wait since before that time and were to be sent, not filed. Return their number."""

    def archived(self, message_id: str) -> bool:
        """Return whether an archive has a mail with that id."""

    def mails_with_id(self, message_id: str) -> "Sequence[MailStatus]":
        """Return the mails from archives with that message-id, the first one first."""

    def mails(self, state: MailState | None = None) -> Sequence[Outgoing]:
        """Return all mails, or the mails in that state, newest first."""

    def mail(self, message_id: str) -> Outgoing | None:
        """Return a mail. A unique prefix of the id is enough."""


@dataclass(frozen=True, slots=True)
class StopState:
    """The stop in the database: `reason` is empty while mails may be sent.

    `number` grows with each stop and lift. `seen` is the last number that the running sender saw.
    """

    number: int = 0
    reason: str = ""
    since: datetime | None = None
    seen: int = 0


class StopStore(Protocol):
    """The stop of all sending in the database."""

    def stop_state(self) -> StopState:
        """Return whether sending is stopped, and why."""

    def set_stop(self, reason: str, now: datetime) -> int:
        """Stop all sending, or lift the stop if the reason is empty. Return the number of this change."""

    def confirm_stop(self) -> None:
        """Store that the sender saw the last change."""


class Stop(Protocol):
    """The switch that stops all sending."""

    def reason(self) -> str:
        """Return why sending is stopped, or ""."""

    def stop(self, reason: str) -> None:
        """Stop all sending, durably."""

    def lifted(self) -> datetime:
        """Return when the stop was last lifted; if never, a time long ago."""
