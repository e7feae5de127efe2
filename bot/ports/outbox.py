# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails on their way out, and who takes them away."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.ports.mails import Kept


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frozen mail in the outbox: `content` are the very bytes to be sent, `mode` what was agreed when it was written.

    States: queued, held, approved, sending, sent, filed, doubtful, refused, expired; `reason` says why. `destination`
    is where it went. Not before `due` is it tried (again); `attempts` were made.
    """

    message_id: str
    posting_id: str
    kind: str
    envelope_from: str
    envelope_to: tuple[str, ...]
    content: bytes
    due: datetime
    mode: str = "dry-run"
    lists: tuple[str, ...] = ()
    author: str = ""
    state: str = "queued"
    reason: str = ""
    destination: str = ""
    attempts: int = 0
    changed: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many mails left already: on all revisions of a series, to an author and on a list a day, in all an hour.

    Of several lists it is the one with the most. Of `tried` mails of a day `refused` came back, at once or as bounces.
    `repeated` is a message-id of ours that a list brought twice, `muted` says which list was muted by mail, and by
    whom; both are empty where there was none.
    """

    series: int = 0
    author_day: int = 0
    list_day: int = 0
    hour: int = 0
    refused: int = 0
    tried: int = 0
    repeated: str = ""
    muted: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back of a mail of ours: a "bounce", or a "copy" at that place (source and list)."""

    message_id: str
    kind: str
    place: str = ""
    detail: str = ""


class Returns(Protocol):
    """What comes back of our mails."""

    def unreturned(self, limit: int) -> Sequence[Kept]:
        """Mails that were read and not yet looked at for what comes back, in the order they were kept; without ids."""

    def note_returned(self, upto: int, found: Sequence[Returned], now: datetime) -> Sequence[Returned]:
        """Remember what came back of mails that we have in the outbox, and that all up to that row was looked at.

        Gives what was news: a mail bounces once, and a second copy at one place is a "repeat".
        """


class Mailer(Protocol):
    """Takes a frozen mail away. Raises bot.outbox.error.OutboxError.

    `repeatable` says that delivering twice is the same as once, so that an attempt of unknown end is simply made again;
    `done` is the state of a mail that was delivered.
    """

    @property
    def repeatable(self) -> bool: ...

    @property
    def done(self) -> str: ...

    def deliver(self, mail: Outgoing) -> str:
        """Deliver the mail and say where it went (a path, or the server's answer)."""


class Outbox(Protocol):
    """The mails on their way out."""

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        """Mails that are queued or approved, and due, oldest first."""

    def claim(self, message_id: str, now: datetime) -> bool:
        """Set "sending", durably, before the first byte leaves; False where another worker was faster."""

    def settle(
        self,
        message_id: str,
        state: str,
        now: datetime,
        *,
        reason: str = "",
        destination: str = "",
        due: datetime | None = None,
    ) -> None:
        """Set the state an attempt ended in, and when the next one is due."""

    def decide(self, message_id: str, before: Sequence[str], after: str, now: datetime, reason: str) -> bool:
        """Set a state by a human's word, due when it was, or now; False where it is in none of the states before."""

    def expire(self, before: datetime, now: datetime) -> int:
        """Set "expired" on mails that were to be sent, not filed, and wait since before that time; how many."""

    def pace(self, mail: Outgoing, now: datetime, since: datetime) -> Pace:
        """How many mails left that count against this one; what came back, and mutes, count from `since`."""

    def archived(self, message_id: str) -> bool:
        """Whether a mail with that id came back to us from an archive."""

    def mails(self, state: str | None = None) -> Sequence[Outgoing]:
        """All mails, or those in one state, newest first."""

    def mail(self, message_id: str) -> Outgoing | None:
        """One mail; the id may be abbreviated where that is unique."""
