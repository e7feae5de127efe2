# SPDX-License-Identifier: GPL-2.0-or-later
"""Rebuild the table of pending postings from the stored postings."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from bot.pipeline.analyse import AnalyserProtocol, Analysis
from bot.pipeline.context import ReviewContext
from bot.pipeline.pending import make_pending
from bot.ports.pending import PendingStore
from bot.ports.postings import DuePosting
from bot.ports.running import Clock, Progress
from bot.review.pending import PendingPosting


class RebuildStore(PendingStore, Protocol):
    """The part of the store that a rebuild needs."""

    def reviewed_since(self, sent: datetime) -> Sequence[DuePosting]:
        """Return the reviewed postings that were sent since then, oldest first; of a topic only the newest revision."""


class RebuildPendingJob:
    """Analyse the stored postings that may be pending, and replace the table by the results."""

    def __init__(
        self, store: RebuildStore, analyse: AnalyserProtocol, context: ReviewContext, clock: Clock, progress: Progress
    ) -> None:
        self._store = store
        self._analyse = analyse
        self._context = context
        self._clock = clock
        self._progress = progress

    def run(self) -> tuple[int, tuple[str, ...]]:
        """Return the number of pending postings, and a line for each posting that could not be analysed."""
        oldest = self._clock.now() - self._context.pending
        due = self._store.reviewed_since(oldest) if self._context.pending else ()
        self._progress.start("analysing", len(due))
        failures: list[str] = []
        pending = list(self._analysed(due, failures))
        self._store.rebuild_pending(pending)
        return len(pending), tuple(failures)

    def _analysed(self, postings: Sequence[DuePosting], failures: list[str]) -> Iterator[PendingPosting]:
        rules = tuple(rule for rule in self._context.rules if rule.check_pending is not None)
        for due in postings:
            analysis = self._analyse(due.posting, rules)
            if isinstance(analysis, Analysis):
                pending = make_pending(due.posting, analysis, due.arrived)
                if pending is not None:
                    yield pending
            else:
                failures.append(f"{due.posting.message_id}: {analysis.reason}")
            self._progress.advance()
