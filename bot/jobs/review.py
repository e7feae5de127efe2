# SPDX-License-Identifier: GPL-2.0-or-later
"""From complete postings to reviews and, where something is to be said, frozen mails."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import Final

from bot.jobs.isolation import Broken, StoppedError, isolated
from bot.jobs.judgement import Judgement
from bot.jobs.outcome import Outcome
from bot.mail.authority import reply_address
from bot.mail.compose import Refused, compose, recipients
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Posting
from bot.mail.refusal import Kind, Terms, refuse_posting
from bot.ports import Clock, DuePosting, MailState, Outgoing, Postings, Progress
from bot.review.comment import Basis, Identity, Recipients, Reply, Review, Standing
from bot.review.consent import Consent, Mode
from bot.review.lint import problems
from bot.review.policy import Policy
from bot.review.recipients import RecipientContext
from bot.review.reply import KIND, message_id, reply
from bot.review.review import review
from rules.finding import silences
from rules.rule import Rule

_POSTINGS: Final = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every posting is judged by.

    `judge` tells what the rules find. `context` gives what is known now of the people and lists that could get a mail.
    `learned` puts into the policy what people answered about a posting. `basis`
    names what it is judged by; with the `secret` answers to our mails go to an address that only we can make.
    """

    rules: tuple[Rule, ...]
    judge: Callable[[Posting, tuple[Rule, ...]], Judgement | Broken]
    policy: Policy
    identity: Identity
    context: Callable[[], RecipientContext]
    terms: Terms = field(default_factory=lambda: Terms(stale=None))
    learned: Callable[[Posting, Policy], Policy] = lambda _, policy: policy
    basis: Basis = field(default_factory=Basis)
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class Judged:
    """A posting's review, the mail that it makes, if any, and the images that it proved, by blob id."""

    review: Review
    outgoing: Outgoing | None
    blobs: Mapping[str, bytes]


class Reviewing:
    """Reviews whatever is due; between two postings it looks whether it is to stop."""

    def __init__(self, store: Postings, desk: Desk, clock: Clock, stop: Event, progress: Progress) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._stop = stop
        self._progress = progress

    def run(self) -> tuple[Outcome, ...]:
        """What became of each posting that was due, in order."""
        self._progress.start("reviewing", self._store.count_due_for_review())
        done: list[Outcome] = []
        while not self._stop.is_set() and (due := self._store.due_for_review(_POSTINGS)):
            for one in due:
                if self._stop.is_set():
                    break
                try:
                    done.append(self._review(one))
                except StoppedError:
                    break
                self._progress.advance()
        return tuple(done)

    def _review(self, due: DuePosting) -> Outcome:
        now, posting = self._clock.now(), due.posting
        outcome = Outcome.of(posting)
        refused = refuse_posting(posting, self._store.context(posting), now, self._desk.terms)
        if refused is not None and refused.kind is not Kind.OLDER:
            self._store.refuse(posting, str(refused))
            return replace(outcome, refused=str(refused))
        self._store.supersede(posting, now)
        previous = self._store.previous_review(posting, rehearsed(self._desk, posting))
        # An older revision is judged for what the newer one is compared with; nobody is told.
        desk = self._desk if refused is None else _silent(self._desk, str(refused))
        judged = examine(posting, previous, desk, due.arrived, now)
        if isinstance(judged, Broken):
            log.error("series %s cannot be judged: %s", posting.message_id, judged.reason)
            self._store.quarantine(posting, judged.reason)
            return replace(outcome, refused=judged.reason, failures=1)
        self._store.save_blobs(judged.blobs, now)
        kept = self._store.save_review(judged.review, judged.outgoing, now)
        mail = judged.outgoing if kept else None
        return replace(
            outcome,
            findings=sum(comment.standing is not Standing.RESOLVED for comment in judged.review.comments),
            failures=len(judged.review.failures),
            skipped=len(silences(judged.review.skipped)),
            mail=mail.message_id if mail else "",
            to=mail.envelope_to if mail else (),
            unsaid="" if mail else _unsaid(judged),
        )


def _silent(desk: Desk, reason: str) -> Desk:
    """The desk that judges and tells nobody."""
    return replace(desk, learned=lambda posting, policy: replace(desk.learned(posting, policy), muted=reason))


def _unsaid(judged: Judged) -> str:
    """Why findings made no mail: what most of them were withheld for, or why nobody is to get it."""
    if judged.outgoing is not None:
        return "these patches have their mail"
    found = [comment for comment in judged.review.comments if comment.standing is not Standing.RESOLVED]
    reasons = Counter(comment.withheld for comment in found if comment.withheld)
    if not found or len(found) > reasons.total():
        return judged.review.recipients.reason if found else ""
    return reasons.most_common(1)[0][0]


def rehearsed(desk: Desk, posting: Posting) -> bool:
    """Whether what is said of the posting is filed, and reaches nobody."""
    return desk.context().consent_of(posting).mode is Mode.DRY_RUN


def examine(posting: Posting, previous: Review | None, desk: Desk, arrived: datetime, now: datetime) -> Judged | Broken:
    """Judge one posting that arrived then. Nothing in the review or in the bytes of the mail comes from a clock.

    Broken where that is not possible within the limits, or a bug stops it. Raises StoppedError.
    """
    found = desk.judge(posting, desk.rules)
    if isinstance(found, Broken):
        return found
    return isolated(f"review of {posting.message_id}", lambda: _reviewed(posting, found, previous, desk, arrived, now))


def _reviewed(
    posting: Posting, found: Judgement, previous: Review | None, desk: Desk, arrived: datetime, now: datetime
) -> Judged:
    context = desk.context()
    policy = _narrowed(desk.learned(posting, desk.policy), context.consent_of(posting))
    made = review(posting, found.report, desk.rules, previous, policy, found.delta, context)
    made = replace(made, basis=replace(desk.basis, base=found.basis.base))
    frozen = mail_for(made, desk, arrived, now)
    if isinstance(frozen, Refused):
        made = replace(made, recipients=Recipients(reason=frozen.reason))
        frozen = None
    return Judged(made, frozen, found.blobs)


def mail_for(
    made: Review, desk: Desk, arrived: datetime, now: datetime, kind: str = KIND, preface: Sequence[str] = ()
) -> Outgoing | Refused | None:
    """Return the frozen mail for a review of a posting that arrived then, or None if there is nothing to say.

    Each kind has its own message-id. The preface stands on top.
    """
    answer = reply(made, desk.rules, desk.identity, hears=_hears(made, desk))
    if answer is None:
        return None
    if answer.in_reply_to.endswith(SYNTHETIC):
        return Refused("the mail has no message-id that could be answered")
    answer = replace(
        answer,
        message_id=message_id(made.posting, desk.identity, kind),
        body="\n".join([*preface, "", answer.body] if preface else [answer.body]),
    )
    return _freeze(made, answer, kind, desk.context(), arrived, now)


def _hears(made: Review, desk: Desk) -> str:
    """Where commands about this series are heard; nothing where none are."""
    return reply_address(desk.identity.sender.address, desk.secret, made.posting.topic) if desk.secret else ""


def _narrowed(policy: Policy, consent: Consent) -> Policy:
    """The policy with what the lists want to hear less of."""
    severity = max(policy.severity, consent.severity, key=lambda each: each.rank)
    return replace(policy, severity=severity, without=policy.without | consent.without)


def _freeze(
    made: Review, answer: Reply, kind: str, context: RecipientContext, arrived: datetime, now: datetime
) -> Outgoing | Refused:
    """The mail as bytes in its first state; one that the lint objects to is held for a human."""
    content = compose(answer)
    if isinstance(content, Refused):
        return content
    consent = context.consent_of(made.posting)
    wrong = tuple(problems(answer.body))
    if wrong:
        log.warning("%s: held, not fit to be sent: %s", answer.message_id, "; ".join(wrong))
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
