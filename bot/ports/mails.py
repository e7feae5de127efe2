# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored raw mails, their threads and the results of verifying their signatures."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from bot.mail.attestation import Attestation
from bot.ports.raw_mail import Batch, Provenance, RawMail
from rules.lazy import dataclass, field


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A stored mail: `id` is the id of its row, `source` the name of its archive."""

    id: int
    mail: RawMail
    source: str = ""
    provenance: Provenance = Provenance.FOLLOWED


@dataclass(frozen=True, slots=True)
class CommandUsage:
    """The numbers of our replies to commands, and of mails that caused a re-check."""

    answers: int
    rechecks: int


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """The values of a readable mail that threading needs.

    `related` are the message-ids that it refers to. `digest` is equal for copies of a mail that came over different
    lists, and differs for another mail with the same id. `carriers` are the lists that demonstrably delivered it.
    `in_reply_to` is the mail that a person replied to with it; "" for other mails. `earlier_digest` is what earlier
    versions stored as the digest. `changes_postings` is False if the mail is in no posting, and only mails that refer
    to it can make it change one.
    """

    mail: int
    message_id: str
    related: tuple[str, ...]
    digest: str
    carriers: tuple[str, ...] = ()
    provenance: Provenance = Provenance.FOLLOWED
    in_reply_to: str = ""
    earlier_digest: str = ""
    changes_postings: bool = True


@dataclass(frozen=True, slots=True)
class CarrierCount:
    """The number of mails of a source that came through exactly these lists. Addresses are in lower case."""

    source: str
    lists: tuple[str, ...]
    mails: int


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A mail that could not be read, with the reason."""

    mail: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch that another process has read.

    Its mails are without their bytes, which are in `packed` as the store packs them. `parsed` has for each mail what
    threading needs, but not the number of its row; None for a mail that could not be read.
    """

    batch: Batch
    packed: Any
    parsed: Sequence[ParsedMail | None]


@dataclass(frozen=True, slots=True)
class MailStatus:
    """A stored mail with its state and the reason for it.

    States: new, read, unreadable, duplicate, conflict, private, deleted. `is_unread`: its archive could not read it, or
    it was too large, so its bytes are not stored.
    """

    id: int
    message_id: str
    source: str
    mail: RawMail
    state: str
    reason: str
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """Mails that refer to each other: the first mail of each message-id, oldest first.

    `changed` counts the changes of the thread, and is returned with its postings. `disputed` are message-ids that
    another mail with other content also has. `carriers` are the lists that demonstrably delivered each message-id. An
    id without an entry was read by an earlier version. `rows` are the rows of the mails, by message-id.
    """

    id: int
    changed: int
    mails: tuple[RawMail, ...]
    disputed: frozenset[str] = frozenset()
    carriers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)


class Mails(Protocol):
    """The stored raw mails and their threads."""

    @property
    def pack(self) -> Callable[[Sequence[bytes]], Any]:
        """A function for any process, which packs raw mails for the store."""

    def cursors(self, source: str) -> dict[str, str]:
        """Return the cursor of each epoch of the source."""

    def ingest(self, batch: Batch) -> int:
        """Store the raw mails and the cursor in one transaction. Return the number of new mails.

        A private or found mail becomes new again when a followed archive delivers it.
        """

    def ingest_read(self, read: ReadBatch) -> int:
        """Store what another process has read, and index the new mails that could be read, as `ingest` and `index` do.

        All this is one transaction.
        """

    def unparsed(self, limit: int) -> Sequence[StoredMail]:
        """Return stored mails that were not read yet, oldest first."""

    def index(self, mails: Sequence[ParsedMail], unreadable: Sequence[ReadFailure]) -> None:
        """Add readable mails to threads, and store why others are unreadable. The first mail of a message-id keeps it.

        A private mail joins no thread and gets no message-id.
        """

    def keep_private(self, sources: Sequence[str]) -> int:
        """Remove the mails of our own mailboxes from all threads. Return their number.

        An earlier version or other settings may have added them.
        """

    def unassembled(self, limit: int) -> Sequence[Thread]:
        """Return the threads that changed since they were assembled."""

    def pending(self) -> tuple[int, int]:
        """Return the numbers of unread mails and of threads to assemble, for a progress bar."""


class Attestations(Protocol):
    """The results of verifying signatures."""

    def unattested(self, since: datetime, limit: int) -> Sequence[StoredMail]:
        """Return read mails since that time whose signatures were not verified, oldest first."""

    def save_attestations(self, mail: int, attestations: Sequence[Attestation], now: datetime) -> None:
        """Store the results of verifying the signatures of a mail."""

    def attestations(self, message_id: str) -> Sequence[Attestation]:
        """Return the results of verifying the signatures of a mail."""
