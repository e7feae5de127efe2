# SPDX-License-Identifier: GPL-2.0-or-later
"""Where mails come from, as protocols over the bytes as they came."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Provenance(StrEnum):
    """How a mail came here, which decides what it can be.

    `followed`: from an archive of a list that is followed; only such a mail makes a posting. `found`: asked for by its
    message-id, to complete a series. `private`: it reached our own mailbox alone, and can be a command, a bounce or a
    copy of a mail of ours.
    """

    FOLLOWED = "followed"
    FOUND = "found"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class RawMail:
    """One mail as it came.

    `origin` says where it stands (`0.git@commit`, file path), `arrived` when the archive got it (UTC).
    """

    origin: str
    arrived: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Deleted:
    """A mail the archive's keeper removed; `origin` names the commit that says so."""

    origin: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What came in one step: mails in the archive's order, and the cursor that stands behind the last of them."""

    source: str
    epoch: str
    cursor: str
    mails: tuple[RawMail, ...]
    deleted: tuple[Deleted, ...] = ()
    provenance: Provenance = Provenance.FOLLOWED


class Archive(Protocol):
    """A source of mail that remembers nothing: the cursors come from the store and go back to it with the mails.

    Raises bot.inbox.error.InboxError, naming the path, where the source cannot be read.
    """

    name: str

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """What is new behind the cursors (epoch → commit id or position), oldest first."""

    def count(self, cursors: dict[str, str]) -> int:
        """How many mails `batches` would give, for a progress bar."""


@runtime_checkable
class History(Archive, Protocol):
    """An archive that can be asked again for what it gave."""

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """The latest mails up to the cursors, at most so many, oldest first; none where a cursor is not its own."""


@runtime_checkable
class Remote(Archive, Protocol):
    """An archive on the network, which is not asked each time."""

    @property
    def is_failing(self) -> bool:
        """Whether the last request failed; until the next one nobody knows more."""


class Lookup(Protocol):
    """An archive of all lists that gives mails by their ids: `base` is its address. Raises InboxError."""

    @property
    def base(self) -> str: ...

    def missing(self, known: Mapping[int, str], absent: Sequence[int]) -> tuple[RawMail, ...]:
        """What can be found of the absent parts of a series whose known parts (index → message-id) are given."""
