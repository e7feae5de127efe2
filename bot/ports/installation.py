# SPDX-License-Identifier: GPL-2.0-or-later
"""What tells a database that is old, new or another one from the database that sent the mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Installation:
    """A database: its random name, when it was made, how often a sender started on it, and if it knows its secret."""

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


class Installations(Protocol):
    """The part of the store that knows which database it is."""

    def installation(self, now: datetime) -> Installation:
        """Return which database this is; the first call gives it its name."""

    def set_generation(self, generation: int, now: datetime) -> None:
        """Set the generation, durably."""

    def attempts(self) -> Mapping[str, int]:
        """Return how often each mail that was not only filed may have left."""

    def claims(self, judgement: str, limit: int) -> Sequence[Claim]:
        """Return the newest claims with that judgement: "" (none yet), "ours", "foreign" or "settled"."""

    def save_claims(self, claims: Sequence[Claim], judgement: str) -> None:
        """Keep claims; one that is known keeps its judgement."""

    def judge_claims(self, message_ids: Sequence[str], judgement: str) -> None:
        """Set the judgement on claims."""

    def notices(self, since: datetime) -> Sequence[tuple[str, str, str]]:
        """Return what the operator should know of, newest first: message-id, "foreign" or "repeat", and the detail."""
