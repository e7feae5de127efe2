# SPDX-License-Identifier: GPL-2.0-or-later
"""The raw mails that are remembered, how they hang together, and what their signatures are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.mail.attestation import Attestation
from bot.ports.archive import Batch, Provenance, RawMail


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail that is kept: `id` is its row's, `source` the name of the archive that brought it."""

    id: int
    mail: RawMail
    source: str = ""
    provenance: Provenance = Provenance.FOLLOWED


@dataclass(frozen=True, slots=True)
class CommandUsage:
    """What mails to us came to: answers that were kept, and mails for which a series was judged again."""

    answers: int
    rechecks: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """What threading needs of a mail that could be read.

    `related` are the message-ids it answers or refers to. `digest` is equal for two copies of one mail that came over
    different lists, and different for a mail that only claims the id. `carriers` are the lists that demonstrably
    brought it.
    """

    mail: int
    message_id: str
    related: tuple[str, ...]
    digest: str
    carriers: tuple[str, ...] = ()
    provenance: Provenance = Provenance.FOLLOWED


@dataclass(frozen=True, slots=True)
class Carried:
    """How many mails of a source came through exactly these lists; addresses are in lower case."""

    source: str
    lists: tuple[str, ...]
    mails: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A mail that could not be read, and why."""

    mail: int
    reason: str


@dataclass(frozen=True, slots=True)
class MailStatus:
    """A mail that is kept, with its state and why it is in it.

    States: new, read, unreadable, duplicate, conflict, private, deleted.
    """

    id: int
    message_id: str
    source: str
    mail: RawMail
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Thread:
    """Mails that refer to each other, the first of each message-id, oldest first.

    `changed` is its age in changes, handed back with what was made of it. `disputed` are message-ids that another mail
    with other content claimed too. `carriers` are the lists that demonstrably brought each message-id, by any copy of
    it; an id that is not in there was read by an earlier version.
    """

    id: int
    changed: int
    mails: tuple[RawMail, ...]
    disputed: frozenset[str] = frozenset()
    carriers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Mails(Protocol):
    """The raw mails, and how they hang together."""

    def cursors(self, source: str) -> dict[str, str]:
        """Epoch → cursor of what was ingested from that source."""

    def ingest(self, batch: Batch) -> int:
        """Keep the raw mails and the cursor together; how many mails were new.

        A mail that was private, or found, is as if it were new once a followed archive brings it.
        """

    def unparsed(self, limit: int) -> Sequence[StoredMail]:
        """Mails ingested and not yet read, oldest first."""

    def index(self, mails: Sequence[Indexed], unreadable: Sequence[Unread]) -> None:
        """Thread what was read, and remember why the rest was not. The first mail of a message-id wins.

        A private mail joins no thread and claims no message-id.
        """

    def keep_private(self, sources: Sequence[str]) -> int:
        """Take the mails of our own mailboxes out of all threads that they are in, and say how many there were.

        An earlier version, or other settings, let them in.
        """

    def unassembled(self, limit: int) -> Sequence[Thread]:
        """Threads that changed since they were assembled."""

    def pending(self) -> tuple[int, int]:
        """How many mails are not read and how many threads not assembled, for a progress bar."""


class Attestations(Protocol):
    """What signatures are worth."""

    def unattested(self, since: datetime, limit: int) -> Sequence[StoredMail]:
        """Mails that were read, came after `since` and whose signatures were not verified, oldest first."""

    def save_attestations(self, mail: int, found: Sequence[Attestation], now: datetime) -> None:
        """Remember what that mail's signatures are worth."""

    def attestations(self, message_id: str) -> Sequence[Attestation]:
        """What is known of that mail's signatures."""
