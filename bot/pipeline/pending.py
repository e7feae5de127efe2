# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare an analysed posting with the pending postings, in the process of the caller: only digests are compared."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import Protocol

from bot.mail.posting import Posting
from bot.pipeline.analyse import Analysis
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Crashed
from bot.ports.pending import MAX_CANDIDATES, FoundCollision, PendingUpdate
from bot.review.pending import PendingPosting, are_related, continues, pending_posting
from rules.bindings.pending_facts import PendingKind
from rules.checks.bindings import collides_with_pending
from rules.finding import Report
from rules.lazy import replace
from rules.lint.engine import compare_pending


class PendingSource(Protocol):
    """The part of bot.ports.PendingStore that a comparison needs."""

    def pending_with(self, keys: Iterable[tuple[PendingKind, str]]) -> Sequence[PendingPosting]:
        """Return the pending postings that have any of these facts, newest first, up to a limit."""

    def topics_of(self, message_ids: Collection[str]) -> frozenset[str]:
        """Return the topics of the postings in the threads of these mails."""


def compare_posting(
    posting: Posting,
    analysis: Analysis | Crashed,
    source: PendingSource,
    context: ReviewContext,
    arrived: datetime,
    now: datetime,
) -> tuple[Analysis | Crashed, PendingUpdate | None]:
    """Return the analysis with the collisions of the posting, and what the store must know of it.

    The analysis is unchanged, and the update None, if no pending postings are compared.
    """
    if isinstance(analysis, Crashed) or not context.pending:
        return analysis, None
    pending = make_pending(posting, analysis, arrived)
    return (analysis, None) if pending is None else compare(pending, analysis, source, context, now)


def make_pending(posting: Posting, analysis: Analysis, arrived: datetime) -> PendingPosting | None:
    """Return the posting, which arrived then, as a pending one; None if its analysis does not say what it does."""
    sent = arrived if posting.date is None else min(posting.date, arrived)
    if analysis.pending_posting is not None:
        return replace(analysis.pending_posting, sent=sent)
    if analysis.pending is None:
        return None
    return pending_posting(posting, analysis.pending, sent)


def compare(
    pending: PendingPosting, analysis: Analysis, source: PendingSource, context: ReviewContext, now: datetime
) -> tuple[Analysis, PendingUpdate]:
    """Return the analysis with the collisions of a pending posting, and what the store must know of it."""
    oldest = now - context.pending
    others = [other for other in source.pending_with(pending.facts.partner_keys) if other.sent >= oldest]
    strangers = list(unrelated(pending, others, source))
    report = compare_pending(context.rules, analysis.report, pending.facts, strangers)
    collisions = tuple(_collisions(report, strangers))
    return replace(analysis, report=report), PendingUpdate(pending, oldest, collisions)


def unrelated(
    pending: PendingPosting, others: Sequence[PendingPosting], source: PendingSource
) -> Iterator[PendingPosting]:
    """Yield the other postings whose authors and this one's do not show that they know of each other."""
    topics = source.topics_of(pending.mentions) if others else frozenset()
    for other in others:
        # A cheap comparison comes first: most related postings need no look-up.
        if not are_related(pending, other, topics) and pending.topic not in source.topics_of(other.mentions):
            yield other


def _collisions(report: Report, others: Sequence[PendingPosting]) -> Iterator[FoundCollision]:
    """Yield the collisions in the report, the first one with each posting."""
    by_id = {other.message_id: other for other in others}
    for finding in report.findings:
        facts = dict(finding.facts)
        if finding.rule == collides_with_pending.RULE.id and facts[collides_with_pending.OTHER_ID] in by_id:
            other = by_id.pop(facts[collides_with_pending.OTHER_ID])
            kind = PendingKind(facts[collides_with_pending.KIND])
            yield FoundCollision(other, kind, facts[collides_with_pending.NAME])


class PendingMemory:
    """The pending postings of a replay, in memory: bot.ports.PendingStore without a database."""

    def __init__(self) -> None:
        self._postings: dict[str, PendingPosting] = {}
        # By key, the times and ids of the postings, oldest first; and those of all postings, as a heap.
        self._by_key: dict[tuple[PendingKind, str], list[tuple[datetime, str]]] = {}
        self._by_time: list[tuple[datetime, str]] = []
        self._by_topic: dict[str, str] = {}
        self._topics: dict[str, str] = {}

    def pending_with(self, keys: Iterable[tuple[PendingKind, str]]) -> Sequence[PendingPosting]:
        newest = {entry for key in keys for entry in self._by_key.get(key, ())[-MAX_CANDIDATES:]}
        return [self._postings[message_id] for _, message_id in sorted(newest, reverse=True)[:MAX_CANDIDATES]]

    def topics_of(self, message_ids: Collection[str]) -> frozenset[str]:
        return frozenset(self._topics[name] for name in message_ids if name in self._topics)

    def note_topic(self, posting: Posting) -> None:
        """Note the topic of a posting, also of one that is refused: another posting may mention it."""
        ids = (message_id for part in posting.parts for message_id in (part.message_id, *part.references))
        self._topics.update(dict.fromkeys(ids, posting.topic))

    def update(self, update: PendingUpdate) -> None:
        """Add a posting in the place of earlier revisions of its series, and remove the old postings."""
        posting = update.posting
        while self._by_time and self._by_time[0][0] < update.oldest:
            sent, message_id = heappop(self._by_time)
            if message_id in self._postings and self._postings[message_id].sent == sent:
                self._remove(message_id)
        earlier = self._by_topic.get(posting.topic)
        if earlier is not None:
            other = self._postings[earlier]
            if (other.revision, other.sent) > (posting.revision, posting.sent):
                return
            self._remove(earlier)
        for message_id in posting.earlier:
            if message_id in self._postings and continues(posting, self._postings[message_id]):
                self._remove(message_id)
        self._postings[posting.message_id] = posting
        self._by_topic[posting.topic] = posting.message_id
        entry = posting.sent, posting.message_id
        heappush(self._by_time, entry)
        for key in posting.facts.keys:
            insort(self._by_key.setdefault(key, []), entry)

    def _remove(self, message_id: str) -> None:
        posting = self._postings.pop(message_id)
        del self._by_topic[posting.topic]
        for key in posting.facts.keys:
            entries = self._by_key[key]
            del entries[bisect_left(entries, (posting.sent, message_id))]
            if not entries:
                del self._by_key[key]
