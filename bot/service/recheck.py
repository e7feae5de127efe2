# SPDX-License-Identifier: GPL-2.0-or-later
"""Review a posting again with current rules and kernel. A mail is queued only if its findings are news."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Complete, Defective, Posting
from bot.mail.refusal import RefusalContext, refuse_posting
from bot.pipeline.analyse import AnalyserProtocol
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import message_id
from bot.pipeline.pending import compare_posting
from bot.pipeline.process import process, write_mail
from bot.pool.guard import Crashed
from bot.ports.pending import PendingStore
from bot.ports.postings import Postings
from bot.ports.running import Clock
from bot.review.difference import Difference, difference
from bot.review.landing import mark_unmailed
from bot.review.model import Review
from bot.review.record import ReviewRecord, verdict_of
from bot.service.review import log_quarantine, log_review
from rules.lazy import dataclass, replace

_KIND: Final = "recheck"
_PREFACE: Final = (
    "This series was checked again, with newer rules or another base. This",
    "mail replaces the previous mail of this program about it.",
)


class RecheckStore(Postings, PendingStore, Protocol):
    """The part of the store that a re-check needs."""

    def of_topic(self, topic: str) -> Sequence[Posting]:
        """Return the complete postings of one series, by revision."""

    def review_of(self, posting_id: str) -> ReviewRecord | None:
        """Return the stored review of a posting."""

    def verdicts(self, posting_id: str) -> frozenset[str]:
        """Return the verdicts that were stored or mailed for a posting."""

    def note_verdict(self, posting_id: str, verdict: str, now: datetime) -> None:
        """Record a verdict that was stored or mailed for a posting."""

    def forget_expired(self, message_id: str, verdict: str) -> bool:
        """Forget a mail and its verdict if the mail expired before any attempt to send it. Return whether it did."""


@dataclass(frozen=True, slots=True)
class RecheckResult:
    """The new review of a re-check, what it changed, and the mail that was queued, or why there is none."""

    review: Review
    changed: Difference
    mail: Outgoing | None = None
    unsent: str = ""


class RecheckJob:
    """Re-check postings, any number of times, also while a service uses the same database."""

    def __init__(self, store: RecheckStore, analyse: AnalyserProtocol, context: ReviewContext, clock: Clock) -> None:
        self._store = store
        self._analyse = analyse
        self._context = context
        self._clock = clock

    def run(self, posting: Posting, send: bool = False) -> RecheckResult | Crashed:
        """Review the posting again and store the review. With `send`, queue a mail if its verdict is new.

        Raises StoppedError.
        """
        if isinstance(posting.state, Defective):
            return Crashed(posting.state.reason)
        now, store = self._clock.now(), self._store
        before = store.review_of(posting.message_id)
        previous = store.previous_review(posting, self._context.is_dry_run(posting))
        known = store.context(posting)
        analysis = self._analyse(posting, self._context.rules_for(posting))
        analysis, pending = compare_posting(posting, analysis, store, self._context, known.last, now)
        result = process(posting, analysis, previous, self._context, known.last, now)
        if isinstance(result, Crashed):
            if before is None:  # Keep the stored review if it cannot be made again.
                store.quarantine(posting, result.reason)
                log_quarantine(posting, result.reason)
            return result
        old = None if before is None else before.review
        changed = difference(old, result.review, self._later_revision(posting))
        mailed_verdicts = self._mailed_verdicts(posting, old, now)
        mail, unsent = self._mail(result.review, mailed_verdicts, known, now) if send else (None, "")
        store.save_blobs(result.blobs, now)
        review = result.review
        if mail is None and verdict_of(review) not in mailed_verdicts:
            review = mark_unmailed(review, old)
        if before is None or mail is not None or review != old:
            # A review that changed nothing keeps its date, so that no digest reports it a second time.
            when = before.at if before is not None and changed.is_empty else now
            is_kept = store.save_review(review, mail, when, pending)
            mail, unsent = (mail, unsent) if is_kept or mail is None else (None, "this mail was written before")
            log_review(review, mail, unsent or "not asked for", is_recheck=True)
        if mail is not None:
            store.note_verdict(posting.message_id, verdict_of(review), now)
        return RecheckResult(review, changed, mail, unsent)

    def _later_revision(self, posting: Posting) -> int | None:
        """Return the newest revision of the series, if it is later than this posting."""
        newest = max((later.series.revision for later in self._store.of_topic(posting.topic)), default=0)
        return newest if newest > posting.series.revision else None

    def _mailed_verdicts(self, posting: Posting, old: Review | None, now: datetime) -> frozenset[str]:
        """Return the verdicts that may have been mailed to people.

        The verdict before the first re-check is one of them. Those of later re-checks without a mail are not.
        """
        verdicts = self._store.verdicts(posting.message_id)
        if verdicts:
            return verdicts
        stood = "" if old is None else verdict_of(old)
        self._store.note_verdict(posting.message_id, stood, now)
        return frozenset({stood})

    def _mail(
        self, review: Review, mailed_verdicts: frozenset[str], known: RefusalContext, now: datetime
    ) -> tuple[Outgoing | None, str]:
        """Return the mail for a verdict that is new and "", or None and why there is no mail."""
        posting, verdict = review.posting, verdict_of(review)
        if not verdict:
            return None, review.recipients.reason or "no finding to report"
        kind = recheck_kind(verdict)
        if verdict in mailed_verdicts and not self._store.forget_expired(
            message_id(posting, self._context.identity, kind), verdict
        ):
            return None, "these findings were reported before"
        if not isinstance(posting.state, Complete):
            return None, "the series is incomplete"
        # Age is not a reason to refuse a posting that a person names; all other reasons still apply.
        terms = replace(self._context.terms, stale=None)
        if refused := refuse_posting(posting, known, now, terms):
            return None, str(refused)
        if not review.recipients.to:
            return None, review.recipients.reason
        preface = _PREFACE if any(mailed_verdicts - {verdict}) else ()
        mail = write_mail(review, self._context, known.last, now, kind, preface)
        return (mail, "") if isinstance(mail, Outgoing) else (None, mail.reason if mail else "no finding to report")


def recheck_kind(verdict: str) -> str:
    """Return the kind of the mail that reports that verdict."""
    return f"{_KIND}-{verdict[:16]}"
