# SPDX-License-Identifier: GPL-2.0-or-later
"""Review complete postings, and store each review with its frozen mail, if any."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Event, Lock
from typing import Final, Protocol

from bot.log import LogEvent, Value, event
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalKind, refuse_posting
from bot.pipeline.analyse import AnalyserProtocol, Analysis
from bot.pipeline.context import ReviewContext
from bot.pipeline.outcome import Outcome, series_fields
from bot.pipeline.pending import compare_posting, make_pending
from bot.pipeline.process import process
from bot.pool.guard import Crashed, StoppedError
from bot.pool.memory import FreeMemory
from bot.ports.pending import PendingStore
from bot.ports.postings import DuePosting, Postings
from bot.ports.running import Clock, Progress
from bot.review.model import Review
from bot.review.unmailed import ANSWERED, why_unmailed
from bot.service.review_queue import ReviewQueue
from rules.finding import Severity
from rules.lazy import dataclass, replace

_LOOK_SECONDS: Final = 1.0
"""How long a worker may stay idle before new postings are looked for."""

_GATHER_SECONDS: Final = 0.02
"""How long a review waits for others, to be stored in one transaction with them."""

AHEAD: Final = 4
"""Postings that are started for each worker: while reviews are stored, no worker is idle."""


class ReviewStore(Postings, PendingStore, Protocol):
    """The part of the store that reviews need."""


class Turn(Protocol):
    """The place of a posting among those that several processes review."""

    def is_due(self) -> bool:
        """Return whether the posting is still due, as it was when its review began."""

    def is_first(self) -> bool:
        """Return whether no earlier posting is due."""

    def wait(self) -> None:
        """Wait a limited time until the posting is the first one."""


@dataclass(frozen=True, slots=True)
class _StartedReview:
    """A posting that is being analysed, with the values that its review needs afterwards."""

    due: DuePosting
    previous: Review | None
    context: ReviewContext


class ReviewJob:
    """Review the postings that are due, at most `workers` in parallel. Each review is stored when it is ready.

    The first try of a posting is short. A posting that exceeds it, or kills its worker, is tried again after all
    others, and quarantined if it fails again. The store is used by this thread only.
    """

    def __init__(
        self,
        store: ReviewStore,
        analyse: AnalyserProtocol,
        context: ReviewContext,
        clock: Clock,
        stop: Event,
        progress: Progress,
        workers: int = 1,
    ) -> None:
        self._workers = workers
        self.end_processes: Callable[[], None] = lambda: None
        self._lock = Lock()
        self._store = store
        self._analyse = analyse
        self._context = context
        self._clock = clock
        self._stop = stop
        self._progress = progress

    def end_when_idle(self, end_processes: Callable[[], None]) -> None:
        """Call this function, which ends the processes of the analyser, in each later round in which nothing is due."""
        self.end_processes = end_processes

    def run(self) -> tuple[Outcome, ...]:
        """Return the outcome of each posting that was due, in order."""
        count = self._store.count_due_for_review()
        self._progress.start("reviewing", count)
        if not count:
            self.end_processes()  # each keeps what it read of kernel trees
            return ()
        queue = ReviewQueue(self._store, self._workers, AHEAD)
        running: dict[Future[Analysis | Crashed], _StartedReview] = {}
        done: list[Outcome] = []
        stopping = False
        memory = FreeMemory()
        with ThreadPoolExecutor(self._workers, "review") as threads:
            while True:
                if not stopping:
                    self._start_due(queue, threads, running, done)
                if not running:
                    break
                wait(running, _LOOK_SECONDS, FIRST_COMPLETED)
                ended = wait(running, _GATHER_SECONDS).done
                analysed = []
                for future in sorted(ended, key=lambda future: queue.number(running[future].due.posting.message_id)):
                    started = running.pop(future)
                    try:
                        analysed.append((started, future.result()))
                    except StoppedError:
                        stopping = True
                        queue.end(started.due)
                self._end_all(queue, analysed, done)
                memory.end_step()
        return tuple(sorted(done, key=lambda outcome: queue.number(outcome.posting_id)))

    def review_one(self, due: DuePosting, turn: Turn) -> Outcome | None:
        """Review a posting. Return None if it is tried again, or if it may not be stored when its review is ready.

        It must be due then. A review that can collide with another one is stored in its turn, because the later one of
        the two has the finding. Several threads may call it: they analyse at the same time. Raises StoppedError.
        """
        with self._lock:
            started = self._start(due)
        if isinstance(started, Outcome):
            return started
        rules, encoded = started.context.rules_for(due.posting), due.encoded
        analysis = self._analyse(due.posting, rules, first_try=not due.tries, encoded=encoded)
        in_order = self._can_collide(due.posting, analysis)
        if in_order:
            turn.wait()
        with self._lock, self._store.batch() as committed:
            may_be_stored = turn.is_due() and (not in_order or turn.is_first())
            return self._end(started, analysis, committed) if may_be_stored else None

    def _can_collide(self, posting: Posting, analysis: Analysis | Crashed) -> bool:
        """Return whether the posting is compared with pending ones."""
        if isinstance(analysis, Crashed) or not self._context.pending:
            return False
        pending = make_pending(posting, analysis, self._clock.now())
        return pending is not None and bool(pending.facts.facts)

    def _start_due(
        self,
        queue: ReviewQueue,
        threads: ThreadPoolExecutor,
        running: dict[Future[Analysis | Crashed], _StartedReview],
        done: list[Outcome],
    ) -> None:
        """Start the analysis of every posting that may run now."""
        while not self._stop.is_set() and (due := queue.start()):
            started = self._start(due)
            if isinstance(started, Outcome):
                queue.end(due)
                self._note(started, done)
            else:
                rules, encoded = started.context.rules_for(due.posting), due.encoded
                analysis = threads.submit(self._analyse, due.posting, rules, first_try=not due.tries, encoded=encoded)
                running[analysis] = started

    def _end_all(
        self, queue: ReviewQueue, analysed: Sequence[tuple[_StartedReview, Analysis | Crashed]], done: list[Outcome]
    ) -> None:
        """Store the reviews of these postings in one transaction. After an error those before it are stored."""
        if analysed:
            with self._store.batch() as committed:
                for started, analysis in analysed:
                    self._note(self._end(started, analysis, committed), done)
                    queue.end(started.due)

    def _note(self, outcome: Outcome | None, done: list[Outcome]) -> None:
        if outcome is not None:
            done.append(outcome)
            self._progress.advance()

    def _start(self, due: DuePosting) -> _StartedReview | Outcome:
        """Return what the review of the posting needs, or the outcome of a posting that is refused."""
        now, posting = self._clock.now(), due.posting
        refused = refuse_posting(posting, self._store.context(posting), now, self._context.terms)
        if refused is not None and refused.kind is not RefusalKind.OLDER:
            self._store.refuse(posting, str(refused))
            event(LogEvent.REVIEW_REFUSED, **series_fields(posting), reason=str(refused))
            return replace(Outcome.of(posting), refused=str(refused))
        self._store.supersede(posting, now)
        previous = self._store.previous_review(posting, self._context.is_dry_run(posting))
        # The newer revision is compared with the review of an older one; that review makes no mail.
        context = self._context if refused is None else self._context.without_mail(str(refused))
        return _StartedReview(due, previous, context)

    def _end(
        self, started: _StartedReview, analysis: Analysis | Crashed, committed: list[Callable[[], None]]
    ) -> Outcome | None:
        """Store the review of a posting; None if it is tried again. The functions in `committed` are called later."""
        now, posting = self._clock.now(), started.due.posting
        outcome = Outcome.of(posting)
        if isinstance(analysis, Crashed) and analysis.exceeded and not started.due.tries:
            self._store.defer(posting)
            fields = {**series_fields(posting), "reason": analysis.reason}
            committed.append(partial(event, LogEvent.REVIEW_DEFERRED, **fields))
            return None
        analysis, pending = compare_posting(posting, analysis, self._store, started.context, started.due.arrived, now)
        if _needs_texts(analysis, started.previous):
            posting = started.due.with_texts()
        result = process(posting, analysis, started.previous, started.context, started.due.arrived, now)
        if isinstance(result, Crashed):
            self._store.quarantine(posting, result.reason)
            committed.append(partial(log_quarantine, posting, result.reason, started.due.tries + 1))
            return replace(outcome, refused=result.reason, failures=1)
        encoded = started.due.encoded
        is_kept = self._store.save_review(result.review, result.outgoing, now, pending, encoded, result.blobs)
        mail = result.outgoing if is_kept else None
        unmailed_reason = "" if mail else why_unmailed(result.review) if result.outgoing is None else ANSWERED
        committed.append(partial(log_review, result.review, mail, unmailed_reason))
        return replace(
            outcome,
            findings=len(result.review.current),
            failures=len(result.review.failures),
            skipped=len(result.review.incomplete),
            mail=mail.message_id if mail else "",
            to=mail.envelope_to if mail else (),
            unmailed_reason=unmailed_reason,
        )


def _needs_texts(analysis: Analysis | Crashed, previous: Review | None) -> bool:
    """Return whether the review of a posting needs its texts, to quote findings. Most postings have none."""
    has_findings = not isinstance(analysis, Crashed) and bool(analysis.report.findings)
    return has_findings or (previous is not None and bool(previous.findings))


def log_review(review: Review, mail: Outgoing | None, unmailed: str, *, is_recheck: bool = False) -> None:
    """Log a review that is stored, with the mail that is kept with it, or why there is none."""
    severities = Counter(entry.finding.severity for entry in review.current)
    counts = {severity.value: severities[severity] or None for severity in Severity}
    mail_of_review: dict[str, Value] = {"unmailed": unmailed or review.recipients.reason or "no findings"}
    if mail is not None:
        due = mail.due if mail.reason else None
        mail_of_review = {"mail": mail.message_id, "state": mail.state, "reason": mail.reason, "due": due}
    event(
        LogEvent.REVIEW_STORED,
        **series_fields(review.posting),
        findings=severities.total(),
        **counts,
        skipped=len(review.unchecked) or None,
        failures=len(review.failures) or None,
        recheck=is_recheck or None,
        **mail_of_review,
    )


def log_quarantine(posting: Posting, reason: str, tries: int | None = None) -> None:
    """Log that a posting is in quarantine."""
    event(LogEvent.SERIES_QUARANTINED, "warning", **series_fields(posting), reason=reason, tries=tries)
