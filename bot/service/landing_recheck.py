# SPDX-License-Identifier: GPL-2.0-or-later
"""Check a pending posting again because a landing ref moved. Each new finding is stored and reported once."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Complete
from bot.mail.refusal import RefusalContext, refuse_posting
from bot.pipeline.analyse import AnalyserProtocol
from bot.pipeline.context import ReviewContext
from bot.pipeline.pending import compare_posting
from bot.pipeline.process import process, write_mail
from bot.pool.guard import Crashed
from bot.ports.landing import LandingNews, LandingRecheck
from bot.ports.pending import PendingStore, PendingUpdate
from bot.ports.postings import Postings
from bot.ports.running import Clock
from bot.review.landing import find_news, keep_findings, landing_preface, mark_unmailed
from bot.review.model import Review, ReviewFinding
from bot.review.recipients import recipients
from bot.review.record import ReviewRecord, verdict_of
from bot.review.review import part_to_answer
from bot.service.review import log_review
from rules.finding import Severity
from rules.lazy import replace

_KIND: Final = "landing"


class LandingRecheckStore(Postings, PendingStore, Protocol):
    """The part of the store that re-checks after the move of a landing ref need."""

    def review_of(self, posting_id: str) -> ReviewRecord | None:
        """Return the stored review of a posting."""

    def landing_rechecks(self, limit: int) -> Sequence[LandingRecheck]:
        """Return the postings that are due for a re-check, in the order in which they became due."""

    def landing_recheck(self, posting_id: str) -> LandingRecheck | None:
        """Return the re-check of a posting if one is due."""

    def end_landing_recheck(self, recheck: LandingRecheck, pending: PendingUpdate | None, now: datetime) -> None:
        """Store that a re-check found nothing new, and what is pending; nothing if it is due in another way."""

    def landing_findings(self, posting_id: str) -> frozenset[str]:
        """Return the fingerprints of all findings of the posting that were new after a landing ref moved."""

    def save_landing_review(
        self, review: Review, mail: Outgoing | None, news: LandingNews, pending: PendingUpdate | None, now: datetime
    ) -> bool:
        """Store a re-check with new findings, its mail, what is pending, and its end in one transaction.

        The review keeps the time of the earlier one, so that a digest lists only the new findings. Nothing is stored
        if the re-check is due in another way. Return whether the mail was stored.
        """


class LandingRecheckJob:
    """Check due postings again. A posting is due until the transaction that stores what was found."""

    def __init__(
        self, store: LandingRecheckStore, analyse: AnalyserProtocol, context: ReviewContext, clock: Clock
    ) -> None:
        self._store = store
        self._analyse = analyse
        self._context = context
        self._clock = clock
        # What collides with another pending series is not news of the landing ref.
        self._foreign = frozenset(rule.id for rule in context.rules if rule.check_pending is not None)

    def run_due(self, posting_id: str) -> bool:
        """Check the posting again if that is due, any number of times. Return whether it was. Raises StoppedError."""
        recheck = self._store.landing_recheck(posting_id)
        if recheck is not None:
            self.run(recheck)
        return recheck is not None

    def run(self, recheck: LandingRecheck) -> tuple[ReviewFinding, ...]:
        """Check the posting again. Return its new findings, which are stored. Raises StoppedError."""
        posting, store = recheck.posting, self._store
        before, known = store.review_of(posting.message_id), store.context(posting)
        if before is None or known.newer is not None or not isinstance(posting.state, Complete):
            store.end_landing_recheck(recheck, None, self._clock.now())
            return ()
        previous = store.previous_review(posting, self._context.is_dry_run(posting))
        analysis = self._analyse(posting, self._context.rules_for(posting))
        now = self._clock.now()
        analysis, pending = compare_posting(posting, analysis, store, self._context, known.last, now)
        result = process(posting, analysis, previous, self._context, known.last, now)
        if isinstance(result, Crashed):  # The stored review stays.
            store.end_landing_recheck(recheck, None, now)
            return ()
        reported = store.landing_findings(posting.message_id)
        findings = find_news(before.review, result.review, recheck.names, reported)
        news = tuple(entry for entry in findings if entry.finding.rule not in self._foreign)
        if not news:
            store.end_landing_recheck(recheck, pending, now)
            return ()
        mailed = tuple(entry for entry in news if entry.withheld is None)
        mail, unmailed = self._mail(keep_findings(result.review, mailed), recheck, known, now)
        store.save_blobs(result.blobs, now)
        review = mark_unmailed(result.review, before.review, mailed if mail is not None else ())
        verdicts = dict.fromkeys(
            (verdict_of(before.review), *([verdict_of(result.review)] if mail is not None else []))
        )
        record = LandingNews(recheck, _fingerprints(news), tuple(verdicts))
        is_kept = store.save_landing_review(review, mail, record, pending, now)
        log_review(review, mail if is_kept else None, unmailed, is_recheck=True)
        return news

    def _mail(
        self, review: Review, recheck: LandingRecheck, known: RefusalContext, now: datetime
    ) -> tuple[Outgoing | None, str]:
        """Return the mail for the new findings and "", or None and why there is none."""
        posting, findings = review.posting, review.findings
        if not any(entry.finding.severity.rank > Severity.NIT.rank for entry in findings):
            return None, "no new finding to report"
        # Age is not a reason to refuse a pending posting; all other reasons still apply.
        if refused := refuse_posting(posting, known, now, replace(self._context.terms, stale=None)):
            return None, str(refused)
        part = part_to_answer(posting, findings)
        if part is None or not review.recipients.to:
            return None, review.recipients.reason
        review = replace(review, recipients=recipients(posting, part, self._context.recipients()))
        kind = f"{_KIND}-{hashlib.sha256(' '.join(_fingerprints(findings)).encode('ascii')).hexdigest()[:16]}"
        mail = write_mail(review, self._context, known.last, now, kind, landing_preface(recheck.ref))
        return (mail, "") if isinstance(mail, Outgoing) else (None, mail.reason if mail else review.recipients.reason)


def _fingerprints(findings: Iterable[ReviewFinding]) -> tuple[str, ...]:
    return tuple(sorted({entry.finding.fingerprint for entry in findings}))
