# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole line over archives in one go, from raw mails to the mails that would be sent; nothing is stored or sent.

Mails are read into a spool and indexed, threads with patches in them are put together and judged in worker processes,
and reviews are made here, one after the other, because a revision's review needs the previous one's.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from bot.inbox.assemble import assemble, candidate
from bot.inbox.thread import threads
from bot.jobs.isolation import Broken, isolated
from bot.jobs.spool import Reader, Slot, Spool
from bot.jobs.spread import Spread, workers
from bot.kernel.base import Base
from bot.kernel.kernels import Kernels, Places
from bot.mail.compose import Refused, compose
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import parse
from bot.mail.posting import Posting
from bot.ports import Archive, Progress
from bot.review.comment import Identity, Reply, Review
from bot.review.history import History
from bot.review.lint import problems
from bot.review.policy import Policy
from bot.review.reply import reply
from bot.review.review import review
from rules.delta import UnsafeDelta, of_series
from rules.engine import judge, view
from rules.finding import Report
from rules.registry import by_id
from rules.rule import Rule

_MAILS: Final = 250
_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class Unread:
    """A mail that could not be read."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Played:
    """A posting with its review, and the mail it would make: `held` says what the lint objects to, or the composer.

    `base` is the kernel it was judged against.
    """

    review: Review
    reply: Reply | None = None
    content: bytes | None = None
    held: tuple[str, ...] = ()
    base: Base | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The reading is done: how many mails, how many of them are kept, how many threads have patches in them."""

    mails: int
    threads: int


@dataclass(frozen=True, slots=True)
class Desk:
    """What every posting is judged by."""

    rules: tuple[Rule, ...]
    policy: Policy
    identity: Identity
    places: Places = field(default_factory=Places)


Event = Unread | Broken | Read | Played
_Judged = tuple[Posting | Broken, Base | None, Report, UnsafeDelta]


def replay(
    archives: Sequence[Archive], desk: Desk, since: datetime | None, jobs: int, progress: Progress
) -> Iterator[Event]:
    """What becomes of each mail and posting, in the order of the archives whatever `jobs` is.

    `since` leaves out mails that came, and postings that were sent, before that time. Raises InboxError for an archive
    that cannot be read.
    """
    try:
        with (
            tempfile.NamedTemporaryFile(prefix="patchwarden-replay-") as file,
            workers(jobs, _prepare, file.name, [rule.id for rule in desk.rules], desk.places) as spread,
        ):
            found: list[tuple[Slot, ...]] = []
            yield from _index(archives, Spool(file), since, spread, progress, found)
            yield from _judge(found, desk, since, spread, progress)
    finally:
        _finish()


def _index(
    archives: Sequence[Archive],
    spool: Spool,
    since: datetime | None,
    spread: Spread,
    progress: Progress,
    found: list[tuple[Slot, ...]],
) -> Iterator[Event]:
    """Reads everything; the threads with patches in them go into `found`."""
    total = sum(archive.count({}) for archive in archives)
    progress.start("reading", total)
    slots: dict[str, Slot] = {}
    light: list[Message] = []
    patches: set[str] = set()
    mails = 0
    for indexed in spread(_index_mails, _spooled(archives, spool, since, progress)):
        for slot, message, patch in indexed:
            mails += 1
            if isinstance(message, Message):
                if message.message_id not in slots:
                    slots[message.message_id] = slot
                    light.append(message)
                    patches |= {message.message_id} if patch else set()
            elif isinstance(message, UnreadableMail):
                yield Unread(slot.origin, message.reason)
            else:
                yield message
        progress.advance(len(indexed))
    for thread in threads(light):
        ids = [message.message_id for message in thread]
        if not patches.isdisjoint(ids):
            found.append(tuple(slots[each] for each in ids))
    yield Read(mails, len(found))


def _spooled(
    archives: Iterable[Archive], spool: Spool, since: datetime | None, progress: Progress
) -> Iterator[list[Slot]]:
    for archive in archives:
        for batch in archive.batches({}, _MAILS):
            kept = [mail for mail in batch.mails if since is None or mail.arrived >= since]
            progress.advance(len(batch.mails) - len(kept) + len(batch.deleted))
            yield spool.put((mail.origin, mail.raw) for mail in kept)


def _judge(
    found: Sequence[tuple[Slot, ...]], desk: Desk, since: datetime | None, spread: Spread, progress: Progress
) -> Iterator[Event]:
    progress.start("reviewing", len(found))
    chunks = [found[start : start + _THREADS] for start in range(0, len(found), _THREADS)]
    history = History()
    for chunk, judged in zip(chunks, spread(_judge_threads, chunks), strict=True):
        for posting, base, report, delta in judged:
            if isinstance(posting, Broken):
                yield posting
            elif since is None or (posting.date is not None and posting.date >= since):
                made = review(posting, report, desk.rules, history.previous(posting), desk.policy, delta)
                history.remember(made)
                yield replace(_played(made, desk), base=base)
        progress.advance(len(chunk))


def _played(made: Review, desk: Desk) -> Played:
    answer = reply(made, desk.rules, desk.identity)
    if answer is None:
        return Played(made)
    content = compose(answer)
    if isinstance(content, Refused):
        return Played(made, answer, held=(content.reason,))
    return Played(made, answer, content, tuple(problems(answer.body)))


# What follows runs in the workers; each has one reader and one set of rules.
_reader: list[Reader] = []
_rules: list[Rule] = []
_kernels: list[Kernels] = []


def _prepare(path: str, ids: Sequence[str], places: Places) -> None:
    _finish()
    _kernels.append(Kernels(places))
    _reader.append(Reader(path))
    _rules.extend(rule for rule in map(by_id, ids) if rule is not None)


def _finish() -> None:
    while _reader:
        _reader.pop().close()
    _kernels.clear()
    _rules.clear()


def _index_mails(slots: Sequence[Slot]) -> list[tuple[Slot, Message | UnreadableMail | Broken, bool]]:
    """Each mail without its text, and whether it is a patch."""
    done: list[tuple[Slot, Message | UnreadableMail | Broken, bool]] = []
    for slot in slots:
        raw = _reader[0].get(slot)
        message = isolated(f"mail {slot.origin}", partial(parse, raw))
        if isinstance(message, Message):
            patch = isolated(f"mail {slot.origin}", partial(candidate, message))
            bare = replace(message, to=(), cc=(), reply_to=(), body="", headers=(), raw=b"")
            done.append((slot, patch if isinstance(patch, Broken) else bare, patch is not None))
        else:
            done.append((slot, replace(message, raw=b"") if isinstance(message, UnreadableMail) else message, False))
    return done


def _judge_threads(found: Sequence[tuple[Slot, ...]]) -> list[_Judged]:
    """The postings of each thread with what the rules find in them."""
    done: list[_Judged] = []
    for slots in found:
        read = (parse(_reader[0].get(slot)) for slot in slots)
        messages = [message for message in read if isinstance(message, Message)]
        postings = isolated(f"thread {slots[0].origin}", partial(assemble, messages))
        if isinstance(postings, Broken):
            done.append((postings, None, Report(), UnsafeDelta()))
            continue
        for posting in postings:
            tree, base = _kernels[0].tree(posting.series, posting.date)
            shown = view(posting.series, tree)
            report = judge(_rules, shown)
            done.append((_light(posting, report), base, report, of_series(shown)))
    return done


def _light(posting: Posting, report: Report) -> Posting:
    """The posting without what no review needs: the mails' texts, and the diffs of patches of which nothing is said."""
    said = {finding.anchor.patch for finding in report.findings}
    patches = tuple(patch if patch.index in said else replace(patch, changes=()) for patch in posting.series.patches)
    parts = tuple(replace(part, body="") for part in posting.parts)
    return replace(posting, parts=parts, series=replace(posting.series, patches=patches, cover=""))
