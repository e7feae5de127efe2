# SPDX-License-Identifier: GPL-2.0-or-later
"""Run all steps over whole archives, from raw mails to the mails that would be sent. Nothing is stored or sent.

Mails are written into a spool and indexed. Worker processes with limits assemble and analyse the threads with patches.
Reviews are made here, one after the other in the order in which the postings were sent, because a review needs the
review of the previous revision and the postings that were pending then.
"""

import pickle
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import lru_cache, partial
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

from bot.inbox.assemble import assemble, needs_recipients
from bot.kernel.specs import RepositorySpecs
from bot.mail.message import Message
from bot.mail.packed import pack, unpack
from bot.mail.parse import parse
from bot.mail.posting import MAX_EARLIER, NO_DATE, Posting
from bot.mail.posting_codec import without_hunks
from bot.mail.refusal import SETTLE, Refusal, RefusalContext, RefusalTerms, refuse_posting, refuse_repeat
from bot.mail.revision_links import KnownRevision, RevisionLink, find_continued_topic, known_revision, revision_links
from bot.pipeline.analyse import Analysis, AnalysisInput, analyse, without_texts
from bot.pipeline.context import ReviewContext, choose_rules
from bot.pipeline.pending import PendingMemory, compare
from bot.pipeline.process import ReviewResult, process
from bot.pipeline.replay_index import Indexer, ReadingDone, ReplayThread, UnreadableInput
from bot.pipeline.spool import Mails, Slot, Spool, SpoolPlace
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, StreamExecutor
from bot.pool.memory import return_free_memory
from bot.pool.worker import Limits, packed
from bot.ports.archive import Archive
from bot.ports.pending import FoundCollision
from bot.ports.raw_mail import UnreadMail
from bot.ports.running import Progress
from bot.review.consent import NitLists
from bot.review.history import History
from bot.review.pending import PendingPosting, pending_posting
from rules.finding import Report
from rules.lazy import dataclass, field, replace
from rules.lint.rule import Rule

if TYPE_CHECKING:
    from bot.kernel.base import Base

_BATCH_MAILS: Final = 50
_SPOOL_BUFFER: Final = 1 << 20  # bytes, about one piece: a write of a mail takes longer than copying it
LIMITS: Final = Limits(seconds=120.0)  # The longest threads have hundreds of patches.


@dataclass(frozen=True, slots=True)
class ReplayedPosting:
    """A posting with its review and its mail, and the kernel that it was analysed against, if any."""

    result: ReviewResult
    base: "Base | None" = None


@dataclass(frozen=True, slots=True)
class RefusedPosting:
    """A posting that the service would not review."""

    posting: Posting
    refusal: Refusal


ReplayEvent = UnreadableInput | Crashed | ReadingDone | ReplayedPosting | RefusedPosting


@dataclass(frozen=True, slots=True)
class _Read:
    """A posting without its texts, its analysis or why it is refused, and the digest of its diffs.

    `pending` is what is compared with other postings, None for a refused posting. `replied` is the topic of the
    series that it continues in reply to it, "" if there is none, and `links` are those to its earlier revisions.
    """

    posting: Posting
    outcome: Analysis | Refusal
    digest: str
    pending: PendingPosting | None = None
    replied: str = ""
    links: tuple[RevisionLink, ...] = ()


_Waiting = tuple[datetime, int, bytes, ReplayThread]
"""A posting that was analysed: when it was sent, its number, its packed `_Read`, and its thread."""


def replay(
    archives: Sequence[Archive],
    repositories: RepositorySpecs,
    context: ReviewContext,
    since: datetime | None,
    jobs: int,
    progress: Progress,
    cluster: StreamExecutor | None = None,
) -> Iterator[ReplayEvent]:
    """Yield the outcome of each mail and posting, in the same order for any number of `jobs`, and for any cluster.

    With a cluster, its workers with LIMITS read and analyse, in the place of processes on this machine.
    Mails are in the order of the archives, postings in the order in which they were sent. `since` leaves out mails that
    came, and postings that were sent, before that time. Raises InboxError for an archive that cannot be read.
    """
    repositories.check()  # An error in them is raised now, not once per thread.
    with (
        tempfile.NamedTemporaryFile(prefix="patchwarden-replay-", buffering=_SPOOL_BUFFER) as file,
        ProcessExecutor(jobs, LIMITS) as processes,
        ProcessExecutor(1, LIMITS) as reader,
    ):
        rules, author_rules = (
            tuple(map(without_texts, of_scope)) for of_scope in (context.rules, context.author_rules)
        )
        workers: StreamExecutor = processes if cluster is None else cluster
        place = SpoolPlace(file.name, () if cluster is None else tuple(_git_paths(archives)))
        setup = _WorkerSetup(rules, repositories, context.terms, author_rules, context.nit_lists)
        threads_with_patches: list[ReplayThread] = []
        progress.start("reading", lambda: sum(archive.count({}) for archive in archives))
        unread: list[UnreadMail] = []
        pieces = _spooled(archives, Spool(file), since, progress, unread)
        yield from Indexer(place, workers, reader, progress).index(pieces, threads_with_patches)
        yield from (UnreadableInput(mail.origin, mail.reason) for mail in unread)
        return_free_memory()
        progress.start("reviewing", len(threads_with_patches))
        # If the caller stops early, the results end before the processes, which wait for them.
        with closing(_analysed(threads_with_patches, since, workers, packed(setup), progress)) as analysed:
            yield from _Reviewer(context, reader).review(analysed)


@dataclass(frozen=True, slots=True)
class _WorkerSetup:
    """The data of a worker: the rules, the kernel repositories, and what is refused.

    The rules of scope `author` are run on the postings for which lists ask.
    """

    rules: tuple[Rule, ...]
    repositories: RepositorySpecs
    terms: RefusalTerms
    author_rules: tuple[Rule, ...] = ()
    nit_lists: NitLists = field(default_factory=NitLists)


def _git_paths(archives: Iterable[Archive]) -> Iterator[str]:
    from bot.inbox.git_archive import GitArchive

    return (str(archive.path.absolute()) for archive in archives if isinstance(archive, GitArchive))


def _spooled(
    archives: Iterable[Archive], spool: Spool, since: datetime | None, progress: Progress, unread: list[UnreadMail]
) -> Iterator[list[Slot]]:
    """Yield where the mails are in the spool, in pieces. Add the mails that are not read."""
    for archive in archives:
        for batch in archive.batches({}, _BATCH_MAILS):
            mails = [mail for mail in batch.mails if since is None or mail.arrived >= since]
            unread += (mail for mail in batch.unread if since is None or mail.arrived >= since)
            progress.advance(len(batch.mails) - len(mails) + len(batch.deleted) + len(batch.unread))
            if mails:
                yield spool.put((mail.origin, mail.raw) for mail in mails)


def _analysed(
    threads_with_patches: Sequence[ReplayThread],
    since: datetime | None,
    workers: StreamExecutor,
    setup: bytes,
    progress: Progress,
) -> Generator[tuple[_Read, ReplayThread] | Crashed]:
    """Yield the postings in the order in which they were sent: none is older than the first mail of its thread."""
    waiting: list[_Waiting] = []
    numbers = count()
    analysed = workers.stream(partial(_analyse_thread, setup), (thread.mails for thread in threads_with_patches))
    for thread, outcome in zip(threads_with_patches, analysed, strict=True):
        while waiting and waiting[0][0] < thread.start:
            yield _unpack_first(waiting)
        if isinstance(outcome, Crashed):
            yield Crashed(f"thread of mail {thread.mails.origin(0)}: {outcome.reason}")
        for date, read in () if isinstance(outcome, Crashed) else outcome:
            if since is None or (date is not None and date >= since):
                heappush(waiting, (date or NO_DATE, next(numbers), read, thread))
        progress.advance()
    while waiting:
        yield _unpack_first(waiting)


def _unpack_first(waiting: list[_Waiting]) -> tuple[_Read, ReplayThread]:
    """Remove the posting that was sent first, and return it with its thread."""
    *_, read, thread = heappop(waiting)
    return pickle.loads(unpack(read)), thread  # noqa: S301 our own process wrote it


class _Reviewer:
    """Reviews postings in the order in which they were sent; it knows the earlier ones.

    `first_postings` has the diffs that were posted before, `revisions` the postings by the message-ids of their parts.
    `reader` reads a thread again whose patches a review quotes.
    """

    def __init__(self, context: ReviewContext, reader: ProcessExecutor) -> None:
        self._context = context
        self._reader = reader
        self._history = History()
        self._pending = PendingMemory()
        self._first_postings: dict[tuple[str, int, str], str] = {}
        self._revisions: dict[str, KnownRevision] = {}

    def review(self, analysed: Iterable[tuple[_Read, ReplayThread] | Crashed]) -> Iterator[ReplayEvent]:
        """Yield the review of each posting, or why it is refused."""
        for item in analysed:
            yield item if isinstance(item, Crashed) else self._review(*item)

    def _review(self, read: _Read, thread: ReplayThread) -> ReplayEvent:
        posting, outcome = read.posting, read.outcome
        sent = posting.date or NO_DATE
        self._pending.note_topic(posting)
        self._revisions.update(dict.fromkeys((part.message_id for part in posting.parts), known_revision(posting)))
        continued = find_continued_topic(posting, read.replied, read.links, self._revisions.get)
        if isinstance(outcome, Analysis) and read.digest:
            keys = [(topic, posting.series.revision, read.digest) for topic in (posting.topic, continued)]
            first = next(filter(None, map(self._first_postings.get, keys)), posting.message_id)
            self._first_postings[keys[0]] = first
            if first != posting.message_id:
                outcome = refuse_repeat(first)
        if isinstance(outcome, Refusal):
            return RefusedPosting(posting, outcome)
        collisions: tuple[FoundCollision, ...] = ()
        if read.pending is not None:
            outcome, update = compare(read.pending, outcome, self._pending, self._context, sent)
            self._pending.update(update)
            collisions = update.collisions
        previous = self._history.previous(posting, continued)
        result = process(posting, outcome, previous, self._context, sent, sent)
        if collisions and isinstance(result, ReviewResult) and result.outgoing is not None:
            posting = self._with_diffs(posting, outcome.report, thread)  # the mail quotes them
            result = process(posting, outcome, previous, self._context, sent, sent)
        if isinstance(result, Crashed):
            return Crashed(f"posting {posting.message_id}: {result.reason}")
        self._history.remember(result.review)
        return ReplayedPosting(result, outcome.base)

    def _with_diffs(self, posting: Posting, report: Report, thread: ReplayThread) -> Posting:
        """Return the posting with the diffs of all patches that have a finding now."""
        (again,) = self._reader.map(partial(_read_again, thread.mails, report), [posting.message_id])
        return posting if isinstance(again, Crashed) or again is None else again


# What follows runs in the workers; each opens what it needs once.
@lru_cache(maxsize=1)
def _unpacked(setup: bytes) -> _WorkerSetup:
    """Return the setup, which is sent with every piece of work, and read once."""
    unpacked: _WorkerSetup = pickle.loads(setup)  # noqa: S301 our own process wrote it
    return unpacked


def _read_thread(mails: Mails) -> tuple[Posting, ...]:
    parsed = (parse(raw, needs_recipients=needs_recipients) for raw in mails.read())
    return assemble([message for message in parsed if isinstance(message, Message)])


def _analyse_thread(packed_setup: bytes, mails: Mails) -> list[tuple[datetime | None, bytes]]:
    """Return the postings of a thread with what the rules find in them, or why the service would refuse them.

    Each is packed, with its date: all findings in a thread of many revisions would not fit into the memory.
    """
    setup = _unpacked(packed_setup)
    done: list[tuple[datetime | None, bytes]] = []
    earlier: list[Posting] = []
    postings = deque(_read_thread(mails))
    while postings:
        posting = postings.popleft()
        sent = posting.date or NO_DATE
        answered = posting.replied_to(earlier)
        repeats = answered.message_id if answered is not None and posting.repeats_part_of(answered) else ""
        refusal_context = RefusalContext(sent, sent, answers=answered, repeats=repeats)
        refusal = refuse_posting(posting, refusal_context, sent + SETTLE, setup.terms)
        if refusal is not None:
            read = _Read(_light(posting, Report()), refusal, "")
        else:
            rules = choose_rules(posting, setup.rules, setup.author_rules, setup.nit_lists)
            analysis = analyse(AnalysisInput(posting.series, posting.date, rules, setup.repositories))
            light, facts = _light(posting, analysis.report), analysis.pending
            pending = None if facts is None else pending_posting(posting, facts, sent)
            analysis, replied = replace(analysis, blobs={}, pending=None), posting.continued_topic(answered)
            read = _Read(light, analysis, posting.diffs_digest, pending, replied, revision_links(posting))
        done.append((posting.date, pack(packed(read))))
        if len(earlier) < MAX_EARLIER:  # the memory of others is free after their analysis
            earlier.append(posting)
    return done


def _read_again(mails: Mails, report: Report, message_id: str) -> Posting | None:
    """Return a posting of a thread with the diffs of the patches that have a finding."""
    postings = _read_thread(mails)
    return next((_light(posting, report) for posting in postings if posting.message_id == message_id), None)


def _light(posting: Posting, report: Report) -> Posting:
    """Return the posting without what no review needs: texts of mails, and hunks of patches without a finding."""
    with_findings = {finding.anchor.patch for finding in report.findings}
    patches = tuple(patch if patch.index in with_findings else without_hunks(patch) for patch in posting.series.patches)
    parts = tuple(replace(part, body="") for part in posting.parts)
    return replace(posting, parts=parts, series=replace(posting.series, patches=patches, cover=""))
