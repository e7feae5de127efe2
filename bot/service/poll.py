# SPDX-License-Identifier: GPL-2.0-or-later
"""Turn archives into postings: ingest new mails, parse and thread them, assemble the changed threads.

Each step takes due work from the store and stores its result, so that a killed process continues where it stopped.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from bot.inbox.assemble import needs_recipients
from bot.inbox.error import InboxError
from bot.inbox.thread import relatives
from bot.log import LogEvent, event
from bot.mail import origin
from bot.mail.address_book import AddressBook
from bot.mail.bots import is_automatic
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import parse
from bot.mail.posting import Complete, Posting
from bot.mail.posting_codec import EncodedPosting
from bot.mail.subject import count_and_title
from bot.pipeline.outcome import Outcome, series_fields
from bot.pool.executor import TRIES
from bot.pool.guard import ClosableExecutor, Crashed, InlineExecutor, TimeLimit
from bot.pool.memory import FreeMemory, return_free_memory
from bot.ports.archive import Archive, Remote, SharedArchive, UnreadBatch, UnreadEpoch
from bot.ports.mails import Mails, ParsedMail, ReadBatch, ReadFailure, StoredMail, Thread
from bot.ports.postings import Postings
from bot.ports.raw_mail import Batch, Provenance
from bot.ports.running import Progress, Stop
from bot.service.outage import Outages
from rules.lazy import dataclass, re, replace

Assemble = Callable[[Sequence[Message], AddressBook, Mapping[str, tuple[str, ...]]], Sequence[Posting]]

NO_BOOK: Final = AddressBook()
_MAILS: Final = 500
_PIECE: Final = 20
"""Mails that a process reads at once: an exchange with it takes longer than reading a mail."""

_MIN_SHARED: Final = 100
"""New mails for which other processes are started. An archive has fewer in most rounds."""
_BATCHES: Final = 2
"""Batches that are read at the same time."""
_BATCH_TIME: Final = TimeLimit(60.0)

_THREADS: Final = 100
"""Threads that are assembled together. Each time the store unpacks the blocks of their mails again."""
_RELATED: Final = 50
_FOOTER = re.compile(r"\n(?:--[ \t]*|_{5,}|-{20,})\n")
_THREAD_TIME: Final = TimeLimit(60.0)  # The longest threads have hundreds of patches.


class PollStore(Mails, Postings, Protocol):
    """The part of the store that the poll needs."""


class SourceChanges(Protocol):
    """Knows which sources may have new mails."""

    def take(self, name: str) -> bool:
        """Return whether the source may have new mails. It counts as read from now on."""

    def put_back(self, name: str) -> None:
        """Count the source as changed, because it was not read to its end."""


class AlwaysChanged:
    """SourceChanges without knowledge: each round reads each source."""

    def take(self, name: str) -> bool:  # noqa: ARG002 the protocol's signature
        return True

    def put_back(self, name: str) -> None:
        """Do nothing: the next round reads each source."""


@dataclass(frozen=True, slots=True)
class PollResult:
    """The result of one round.

    `unready` are postings that cannot be reviewed yet. `problems` has a line for each source or
    mail that could not be read.
    """

    mails: int
    threads: int
    unready: tuple[Outcome, ...] = ()
    problems: tuple[str, ...] = ()

    def followed_by(self, other: "PollResult") -> "PollResult":
        """Return the combined result of two rounds."""
        unready = self.unready + other.unready
        return PollResult(
            self.mails + other.mails, self.threads + other.threads, unready, self.problems + other.problems
        )


class PollJob:
    """Poll all archives. Checks between two units of work whether to stop.

    The processes of the executor end at the end of a round: reviews need the memory.
    """

    def __init__(
        self,
        archives: Sequence[Archive],
        store: PollStore,
        assemble: Assemble,
        stop: Stop,
        progress: Progress,
        executor: ClosableExecutor | None = None,
        book: Callable[[], AddressBook] = AddressBook,
    ) -> None:
        self._archives = archives
        self._changes: SourceChanges = AlwaysChanged()
        self._book = book
        self._store = store
        self._assemble = assemble
        self._stop = stop
        self._progress = progress
        self._executor = executor or InlineExecutor()
        self._memory = FreeMemory()
        self._report: Callable[[str], None] = lambda _: None
        self._outages = Outages(LogEvent.ARCHIVE_UNREACHABLE, LogEvent.ARCHIVE_RECOVERED, "list")

    def read_only_changed(self, changes: SourceChanges) -> None:
        """Read from now on only the sources that may have new mails."""
        self._changes = changes

    def report_read(self, report: Callable[[str], None]) -> None:
        """Report from now on in each round the name of each source that has no unread mail."""
        self._report = report

    def run(self) -> PollResult:
        """Read all archives that may have new mails, and assemble their threads."""
        result = PollResult(0, 0)
        for archive in self._archives:
            if self._changes.take(archive.name):
                result = result.followed_by(self.read(archive))
            else:
                self._report(archive.name)
        return result.followed_by(self.assemble())

    def read(self, archive: Archive) -> PollResult:
        """Store the new mails of one archive."""
        mails, problems = 0, list[str]()
        try:
            with self._put_back_unread(archive.name):
                mails = self._ingest(archive, problems)
        except InboxError as error:
            self._outages.failed(archive.name, str(error))
            return PollResult(0, 0, problems=(*problems, str(error)))
        if not (isinstance(archive, Remote) and archive.is_failing):
            self._outages.worked(archive.name)
            if not self._stop.is_set():
                self._report(archive.name)
        return PollResult(mails, 0, problems=tuple(problems))

    def assemble(self) -> PollResult:
        """Thread the stored mails that were not read yet, and assemble the changed threads."""
        self._read()
        threads, unready = self._put_together()
        self._executor.close()
        return_free_memory()
        return PollResult(0, threads, unready)

    @contextmanager
    def _put_back_unread(self, name: str) -> Iterator[None]:
        """Let the next round read the source again if this round fails."""
        try:
            yield
        except BaseException:
            self._changes.put_back(name)
            raise

    def _ingest(self, archive: Archive, problems: list[str]) -> int:
        """Store the new mails of an archive, and return how many. Add a problem for each mail that is damaged."""
        cursors = self._store.cursors(archive.name)
        self._progress.start(f"reading {archive.name}", partial(archive.count, cursors))
        counts: Counter[str] = Counter()
        epochs: dict[str, str] = {}
        try:
            for batch, new in self._stored(archive, cursors):
                counts += Counter(new=new, skipped=len(batch.mails) - new, removed=len(batch.deleted))
                epochs[batch.epoch] = batch.cursor
                for unread in batch.unread:
                    event(
                        LogEvent.MAIL_QUARANTINED,
                        "warning",
                        list=archive.name,
                        origin=unread.origin,
                        reason=unread.reason,
                    )
                    if unread.is_damaged:
                        problems.append(f"the mail {unread.origin} was skipped: {unread.reason}")
                self._progress.advance(len(batch.mails) + len(batch.unread))
                self._memory.end_step()
                if self._stop.is_set():
                    break
        finally:  # What was ingested is stored already.
            if counts:
                cursor = "@".join(next(reversed(epochs.items())))
                new, skipped, removed = (counts[name] for name in ("new", "skipped", "removed"))
                fields = {"skipped": skipped, "removed": removed or None, "epochs": len(epochs), "cursor": cursor}
                event(LogEvent.MAILS_INGESTED, list=archive.name, new=new, **fields)
        return counts["new"]

    def _stored(self, archive: Archive, cursors: dict[str, str]) -> Iterator[tuple[Batch, int]]:
        """Store the batches of an archive, and yield each with the number of its new mails.

        Other processes read an archive with many new mails. What they cannot read is stored unread.
        """
        if not isinstance(archive, SharedArchive):
            for batch in archive.batches(cursors):
                yield batch, self._store.ingest(batch)
            return
        unread = self._unread(archive, cursors)
        while batches := list(islice(unread, _BATCHES)):
            results: Sequence[ReadBatch | Crashed | None] = [None] * len(batches)
            if sum(map(len, batches)) >= _MIN_SHARED:
                read = partial(read_batch, pack=self._store.pack, book=self._book())
                results = self._executor.map(read, batches, _BATCH_TIME)
            for listed, result in zip(batches, results, strict=True):
                if isinstance(result, ReadBatch):
                    yield result.batch, self._store.ingest_read(result)
                else:
                    batch = listed.read()
                    yield batch, self._store.ingest(batch)

    def _unread(self, archive: SharedArchive, cursors: dict[str, str]) -> Iterator[UnreadBatch]:
        """Yield the unread batches of an archive. Another process lists the mails of a new epoch, if it can."""
        for epoch in archive.unread(cursors):
            listed = self._executor.map(list_batches, [epoch], _BATCH_TIME)[0] if epoch.is_new else None
            yield from listed if isinstance(listed, list) else epoch.batches(_MAILS)

    def _read(self) -> None:
        count, _ = self._store.pending()
        self._progress.start("threading", count)
        while count and not self._stop.is_set() and self._thread_some():
            self._memory.end_step()

    def _thread_some(self) -> int:
        """Thread some mails. Return how many. Their memory is free before the next ones are loaded."""
        if not (mails := self._store.unparsed(_MAILS)):
            return 0
        read: list[ParsedMail] = []
        unread: list[ReadFailure] = []
        results = self._indexed(mails)
        for mail, result in zip(mails, results, strict=True):
            if isinstance(result, ParsedMail):
                read.append(result)
            else:
                unread.append(ReadFailure(mail.id, result.reason))
        self._store.index(read, unread)
        for mail, result in zip(mails, results, strict=True):
            if not isinstance(result, ParsedMail):
                tries = TRIES if isinstance(result, Crashed) and result.exceeded else 1
                where = {"list": mail.source, "origin": mail.mail.origin}
                event(LogEvent.MAIL_QUARANTINED, "warning", mail=mail.id, **where, reason=result.reason, tries=tries)
        self._progress.advance(len(mails))
        return len(mails)

    def _indexed(self, mails: Sequence[StoredMail]) -> list[ParsedMail | ReadFailure | Crashed]:
        """Read several mails for each exchange with a process. Those of a piece that fails are read one by one."""
        book = self._book()
        pieces = [mails[start : start + _PIECE] for start in range(0, len(mails), _PIECE)]
        indexed: list[ParsedMail | ReadFailure | Crashed] = []
        for piece, results in zip(pieces, self._executor.map(partial(index_all, book=book), pieces), strict=True):
            if isinstance(results, Crashed):
                indexed += self._executor.map(partial(index, book=book), piece)
            else:
                indexed += results
        return indexed

    def _put_together(self) -> tuple[int, tuple[Outcome, ...]]:
        _, count = self._store.pending()
        self._progress.start("assembling", count)
        done, unready = 0, list[Outcome]()
        while count and not self._stop.is_set() and (threads := self._assemble_some(unready)):
            self._memory.end_step()
            done += threads
        return done, tuple(unready)

    def _assemble_some(self, unready: list[Outcome]) -> int:
        """Assemble some threads. Return how many. Their memory is free before the next ones are loaded."""
        if not (threads := self._store.unassembled(_THREADS)):
            return 0
        results = self._executor.map(partial(postings_in, self._assemble, book=self._book()), threads, _THREAD_TIME)
        assembled = [
            (thread, () if isinstance(result, Crashed) else result)
            for thread, result in zip(threads, results, strict=True)
        ]
        completed = self._store.save_threads(assembled)
        for thread, result in zip(threads, results, strict=True):
            if isinstance(result, Crashed):
                tries = TRIES if result.exceeded else 1
                event(LogEvent.THREAD_QUARANTINED, "warning", thread=thread.id, reason=result.reason, tries=tries)
        postings = [encoded.posting for _, result in assembled for encoded in result]
        for posting in postings:
            if posting.message_id in completed:
                event(LogEvent.POSTING_COMPLETE, **series_fields(posting), patches=len(posting.series.patches))
        unready += [Outcome.of(posting) for posting in postings if not isinstance(posting.state, Complete)]
        self._progress.advance(len(threads))
        return len(threads)


def postings_in(assemble: Assemble, thread: Thread, book: AddressBook = NO_BOOK) -> Sequence[EncodedPosting]:
    """Return the postings in a thread, encoded as they are stored."""
    read = (parse(mail.raw, needs_recipients=needs_recipients) for mail in thread.mails)
    messages = [message for message in read if isinstance(message, Message)]
    mails = {
        mail.message_id: (thread.rows[mail.message_id], mail.raw) for mail in messages if mail.message_id in thread.rows
    }
    return [EncodedPosting.of(posting, mails) for posting in assemble(messages, book, thread.carriers)]


def list_batches(epoch: UnreadEpoch) -> list[UnreadBatch]:
    """Return the batches of an epoch."""
    return list(epoch.batches(_MAILS))


def read_batch(unread: UnreadBatch, pack: Callable[[Sequence[bytes]], Any], book: AddressBook = NO_BOOK) -> ReadBatch:
    """Read the mails of a batch, pack them for the store, and return what threading needs of them."""
    batch = unread.read()
    packed = pack([mail.raw for mail in batch.mails])
    indexed = [index(StoredMail(0, mail, batch.source, batch.provenance), book) for mail in batch.mails]
    mails = tuple(replace(mail, raw=b"") for mail in batch.mails)
    parsed = [mail if isinstance(mail, ParsedMail) else None for mail in indexed]
    return ReadBatch(replace(batch, mails=mails), packed, parsed)


def index(stored: StoredMail, book: AddressBook = NO_BOOK) -> ParsedMail | ReadFailure:
    """Return what threading needs of the mail, or why it cannot be read."""
    message = parse(stored.mail.raw, needs_recipients=origin.needs_recipients)
    if isinstance(message, UnreadableMail):
        return ReadFailure(stored.id, message.reason)
    related = dict.fromkeys((*message.references[:1], *relatives(message)[-_RELATED:], message.in_reply_to))
    related.pop(message.message_id, None)
    return ParsedMail(
        mail=stored.id,
        message_id=message.message_id,
        related=tuple(related_id for related_id in related if related_id),
        digest=digest(message),
        carriers=origin.carriers(message, book, stored.source) if stored.provenance is Provenance.FOLLOWED else (),
        provenance=stored.provenance,
        in_reply_to=message.in_reply_to if message.in_reply_to and not is_automatic(message) else "",
        earlier_digest=_digest(message, message.subject, message.body),
        changes_postings=needs_recipients(message),
    )


def index_all(stored: Sequence[StoredMail], book: AddressBook = NO_BOOK) -> list[ParsedMail | ReadFailure]:
    """Return for each mail what `index` returns."""
    return [index(mail, book) for mail in stored]


def digest(message: Message) -> str:
    """Return a digest of title, author and text: equal for copies of a mail that came through different lists.

    A list may put its tag before the subject, and its footer below the diff.
    """
    text = _without_footer(message.body.replace("\r\n", "\n")).rstrip()
    return _digest(message, count_and_title(message.subject)[1] or message.subject, text)


def _digest(message: Message, title: str, text: str) -> str:
    author = origin.original_author(message, NO_BOOK)
    parts = (title, author.key if author else "", text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _without_footer(text: str) -> str:
    """Return the text up to the signature or rule below the last hunk; all of it if it has no hunks."""
    hunk = text.rfind("\n@@ -")
    footer = _FOOTER.search(text, hunk) if hunk >= 0 else None
    return text if footer is None else text[: footer.start()]
