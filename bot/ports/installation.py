# SPDX-License-Identifier: GPL-2.0-or-later
"""The identity of a database, which shows whether it is the database that sent the mails."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rules.lazy import dataclass, field


@dataclass(frozen=True, slots=True)
class Installation:
    """A database: its random name, its creation time, and the number of starts of a sender.

    `knows_secret` is False if the secret beside it is older than the database.
    """

    name: str
    created: datetime
    generation: int
    knows_secret: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail in an archive that has our address and looks like a mail of ours. `mail` is the id of its row."""

    message_id: str
    in_reply_to: str
    arrived: datetime
    mail: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A mail that may have left, with the mails that it replies to.

    `count` is the number of attempts. `state` is the end of the last attempt: "sent"; "failed" if certainly nothing
    left; "settled" if a person checked it and the outcome is still unknown; "" if nothing is known.
    """

    message_id: str
    kind: str
    posting_id: str
    parts: tuple[str, ...] = ()
    count: int = 1
    state: str = ""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The state of a ledger: its installation, the last start of a sender, and each attempt by message-id.

    `settled` are those of the attempts that a person settled. Both grow when the ledger does.
    `is_restored`: a backup was restored since a person last settled the differences. `damaged` counts the unreadable
    lines since then.
    """

    installation: str = ""
    generation: int = 0
    attempts: dict[str, Attempt] = field(default_factory=dict)
    settled: dict[str, Attempt] = field(default_factory=dict)
    is_restored: bool = False
    damaged: int = 0


class Ledger(Protocol):
    """The append-only record of the mails that may have left. Raises AdapterError if it cannot be written."""

    @property
    def state(self) -> LedgerState | None:
        """The state; None before the first event."""

    def check(self) -> None:
        """Raise ReplacedError if the file was replaced, or changed by another process."""

    def start(self, installation: str, generation: int, now: datetime, *, settled: bool = False) -> None:
        """Record the start of a sender. `settled`: a person settled all earlier differences."""

    def begin(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Record mails durably, before their first byte may leave."""

    def end(self, states: Mapping[str, str], now: datetime) -> None:
        """Record how attempts ended, by message-id: "sent", "failed" or "settled"."""


class Installations(Protocol):
    """The part of the store that identifies the database."""

    def installation(self, now: datetime) -> Installation:
        """Return the identity of the database. The first call creates its name."""

    def set_generation(self, generation: int, now: datetime) -> None:
        """Set the generation, durably."""

    def attempts(self) -> Mapping[str, int]:
        """Return for each mail that was not only filed how often it may have left."""

    def attempted(self) -> Sequence[Attempt]:
        """Return all mails that may have left, as attempts of a ledger."""

    def answered_parts(self, message_id: str) -> tuple[str, ...]:
        """Return the ids of the mails that this mail of ours replies to."""

    def claims(self, status: str, limit: int) -> Sequence[Claim]:
        """Return the newest mails that may be ours, by status: "" (not decided), "ours", "foreign" or "settled"."""

    def set_claim_status(self, message_ids: Sequence[str], status: str) -> None:
        """Set the status of mails that may be ours."""

    def notices(self, since: datetime) -> Sequence[tuple[str, str, str]]:
        """Return events for the operator, newest first: message-id, kind such as "foreign" or "repeat", and detail."""
