# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails on their way out, and who takes them away."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalContext
from bot.mail.state import MailState
from bot.ports.installation import Attempt, Claim
from bot.ports.mails import MailStatus
from bot.review.disposition import Muted


@dataclass(frozen=True, slots=True)
class MailChange:
    """A change of state that is committed: the state `before`, and the mail as it is now."""

    before: MailState
    mail: Outgoing


@dataclass(frozen=True, slots=True)
class Pace:
    """How many mails left already: on all revisions of a series, to an author and on a list a day, in all an hour.

    Of several lists it is the one with the most. Of `tried` mails of a day `refused` were refused by the mail server or
    came back as authentic bounces; `refusals` counts the domains in their To.
    `muted` says which list was muted by mail, and by whom; it is empty if none was.
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
class ReturnedMail:
    """What came back of a mail of ours.

    A "bounce" with the token of the mail; an "unverified" one without; a "copy" at that place (source and list); or a
    "foreign" mail that only uses the id of ours.
    """

    message_id: str
    kind: str
    place: str = ""
    detail: str = ""


class BounceStore(Protocol):
    """What comes back of our mails."""

    def mail(self, message_id: str) -> Outgoing | None:
        """One mail; the id may be abbreviated where that is unique."""

    def unreturned(self, limit: int) -> Sequence[MailStatus]:
        """Mails that were read and not yet looked at for what comes back, in the order they were kept; without ids."""

    def note_returned(
        self, upto: int, found: Sequence[ReturnedMail], claims: Sequence[Claim], now: datetime
    ) -> Sequence[ReturnedMail]:
        """Remember what came back of mails that we have in the outbox, and that all up to that row was looked at.

        Claims are mails in our name that are not in the outbox; they are kept for a judgement.

        Return what was news: a mail bounces once, and a second copy at one place is a "repeat". Of one mail only a
        limited number is remembered.
        """


class Mailer(Protocol):
    """Takes a frozen mail away. Raises bot.outbox.error.OutboxError.

    `repeatable` says that delivering twice is the same as once, so that an interrupted attempt is simply made again;
    `done` is the state of a mail that was delivered.
    """

    @property
    def repeatable(self) -> bool: ...

    @property
    def done(self) -> MailState: ...

    def deliver(self, mail: Outgoing) -> str:
        """Deliver the mail and say where it went (a path, or the server's answer)."""


class SendingRecord(Protocol):
    """Keeps a record of the mails that may have left, outside of the database. Raises AdapterError."""

    def look(self) -> None:
        """Look, once a round, whether the database is the one that the record tells of."""

    def problem(self) -> str:
        """Why nothing may be sent, "" if it may."""

    def earlier(self, mail: Outgoing) -> Attempt | None:
        """The attempt at this mail, or at another one about the same patches, that the database does not know."""

    def begin(self, mail: Outgoing) -> None:
        """Note the mail, durably, before its first byte may leave."""

    def end(self, message_id: str, state: str) -> None:
        """Note how the attempt ended: "sent", or "failed" if it is certain that nothing left."""


@dataclass(frozen=True, slots=True)
class PostingStatus:
    """What the database says now of the posting that a mail answers.

    `state`, `detail`, `verdict` and `reason` are those of its row. `context` tells when its parts arrived and whether a
    newer revision is here. `removed` is the message-id of a part that was removed from its archive, or "".
    """

    posting: Posting
    state: str
    detail: str
    verdict: str
    reason: str
    context: RefusalContext
    removed: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mail that is about to be sent, and everything in the database that decides whether it may be.

    `posting` is None for a digest, and if the posting is no longer stored. `stopped` says why the database stops all
    sending, or "".
    """

    mail: Outgoing
    pace: Pace
    posting: PostingStatus | None = None
    mutes: tuple[Muted, ...] = ()
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """The mail is sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The mail waits until that time. With `halts` all sending stops until a person has looked."""

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
    """The mails on their way out."""

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        """Mails that are queued or approved, and due, oldest first."""

    def claim(self, message_id: str, now: datetime, since: datetime, permit: Permit) -> ClaimedMail | None:
        """Decide about a mail and change its state accordingly, in one durable transaction.

        `permit` is pure and gets what the transaction sees. If its decision is Send, the state is "sending" before the
        first byte leaves. Bounces, copies and mutes by mail count from `since`. Return None if another worker was
        faster.
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
        """Set the state an attempt ended in, and when the next one is due. Raises TransitionError."""

    def decide(
        self, message_id: str, before: Collection[MailState], after: MailState, now: datetime, reason: str
    ) -> bool:
        """Set a state, due when it was, or now; False if the mail is in none of the states before."""

    def expire(self, before: datetime, now: datetime) -> int:
        """Set "expired" on mails that were to be sent, not filed, and wait since before that time; how many."""

    def archived(self, message_id: str) -> bool:
        """Whether a mail with that id came back to us from an archive."""

    def kept(self, message_id: str) -> Sequence[MailStatus]:
        """The mails from archives that claim that message-id, the first one first."""

    def mails(self, state: MailState | None = None) -> Sequence[Outgoing]:
        """All mails, or those in one state, newest first."""

    def mail(self, message_id: str) -> Outgoing | None:
        """One mail; the id may be abbreviated where that is unique."""


@dataclass(frozen=True, slots=True)
class StopState:
    """Whether the database stops all sending: `reason` is empty while mails may leave.

    `number` grows with each stop and lift; `seen` is the number that the running sender saw last.
    """

    number: int = 0
    reason: str = ""
    since: datetime | None = None
    seen: int = 0


class StopStore(Protocol):
    """The stop of all sending, as the database knows it."""

    def stop_state(self) -> StopState:
        """Return whether sending is stopped, and why."""

    def set_stop(self, reason: str, now: datetime) -> int:
        """Stop all sending, or with an empty reason lift the stop; return the number of this change."""

    def confirm_stop(self) -> None:
        """Note that the sender saw the last change."""


class Stop(Protocol):
    """What stops all sending."""

    def reason(self) -> str:
        """Return why nothing is sent, or ""."""

    def stop(self, why: str) -> None:
        """Stop all sending, durably."""

    def lifted(self) -> datetime:
        """Return when the stop was lifted last; long ago if it never was."""
