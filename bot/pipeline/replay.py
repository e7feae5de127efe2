# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole line over archives in one go, from raw mails to the mails that would be sent; nothing is stored or sent.

Mails are read into a spool and indexed, threads with patches in them are put together and judged in bounded worker
processes, and reviews are made here, one after the other, because a revision's review needs the previous one's.
"""

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Final

from bot.inbox.assemble import assemble, candidate
from bot.inbox.thread import threads
from bot.kernel.base import Base
from bot.kernel.repositories import KernelTrees, RepositorySpecs
from bot.mail.compose import ComposeRefused, compose
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import parse
from bot.mail.posting import Posting
from bot.mail.reply import Identity, Reply
from bot.pipeline.analyse import Analysis, AnalysisInput, bare, judged
from bot.pipeline.spool import Reader, Slot, Spool
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from bot.ports import Archive, Progress
from bot.review.history import History
from bot.review.mail_lint import problems
from bot.review.model import Review
from bot.review.policy import Policy
from bot.review.recipients import RecipientContext
from bot.review.reply import reply
from bot.review.review import review
from rules.finding import Report
from rules.lint.rule import Rule

_MAILS: Final = 250
_LIMITS: Final = Limits(seconds=120.0)  # the longest threads have hundreds of patches


@dataclass(frozen=True, slots=True)
class UnreadableInput:
    """A mail that could not be read."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplayedPosting:
    """A posting with its review, and the mail it would make: `held` says what the lint objects to, or the composer.

    `base` is the kernel it was judged against.
    """

    review: Review
    reply: Reply | None = None
    content: bytes | None = None
    held: tuple[str, ...] = ()
    base: Base | None = None


@dataclass(frozen=True, slots=True)
class ReadingDone:
    """The reading is done: how many mails, how many of them are kept, how many threads have patches in them."""

    mails: int
    threads: int


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """What every posting is judged by."""

    rules: tuple[Rule, ...]
    policy: Policy
    identity: Identity
    places: RepositorySpecs = field(default_factory=RepositorySpecs)
    context: RecipientContext = field(default_factory=RecipientContext)


ReplayEvent = UnreadableInput | Crashed | ReadingDone | ReplayedPosting
_Judged = tuple[Posting, Analysis]


def replay(
    archives: Sequence[Archive], replay_context: ReplayContext, since: datetime | None, jobs: int, progress: Progress
) -> Iterator[ReplayEvent]:
    """What becomes of each mail and posting, in the order of the archives whatever `jobs` is.

    `since` leaves out mails that came, and postings that were sent, before that time. Raises InboxError for an archive
    that cannot be read.
    """
    KernelTrees(replay_context.places)  # what is wrong with them is said now, not of each thread
    with tempfile.NamedTemporaryFile(prefix="patchwarden-replay-") as file, ProcessExecutor(jobs, _LIMITS) as workers:
        setup = _WorkerSetup(file.name, tuple(map(bare, replay_context.rules)), replay_context.places)
        found: list[tuple[Slot, ...]] = []
        progress.start("reading", sum(archive.count({}) for archive in archives))
        slots = _spooled(archives, Spool(file), since, progress)
        yield from _index(slots, workers, setup, progress, found)
        yield from _judge(found, replay_context, since, workers, setup, progress)


@dataclass(frozen=True, slots=True)
class _WorkerSetup:
    """What a worker needs to know: the spool's path, the rules, and where the kernels are."""

    path: str
    rules: tuple[Rule, ...]
    places: RepositorySpecs


def _index(
    slots: Iterator[Slot],
    workers: ProcessExecutor,
    setup: _WorkerSetup,
    progress: Progress,
    found: list[tuple[Slot, ...]],
) -> Iterator[ReplayEvent]:
    """Reads everything; the threads with patches in them go into `found`."""
    first: dict[str, Slot] = {}
    light: list[Message] = []
    patches: set[str] = set()
    mails = 0
    taken: deque[Slot] = deque()
    for indexed in workers.stream(partial(_index_mail, setup), _noted(slots, taken)):
        slot = taken.popleft()
        mails += 1
        if isinstance(indexed, Crashed):
            yield Crashed(f"mail {slot.origin}: {indexed.reason}")
        elif isinstance(indexed, UnreadableMail):
            yield UnreadableInput(slot.origin, indexed.reason)
        elif indexed[0].message_id not in first:
            message, patch = indexed
            first[message.message_id] = slot
            light.append(message)
            patches |= {message.message_id} if patch else set()
        progress.advance()
    for thread in threads(light):
        ids = [message.message_id for message in thread]
        if not patches.isdisjoint(ids):
            found.append(tuple(first[each] for each in ids))
    yield ReadingDone(mails, len(found))


def _noted(slots: Iterator[Slot], taken: deque[Slot]) -> Iterator[Slot]:
    for slot in slots:
        taken.append(slot)
        yield slot


def _spooled(archives: Iterable[Archive], spool: Spool, since: datetime | None, progress: Progress) -> Iterator[Slot]:
    for archive in archives:
        for batch in archive.batches({}, _MAILS):
            kept = [mail for mail in batch.mails if since is None or mail.arrived >= since]
            progress.advance(len(batch.mails) - len(kept) + len(batch.deleted))
            yield from spool.put((mail.origin, mail.raw) for mail in kept)


def _judge(
    found: Sequence[tuple[Slot, ...]],
    replay_context: ReplayContext,
    since: datetime | None,
    workers: ProcessExecutor,
    setup: _WorkerSetup,
    progress: Progress,
) -> Iterator[ReplayEvent]:
    progress.start("reviewing", len(found))
    history = History()
    for slots, thread in zip(found, workers.stream(partial(_judge_thread, setup), found), strict=True):
        if isinstance(thread, Crashed):
            yield Crashed(f"thread of mail {slots[0].origin}: {thread.reason}")
        for posting, one in () if isinstance(thread, Crashed) else thread:
            if since is None or (posting.date is not None and posting.date >= since):
                previous = history.previous(posting)
                made = review(
                    posting,
                    one.report,
                    replay_context.rules,
                    previous,
                    replay_context.policy,
                    one.delta,
                    replay_context.context,
                )
                history.remember(made)
                yield _played(replace(made, basis=one.basis), replay_context, one.base)
        progress.advance()


def _played(made: Review, replay_context: ReplayContext, base: Base | None) -> ReplayedPosting:
    answer = reply(made, replay_context.rules, replay_context.identity)
    if answer is None:
        return ReplayedPosting(made, base=base)
    content = compose(answer)
    if isinstance(content, ComposeRefused):
        return ReplayedPosting(made, answer, held=(content.reason,), base=base)
    return ReplayedPosting(made, answer, content, tuple(problems(answer.body)), base)


# What follows runs in the workers; each opens what it needs once.
_reader = lru_cache(maxsize=1)(Reader)


def _index_mail(setup: _WorkerSetup, slot: Slot) -> tuple[Message, bool] | UnreadableMail:
    """The mail without its text, and whether it is a patch."""
    message = parse(_reader(setup.path).get(slot))
    if isinstance(message, UnreadableMail):
        return replace(message, raw=b"")
    bare = replace(message, to=(), cc=(), reply_to=(), body="", headers=(), raw=b"")
    return bare, candidate(message) is not None


def _judge_thread(setup: _WorkerSetup, slots: Sequence[Slot]) -> list[_Judged]:
    """The postings of a thread with what the rules find in them."""
    read = (parse(_reader(setup.path).get(slot)) for slot in slots)
    done: list[_Judged] = []
    for posting in assemble([message for message in read if isinstance(message, Message)]):
        found = judged(AnalysisInput(posting.series, posting.date, setup.rules, setup.places, {}))
        done.append((_light(posting, found.report), replace(found, blobs={})))
    return done


def _light(posting: Posting, report: Report) -> Posting:
    """The posting without what no review needs: the mails' texts, and the diffs of patches of which nothing is said."""
    said = {finding.anchor.patch for finding in report.findings}
    patches = tuple(patch if patch.index in said else replace(patch, changes=()) for patch in posting.series.patches)
    parts = tuple(replace(part, body="") for part in posting.parts)
    return replace(posting, parts=parts, series=replace(posting.series, patches=patches, cover=""))
