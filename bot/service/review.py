# SPDX-License-Identifier: GPL-2.0-or-later
"""From complete postings to reviews and, where something is to be said, frozen mails."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Final, Protocol

from bot.log import LogEvent, Value, event
from bot.mail.authority import reply_address
from bot.mail.compose import ComposeRefused, compose, recipients
from bot.mail.outgoing import REVIEW, Outgoing
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalKind, RefusalTerms, refuse_posting
from bot.mail.reply import Identity, Reply
from bot.mail.state import MailState
from bot.pipeline.analyse import Analysis
from bot.pipeline.outcome import Outcome, series_fields
from bot.pool.guard import Crashed, StoppedError, guard
from bot.ports import Clock, DuePosting, Postings, Progress
from bot.review.consent import Consent, Mode
from bot.review.mail_lint import problems
from bot.review.model import Basis, Recipients, Review
from bot.review.policy import Policy
from bot.review.recipients import RecipientContext
from bot.review.reply import message_id, reply
from bot.review.review import review
from bot.review.unmailed import ANSWERED, why_unmailed
from bot.review.unmailed import found as findings_of
from bot.service.review_queue import ReviewQueue
from rules.finding import Severity, withheld_reasons
from rules.lint.rule import Rule

_LOOK_SECONDS: Final = 1.0
"""So soon a worker that is idle while another one works gets a posting that came meanwhile."""


class AnalyserProtocol(Protocol):
    """Tells what the rules find in a posting; a first try may get less time than another one."""

    def __call__(self, posting: Posting, rules: tuple[Rule, ...], *, first_try: bool = False) -> Analysis | Crashed:
        """What is found, or Crashed where that cannot be told. Raises StoppedError."""


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """What every posting is judged by.

    `judge` tells what the rules find. `context` gives what is known now of the people and lists that could get a mail.
    `learned` puts into the policy what people answered about a posting. `basis`
    names what it is judged by; with the `secret` answers to our mails go to an address that only we can make.
    """

    rules: tuple[Rule, ...]
    judge: AnalyserProtocol
    policy: Policy
    identity: Identity
    context: Callable[[], RecipientContext]
    terms: RefusalTerms = field(default_factory=lambda: RefusalTerms(stale=None))
    learned: Callable[[Posting, Policy], Policy] = lambda _, policy: policy
    basis: Basis = field(default_factory=Basis)
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """A posting's review, the mail that it makes, if any, and the images that it proved, by blob id."""

    review: Review
    outgoing: Outgoing | None
    blobs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _StartedReview:
    """A posting that is being judged, with what its review takes from the store and the desk."""

    due: DuePosting
    previous: Review | None
    review_context: ReviewContext


class ReviewJob:
    """Reviews whatever is due, as many postings at a time as there are `workers`; each is stored when it is done.

    The first try of a posting is short. One that exceeds it, or kills its worker, is tried again after all others,
    and quarantined if it fails again. Here the store alone is asked and written, one posting after the other.
    """

    def __init__(
        self,
        store: Postings,
        review_context: ReviewContext,
        clock: Clock,
        stop: Event,
        progress: Progress,
        workers: int = 1,
    ) -> None:
        self._workers = workers
        self._store = store
        self._review_context = review_context
        self._clock = clock
        self._stop = stop
        self._progress = progress

    def run(self) -> tuple[Outcome, ...]:
        """What became of each posting that was due, in order."""
        self._progress.start("reviewing", self._store.count_due_for_review())
        queue = ReviewQueue(self._store, self._workers)
        running: dict[Future[Analysis | Crashed], _StartedReview] = {}
        done: list[Outcome] = []
        with ThreadPoolExecutor(self._workers, "judge") as threads:
            stopping = False
            while True:
                while not stopping and not self._stop.is_set() and (due := queue.start()):
                    started = self._start(due)
                    if isinstance(started, _StartedReview):
                        rules, first = started.review_context.rules, not due.tries
                        running[threads.submit(started.review_context.judge, due.posting, rules, first_try=first)] = (
                            started
                        )
                    else:
                        queue.end(due)
                        self._note(started, done)
                if not running:
                    break
                for future in wait(running, _LOOK_SECONDS, FIRST_COMPLETED).done:
                    started = running.pop(future)
                    try:
                        self._note(self._end(started, future.result()), done)
                    except StoppedError:
                        stopping = True
                    queue.end(started.due)
        return tuple(sorted(done, key=lambda outcome: queue.number(outcome.posting_id)))

    def _note(self, outcome: Outcome | None, done: list[Outcome]) -> None:
        if outcome is not None:
            done.append(outcome)
            self._progress.advance()

    def _start(self, due: DuePosting) -> _StartedReview | Outcome:
        """What judging the posting takes, or the outcome of one that is refused."""
        now, posting = self._clock.now(), due.posting
        refused = refuse_posting(posting, self._store.context(posting), now, self._review_context.terms)
        if refused is not None and refused.kind is not RefusalKind.OLDER:
            self._store.refuse(posting, str(refused))
            event(LogEvent.REVIEW_REFUSED, **series_fields(posting), reason=str(refused))
            return replace(Outcome.of(posting), refused=str(refused))
        self._store.supersede(posting, now)
        previous = self._store.previous_review(posting, rehearsed(self._review_context, posting))
        # An older revision is judged for what the newer one is compared with; nobody is told.
        return _StartedReview(
            due, previous, self._review_context if refused is None else _silent(self._review_context, str(refused))
        )

    def _end(self, started: _StartedReview, found: Analysis | Crashed) -> Outcome | None:
        """Store what came of a posting; None for one that is tried again."""
        now, posting = self._clock.now(), started.due.posting
        outcome = Outcome.of(posting)
        if isinstance(found, Crashed) and found.exceeded and not started.due.tries:
            self._store.defer(posting)
            event(LogEvent.REVIEW_DEFERRED, **series_fields(posting), reason=found.reason)
            return None
        judged = reviewed(started.due, found, started.previous, started.review_context, now)
        if isinstance(judged, Crashed):
            self._store.quarantine(posting, judged.reason)
            log_quarantine(posting, judged.reason, started.due.tries + 1)
            return replace(outcome, refused=judged.reason, failures=1)
        self._store.save_blobs(judged.blobs, now)
        kept = self._store.save_review(judged.review, judged.outgoing, now)
        mail = judged.outgoing if kept else None
        unsaid = "" if mail else why_unmailed(judged.review) if judged.outgoing is None else ANSWERED
        log_review(judged.review, mail, unsaid)
        return replace(
            outcome,
            findings=len(findings_of(judged.review)),
            failures=len(judged.review.failures),
            skipped=len(withheld_reasons(judged.review.skipped)),
            mail=mail.message_id if mail else "",
            to=mail.envelope_to if mail else (),
            unsaid=unsaid,
        )


def log_review(made: Review, mail: Outgoing | None, unmailed: str, *, is_recheck: bool = False) -> None:
    """Log a review that is stored, with the mail that is kept with it, or why there is none."""
    severities = Counter(comment.finding.severity for comment in findings_of(made))
    counts = {severity.value: severities[severity] or None for severity in Severity}
    mail_of_review: dict[str, Value] = {"unmailed": unmailed or made.recipients.reason or "no findings"}
    if mail is not None:
        due = mail.due if mail.reason else None
        mail_of_review = {"mail": mail.message_id, "state": mail.state, "reason": mail.reason, "due": due}
    event(
        LogEvent.REVIEW_STORED,
        **series_fields(made.posting),
        findings=severities.total(),
        **counts,
        skipped=len(withheld_reasons(made.skipped)) or None,
        failures=len(made.failures) or None,
        recheck=is_recheck or None,
        **mail_of_review,
    )


def log_quarantine(posting: Posting, reason: str, tries: int | None = None) -> None:
    """Log that a posting is in quarantine."""
    event(LogEvent.SERIES_QUARANTINED, "warning", **series_fields(posting), reason=reason, tries=tries)


def _silent(review_context: ReviewContext, reason: str) -> ReviewContext:
    """The desk that judges and tells nobody."""
    return replace(
        review_context, learned=lambda posting, policy: replace(review_context.learned(posting, policy), muted=reason)
    )


def rehearsed(review_context: ReviewContext, posting: Posting) -> bool:
    """Whether what is said of the posting is filed, and reaches nobody."""
    return review_context.context().consent_of(posting).mode is Mode.DRY_RUN


def examine(
    posting: Posting, previous: Review | None, review_context: ReviewContext, arrived: datetime, now: datetime
) -> ReviewResult | Crashed:
    """Judge one posting that arrived then. Nothing in the review or in the bytes of the mail comes from a clock.

    Crashed where that is not possible within the limits, or a bug stops it. Raises StoppedError.
    """
    due = DuePosting(posting, arrived)
    return reviewed(due, review_context.judge(posting, review_context.rules), previous, review_context, now)


def reviewed(
    due: DuePosting, found: Analysis | Crashed, previous: Review | None, review_context: ReviewContext, now: datetime
) -> ReviewResult | Crashed:
    """The review and the mail that come of an analysis; Crashed where there is none, or a bug stops it.

    This runs in the service's own process. It takes linear time (tests/readers.py), and the result of an analysis is
    limited: 10,000 findings take half a second.
    """
    if isinstance(found, Crashed):
        return found
    posting, arrived = due.posting, due.arrived
    return guard(
        f"review of {posting.message_id}", lambda: _reviewed(posting, found, previous, review_context, arrived, now)
    )


def _reviewed(
    posting: Posting,
    found: Analysis,
    previous: Review | None,
    review_context: ReviewContext,
    arrived: datetime,
    now: datetime,
) -> ReviewResult:
    context = review_context.context()
    policy = _narrowed(review_context.learned(posting, review_context.policy), context.consent_of(posting))
    made = review(posting, found.report, review_context.rules, previous, policy, found.delta, context)
    made = replace(made, basis=replace(review_context.basis, base=found.basis.base))
    frozen = mail_for(made, review_context, arrived, now)
    if isinstance(frozen, ComposeRefused):
        made = replace(made, recipients=Recipients(reason=frozen.reason))
        frozen = None
    return ReviewResult(made, frozen, found.blobs)


def mail_for(
    made: Review,
    review_context: ReviewContext,
    arrived: datetime,
    now: datetime,
    kind: str = REVIEW,
    preface: Sequence[str] = (),
) -> Outgoing | ComposeRefused | None:
    """Return the frozen mail for a review of a posting that arrived then, or None if there is nothing to say.

    Each kind has its own message-id. The preface stands on top.
    """
    answer = reply(made, review_context.rules, review_context.identity, hears=_hears(made, review_context))
    if answer is None:
        return None
    if answer.in_reply_to.endswith(SYNTHETIC):
        return ComposeRefused("the mail has no message-id that could be answered")
    answer = replace(
        answer,
        message_id=message_id(made.posting, review_context.identity, kind),
        body="\n".join([*preface, "", answer.body] if preface else [answer.body]),
    )
    return _freeze(made, answer, kind, review_context.context(), arrived, now)


def _hears(made: Review, review_context: ReviewContext) -> str:
    """Where commands about this series are heard; nothing where none are."""
    return (
        reply_address(review_context.identity.sender.address, review_context.secret, made.posting.topic)
        if review_context.secret
        else ""
    )


def _narrowed(policy: Policy, consent: Consent) -> Policy:
    """The policy with what the lists want to hear less of."""
    severity = max(policy.severity, consent.severity, key=lambda each: each.rank)
    return replace(policy, severity=severity, without=policy.without | consent.without)


def _freeze(
    made: Review, answer: Reply, kind: str, context: RecipientContext, arrived: datetime, now: datetime
) -> Outgoing | ComposeRefused:
    """The mail as bytes in its first state; one that the lint objects to is held for a human."""
    content = compose(answer)
    if isinstance(content, ComposeRefused):
        return content
    consent = context.consent_of(made.posting)
    wrong = tuple(problems(answer.body))
    held = wrong or (("waits for approval",) if consent.mode is Mode.MODERATE else ())
    due = max(now, consent.embargo_end(arrived, now))
    return Outgoing(
        message_id=answer.message_id,
        posting_id=made.posting.message_id,
        kind=kind,
        envelope_from=answer.sender.address,
        envelope_to=recipients(answer),
        content=content,
        due=due,
        mode=consent.mode.value,
        lists=context.lists_of(made.posting),
        author=made.posting.author.key,
        state=MailState.HELD if held else MailState.QUEUED,
        reason="; ".join(held or (("embargo",) if due > now else ())),
    )
