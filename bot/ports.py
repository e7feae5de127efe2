# SPDX-License-Identifier: GPL-2.0-or-later
"""What the jobs need of the world, as protocols; wiring fills them, tests fake them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.mail.attestation import Attestation
from bot.mail.posting import Posting
from bot.mail.refusal import Context
from bot.review.comment import Review


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


class Archive(Protocol):
    """A source of mail that remembers nothing: the cursors come from the store and go back to it with the mails.

    Raises bot.inbox.error.InboxError, naming the path, where the source cannot be read.
    """

    name: str

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """What is new behind the cursors (epoch → commit id or position), oldest first."""

    def count(self, cursors: dict[str, str]) -> int:
        """How many mails `batches` would give, for a progress bar."""


class Progress(Protocol):
    """Is told how far the work is."""

    def start(self, what: str, total: int) -> None:
        """A stretch of work of so many units begins."""

    def advance(self, units: int = 1) -> None:
        """So many units of it are done."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC."""


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail that is kept: `id` is its row's."""

    id: int
    mail: RawMail


@dataclass(frozen=True, slots=True)
class Indexed:
    """What threading needs of a mail that could be read.

    `related` are the message-ids it answers or refers to. `digest` is equal for two copies of one mail that came over
    different lists, and different for a mail that only claims the id.
    """

    mail: int
    message_id: str
    related: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A mail that could not be read, and why."""

    mail: int
    reason: str


@dataclass(frozen=True, slots=True)
class Thread:
    """Mails that refer to each other, the first of each message-id, oldest first.

    `changed` is its age in changes, handed back with what was made of it. `disputed` are message-ids that another mail
    with other content claimed too.
    """

    id: int
    changed: int
    mails: tuple[RawMail, ...]
    disputed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DuePosting:
    """A complete posting that waits for its review; `arrived` is when its last part came."""

    posting: Posting
    arrived: datetime


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

    Of several lists it is the one with the most. Of `tried` mails of a day `refused` came back.
    """

    series: int = 0
    author_day: int = 0
    list_day: int = 0
    hour: int = 0
    refused: int = 0
    tried: int = 0


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


# What is remembered. Each method is one transaction; each raises bot.store.error.StoreError.


class Mails(Protocol):
    """The raw mails, and how they hang together."""

    def cursors(self, source: str) -> dict[str, str]:
        """Epoch → cursor of what was ingested from that source."""

    def ingest(self, batch: Batch) -> int:
        """Keep the raw mails and the cursor together; how many mails were new."""

    def unparsed(self, limit: int) -> Sequence[StoredMail]:
        """Mails ingested and not yet read, oldest first."""

    def index(self, mails: Sequence[Indexed], unreadable: Sequence[Unread]) -> None:
        """Thread what was read, and remember why the rest was not. The first mail of a message-id wins."""

    def unassembled(self, limit: int) -> Sequence[Thread]:
        """Threads that changed since they were assembled."""

    def pending(self) -> tuple[int, int]:
        """How many mails are not read and how many threads not assembled, for a progress bar."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A posting whose missing parts are due to be looked for; `attempts` were made."""

    posting: Posting
    attempts: int


class Lookup(Protocol):
    """An archive of all lists that gives mails by their ids: `base` is its address. Raises InboxError."""

    @property
    def base(self) -> str: ...

    def missing(self, known: Mapping[int, str], absent: Sequence[int]) -> tuple[RawMail, ...]:
        """What can be found of the absent parts of a series whose known parts (index → message-id) are given."""


class Completions(Protocol):
    """The search for what no list brought."""

    def incomplete(self, now: datetime, settled: datetime, since: datetime, limit: int) -> Sequence[Incomplete]:
        """Postings that wait for parts, whose last part came before `settled`, sent after `since`, and due now."""

    def postpone(self, posting: Posting, due: datetime) -> None:
        """An attempt failed: the next one is due then."""

    def conclude(self, posting: Posting, outcome: str, now: datetime) -> None:
        """The search is over, and what came of it."""


class Attestations(Protocol):
    """What signatures are worth."""

    def unattested(self, since: datetime, limit: int) -> Sequence[StoredMail]:
        """Mails that were read, came after `since` and whose signatures were not verified, oldest first."""

    def save_attestations(self, mail: int, found: Sequence[Attestation], now: datetime) -> None:
        """Remember what that mail's signatures are worth."""

    def attestations(self, message_id: str) -> Sequence[Attestation]:
        """What is known of that mail's signatures."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that is kept, with its state and why it is in it: new, read, unreadable, duplicate, conflict, deleted."""

    id: int
    message_id: str
    source: str
    mail: RawMail
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeptPosting:
    """A posting that is kept: `state` and `detail`, the `verdict` on it and its reason, the id of the mail it got."""

    posting: Posting
    context: Context
    state: str
    detail: str
    verdict: str
    reason: str
    searched: str
    answer: str


class Knowledge(Protocol):
    """What can be said of a mail on request."""

    def kept(self, message_id: str) -> Sequence[Kept]:
        """The mails that claim that message-id and could be read, the first one first."""

    def kept_postings(self, message_id: str) -> Sequence[KeptPosting]:
        """The postings that the mail is a part of."""

    def quarantined(self, limit: int) -> Sequence[Kept]:
        """Mails that could not be read, newest first."""

    def release(self, mails: Sequence[int]) -> int:
        """Have these unreadable mails read again; how many there were."""


class Postings(Protocol):
    """The postings and their reviews."""

    def save_threads(self, threads: Sequence[tuple[Thread, Sequence[Posting]]]) -> None:
        """Keep these as the threads' postings, replacing what was known of them."""

    def due_for_review(self, limit: int) -> Sequence[DuePosting]:
        """Complete postings without a verdict, oldest first."""

    def count_due_for_review(self) -> int:
        """How many there are, for a progress bar."""

    def previous_review(self, posting: Posting) -> Review | None:
        """The newest stored review of an earlier revision of the same topic; without recipients where no mail left."""

    def save_review(self, review: Review, outgoing: Outgoing | None, now: datetime) -> bool:
        """Keep the review and its mail together; say whether the mail was kept.

        A patch or cover letter that has its reply of that kind gets no second one, whatever posting it is in now.
        """

    def context(self, posting: Posting) -> Context:
        """When the posting's parts came, and how it stands to others."""

    def refuse(self, posting: Posting, reason: str) -> None:
        """Remember that the posting is not reviewed, and why."""

    def blob(self, blob_id: str) -> bytes | None:
        """The verified bytes of that blob; the id may be abbreviated to no fewer than 7 digits."""

    def save_blobs(self, blobs: Mapping[str, bytes]) -> None:
        """Keep verified bytes by their full ids."""


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
        """Set a state by a human's word, due at once; False where the mail is in none of the states before."""

    def expire(self, before: datetime, now: datetime) -> int:
        """Set "expired" on mails that were to be sent, not filed, and wait since before that time; how many."""

    def pace(self, mail: Outgoing, now: datetime, since: datetime) -> Pace:
        """How many mails left that count against this one; refusals count from `since`."""

    def archived(self, message_id: str) -> bool:
        """Whether a mail with that id came back to us from an archive."""

    def mails(self, state: str | None = None) -> Sequence[Outgoing]:
        """All mails, or those in one state, newest first."""

    def mail(self, message_id: str) -> Outgoing | None:
        """One mail; the id may be abbreviated where that is unique."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is remembered: raw mails, those that could not be read, postings, and mails to send by their state."""

    raw: int
    unreadable: int
    postings: int
    mails: Mapping[str, int]


class Store(Mails, Postings, Completions, Attestations, Knowledge, Outbox, Protocol):
    """All that is remembered."""

    def tally(self) -> Tally:
        """How much that is."""
