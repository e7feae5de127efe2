# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the outcomes of each rule's findings, by replies and by later revisions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.review.disposition import DISMISSED, OLD_DISMISSED, Disposition, DispositionKind
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.render.sentence import Sentence
from rules.lazy import dataclass, field

MIN_DISPUTERS: Final = 3
"""Minimum number of people who must dispute findings of a rule before it is demoted: one person is not enough."""

OUTCOME: Final = Sentence("{disputed} of {count} findings were disputed")


@dataclass(frozen=True, slots=True)
class RuleTally:
    """The findings of a rule that were mailed, by outcome. A finding in several revisions counts once.

    `reported` is the number of all, the sum of the next three. `fixed` findings were gone in a later revision, or a
    person called them fixed and no later revision has them. `disputed` findings were called not applicable, by
    `disputers` people. `no_reply` are the others.
    """

    rule: str
    reported: int = 0
    fixed: int = 0
    disputed: int = 0
    no_reply: int = 0
    disputers: int = 0

    @property
    def dispute_rate(self) -> float:
        """The share of findings that were disputed."""
        return self.disputed / self.reported if self.reported else 0.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """When a rule is demoted: it has at least `min_findings`, and a larger share than `max_dispute_rate` is disputed.

    The rules whose ids are in `exempt` are never demoted.
    """

    max_dispute_rate: float
    min_findings: int
    exempt: frozenset[str] = frozenset()


@dataclass(slots=True)
class _MailedFinding:
    """A mailed finding through the revisions, with all its fingerprints.

    `seen` is the date of the last revision that has it. `gone` says that a later revision does not have it.
    """

    rule: str
    fingerprints: set[str] = field(default_factory=set)
    gone: bool = False
    seen: datetime | None = None


def tallies(series: Iterable[Sequence[Review]], dispositions: Iterable[Disposition]) -> tuple[RuleTally, ...]:
    """Return the tally of each rule with mailed findings, by rule id.

    Each item of `series` has the reviews of one series, by revision.
    """
    by_topic: dict[str, dict[str, list[Disposition]]] = defaultdict(lambda: defaultdict(list))
    for disposition in dispositions:
        by_topic[disposition.topic][disposition.fingerprint].append(disposition)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    disputers: dict[str, set[str]] = defaultdict(set)
    for reviews in series:
        by_fingerprint = by_topic.get(reviews[0].posting.topic, {}) if reviews else {}
        for finding in _mailed_findings(reviews):
            replies = [
                disposition
                for fingerprint in sorted(finding.fingerprints)
                for disposition in by_fingerprint.get(fingerprint, ())
            ]
            outcome = _outcome(finding, replies)
            counts[finding.rule][outcome] += 1
            if outcome == "disputed":
                disputers[finding.rule].update(
                    reply.by for reply in replies if reply.answer is DispositionKind.NOT_APPLICABLE
                )
    return tuple(
        RuleTally(rule, reported=sum(outcomes.values()), disputers=len(disputers[rule]), **outcomes)
        for rule, outcomes in sorted(counts.items())
    )


def demoted(counted: Iterable[RuleTally], threshold: Threshold) -> Mapping[str, str]:
    """Return the rules that are reported in digests only, with the figures that explain why."""
    return {
        tally.rule: OUTCOME.format(disputed=tally.disputed, count=tally.reported)
        for tally in counted
        if tally.reported >= threshold.min_findings
        and tally.dispute_rate > threshold.max_dispute_rate
        and tally.disputers >= MIN_DISPUTERS
        and tally.rule not in threshold.exempt
    }


def _mailed_findings(reviews: Sequence[Review]) -> list[_MailedFinding]:
    """Return the findings that were mailed for these revisions of one series, each once."""
    known: dict[str, _MailedFinding] = {}
    mailed: list[_MailedFinding] = []
    for review in reviews:
        changed: dict[str, _MailedFinding] = {}  # the findings of one revision are compared with earlier ones alone
        for entry in review.findings:
            fingerprint = entry.finding.fingerprint
            finding = known.get(entry.before) or known.get(fingerprint)
            if entry.state is FindingState.RESOLVED:
                if finding is not None:
                    finding.gone = True
                continue
            if finding is None and _is_mailed(review, entry):
                finding = _MailedFinding(entry.finding.rule)
                mailed.append(finding)
            if finding is not None:
                finding.fingerprints.add(fingerprint)
                finding.gone, finding.seen = False, review.posting.date
                changed[fingerprint] = finding
        known |= changed
    return mailed


def _is_mailed(review: Review, entry: ReviewFinding) -> bool:
    """Return whether the finding was mailed. People dispute what was mailed, and a re-check withholds it afterwards."""
    if entry.withheld is not None:
        return entry.withheld.startswith((DISMISSED, OLD_DISMISSED))
    return not entry.unmailed and bool(review.recipients.to)


def _outcome(finding: _MailedFinding, replies: Sequence[Disposition]) -> str:
    last = max(replies, key=lambda reply: (reply.given, reply.message_id), default=None)
    if last is not None and last.answer is DispositionKind.NOT_APPLICABLE:
        return "disputed"
    # A finding that a person called fixed, but that a later revision still has, is not fixed.
    is_called_fixed = last is not None and (finding.seen is None or finding.seen <= last.given)
    return "fixed" if finding.gone or is_called_fixed else "no_reply"
