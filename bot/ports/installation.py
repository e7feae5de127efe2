# SPDX-License-Identifier: GPL-2.0-or-later
"""What tells a database that is old, new or another one from the database that sent the mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Installation:
    """A database: its random name, when it was made, and how often a sender started on it.

    `knows_secret` is False if there is a secret beside it that is older than the database.
    """

    name: str
    created: datetime
    generation: int
    knows_secret: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail in an archive that is from our address and looks like one of ours; `mail` is the number of its row."""

    message_id: str
    in_reply_to: str
    arrived: datetime
    mail: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A mail that may have left, with the mails that it answers.

    `count` says how often it was tried. `state` says how the last attempt ended: "sent"; "failed", if it is certain
    that nothing left; "settled", if a person looked at it and the outcome is still unknown; "" if nothing is known.
    """

    message_id: str
    kind: str
    posting_id: str
    parts: tuple[str, ...] = ()
    count: int = 1
    state: str = ""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What a ledger says: whose it is, the last start of a sender, and each attempt by message-id.

    `is_restored` says that a backup was restored since a person settled the differences; `damaged` counts the lines
    since then that cannot be read.
    """

    installation: str = ""
    generation: int = 0
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    is_restored: bool = False
    damaged: int = 0


class Ledger(Protocol):
    """The append-only record of the mails that may have left. Raises AdapterError if it cannot be written."""

    @property
    def state(self) -> LedgerState | None:
        """What it says; None before the first event."""

    def check(self) -> None:
        """Raise ReplacedError if another file is in its place, or if it shrank or grew by itself."""

    def start(self, installation: str, generation: int, now: datetime, *, settled: bool = False) -> None:
        """Note that a sender starts; `settled` says that a person settled all that was wrong before."""

    def begin(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Note mails, durably, before the first byte of them may leave."""

    def end(self, states: Mapping[str, str], now: datetime) -> None:
        """Note how attempts ended, by message-id: "sent", "failed" or "settled"."""


class Installations(Protocol):
    """The part of the store that knows which database it is."""

    def installation(self, now: datetime) -> Installation:
        """Return which database this is; the first call gives it its name."""

    def set_generation(self, generation: int, now: datetime) -> None:
        """Set the generation, durably."""

    def attempts(self) -> Mapping[str, int]:
        """Return how often each mail that was not only filed may have left."""

    def attempted(self) -> Sequence[Attempt]:
        """Return all mails that may have left, as a ledger knows them."""

    def answered_parts(self, message_id: str) -> tuple[str, ...]:
        """Return the ids of the mails that this mail of ours answers."""

    def claims(self, judgement: str, limit: int) -> Sequence[Claim]:
        """Return the newest claims with that judgement: "" (none yet), "ours", "foreign" or "settled"."""

    def judge_claims(self, message_ids: Sequence[str], judgement: str) -> None:
        """Set the judgement on claims."""

    def notices(self, since: datetime) -> Sequence[tuple[str, str, str]]:
        """Return what the operator should know of, newest first: message-id, "foreign" or "repeat", and the detail."""
