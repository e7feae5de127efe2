# SPDX-License-Identifier: GPL-2.0-or-later
"""Judging a posting again, by today's rules and tree; a mail goes out only for a verdict that nobody was told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Complete, Defective, Posting
from bot.mail.refusal import RefusalContext, refuse_posting
from bot.pipeline.analyse import AnalyserProtocol
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import message_id
from bot.pipeline.process import ReviewResult, process, write_mail
from bot.pool.guard import Crashed
from bot.ports import Clock
from bot.review.difference import Difference, difference
from bot.review.model import Review, ReviewFinding
from bot.review.record import ReviewRecord, verdict_of
from bot.service.review import log_quarantine, log_review

_KIND: Final = "recheck"
_PREFACE: Final = (
    "This series was judged again, by newer rules or another base; what",
    "follows replaces what this program said of it before.",
)


class RecheckStore(Protocol):
    """The part of the store that a second look needs."""

    def context(self, posting: Posting) -> RefusalContext:
        """When the posting's parts came, and how it stands to others."""

    def of_topic(self, topic: str) -> Sequence[Posting]:
        """The complete postings of one series, by revision."""

    def review_of(self, posting_id: str) -> ReviewRecord | None:
        """The review that is stored of a posting."""

    def previous_review(self, posting: Posting, rehearsed: bool) -> Review | None:
        """The newest stored review of an earlier revision of the same topic; without recipients where no mail left.

        What a dry run filed counts as a mail where this review is `rehearsed` too, and only there.
        """

    def quarantine(self, posting: Posting, reason: str) -> None:
        """Remember that the posting could not be judged, and why."""

    def save_blobs(self, blobs: Mapping[str, bytes], now: datetime) -> None:
        """Keep verified bytes by their full ids; they were used now."""

    def save_review(self, review: Review, outgoing: Outgoing | None, now: datetime) -> bool:
        """Keep the review and its mail together; say whether the mail was kept."""

    def verdicts(self, posting_id: str) -> frozenset[str]:
        """The verdicts that stood or were mailed on a posting."""

    def note_verdict(self, posting_id: str, verdict: str, now: datetime) -> None:
        """Remember that this verdict stood or was mailed."""

    def forget_expired(self, message_id: str, verdict: str) -> bool:
        """Forget a mail and its verdict if the mail expired before any attempt to send it. Return whether it did."""


@dataclass(frozen=True, slots=True)
class RecheckResult:
    """What came of a second look: the new review, what it changed, the mail that was queued, or why there is none."""

    review: Review
    changed: Difference
    mail: Outgoing | None = None
    unsent: str = ""


class RecheckJob:
    """Judges postings again; any number of times, and beside a service that works on the same database."""

    def __init__(self, store: RecheckStore, analyse: AnalyserProtocol, context: ReviewContext, clock: Clock) -> None:
        self._store = store
        self._analyse = analyse
        self._context = context
        self._clock = clock

    def run(self, posting: Posting, send: bool = False) -> RecheckResult | Crashed:
        """Judge the posting, keep the review, and with `send` queue a mail if its verdict is one nobody was told.

        Raises StoppedError.
        """
        if isinstance(posting.state, Defective):
            return Crashed(posting.state.reason)
        now, store = self._clock.now(), self._store
        before = store.review_of(posting.message_id)
        previous = store.previous_review(posting, self._context.is_rehearsal(posting))
        known = store.context(posting)
        analysis = self._analyse(posting, self._context.rules)
        judged = process(posting, analysis, previous, self._context, known.last, now)
        if isinstance(judged, Crashed):
            if before is None:  # else the review that stands is worth more than that it cannot be made again
                store.quarantine(posting, judged.reason)
                log_quarantine(posting, judged.reason)
            return judged
        old = None if before is None else before.review
        later = max((each.series.revision for each in store.of_topic(posting.topic)), default=0)
        changed = difference(old, judged.review, later if later > posting.series.revision else None)
        told = store.verdicts(posting.message_id)
        if not told:
            # What stood before the first re-check is what people may have been told; what re-checks without a mail
            # came to later is not.
            stood = "" if old is None else verdict_of(old)
            store.note_verdict(posting.message_id, stood, now)
            told = frozenset({stood})
        mail, unsent = self._mail(judged, told, known, now) if send else (None, "")
        store.save_blobs(judged.blobs, now)
        found = judged.review
        if mail is None and verdict_of(found) not in told:
            found = _unmailed(found, old)
        if before is None or mail is not None or found != old:
            # What is found as it was is not dated anew: no digest tells it a second time.
            when = before.at if before is not None and changed.nothing else now
            kept = store.save_review(found, mail, when)
            mail, unsent = (mail, unsent) if kept or mail is None else (None, "it was answered so before")
            log_review(found, mail, unsent or "not asked for", is_recheck=True)
        if mail is not None:
            store.note_verdict(posting.message_id, verdict_of(found), now)
        return RecheckResult(found, changed, mail, unsent)

    def _mail(
        self, judged: ReviewResult, told: frozenset[str], known: RefusalContext, now: datetime
    ) -> tuple[Outgoing | None, str]:
        """The mail for a verdict that is new, and "", or none and why."""
        review, verdict = judged.review, verdict_of(judged.review)
        posting = review.posting
        if not verdict:
            return None, review.recipients.reason or "nothing to say"
        kind = recheck_kind(verdict)
        if verdict in told and not self._store.forget_expired(
            message_id(posting, self._context.identity, kind), verdict
        ):
            return None, "that verdict stood or was mailed before"
        if not isinstance(posting.state, Complete):
            return None, "the series is not whole"
        # Whoever asks for one posting by name means it at any age; all other reasons for silence stand.
        terms = replace(self._context.terms, stale=None)
        if refused := refuse_posting(posting, known, now, terms):
            return None, str(refused)
        if not review.recipients.to:
            return None, review.recipients.reason
        preface = _PREFACE if any(told - {verdict}) else ()
        frozen = write_mail(review, self._context, known.last, now, kind, preface)
        return (frozen, "") if isinstance(frozen, Outgoing) else (None, frozen.reason if frozen else "nothing to say")


def recheck_kind(verdict: str) -> str:
    """Return the kind of the mail that tells of that verdict."""
    return f"{_KIND}-{verdict[:16]}"


def _unmailed(found: Review, old: Review | None) -> Review:
    """The review that says of what the stored one did not mail that nobody heard of it: it was never "said before"."""
    told = Counter(each.finding.fingerprint for each in old.said if not each.unmailed) if old is not None else Counter()

    def marked(comment: ReviewFinding) -> ReviewFinding:
        if comment.withheld is not None:
            return comment
        known = told[comment.finding.fingerprint] > 0
        told[comment.finding.fingerprint] -= known
        return replace(comment, unmailed=not known)

    return replace(found, comments=tuple(map(marked, found.comments)))
