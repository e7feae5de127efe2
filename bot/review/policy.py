# SPDX-License-Identifier: GPL-2.0-or-later
"""What is not said, and why: every comment that is withheld carries its reason, none is dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bot.mail.posting import Complete, Defective, Posting
from bot.review.disposition import DISMISSED
from bot.review.finding_group import EXPLAINED, remarks, staged
from bot.review.model import FindingStatus, ReviewFinding
from bot.review.render.sentence import Sentence
from rules.finding import Confidence, Severity
from rules.lint.rule import Rule, Status

NITS_ALONE: Final = Sentence("all findings are nits")
OVER: Final = Sentence("over the limit of a mail")
DAMAGED: Final = Sentence("the series cannot be checked: {reason}")
INCOMPLETE: Final = Sentence("parts of the series are missing: {numbers}")
NO_RULE: Final = Sentence("its rule is unknown")
NOT_STABLE: Final = Sentence("its rule is not stable")
NEVER_MAILED: Final = Sentence("its rule is never mailed")
SWITCHED_OFF: Final = Sentence("its rule is switched off in the settings")
DIGEST_ONLY: Final = Sentence("its rule is in the digest only: {reason}")
FIXED_LATER: Final = Sentence("fixed by patch {patch} of the series")
NOTE: Final = Sentence("notes are not mailed")
LOW_SEVERITY: Final = Sentence("severity is only {severity}")
LOW_CONFIDENCE: Final = Sentence("confidence is only {confidence}")
DISPUTED: Final = Sentence(DISMISSED + ": {reason}")
REPORTED: Final = Sentence("already reported {count} times")
_DRAFT: Final = {"RFC", "WIP", "DRAFT", "POC"}


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of a mail.

    `without` are rule ids switched off. Below `severity` and `confidence` nothing is said. `dismissed` holds the
    fingerprints that an author or maintainer called not applicable, with the reason given; `demoted` the rules that
    were called wrong too often, with the figures; `muted` says who silenced the series, if anybody did. `replies` holds
    the first reply of a person to our mail about a posting, by the posting's message-id. The bounds
    count remarks, not places: those that are explained, those of a rule explained already, nits. With the renderer's
    cuts they keep a mail under 20 kB.
    """

    without: frozenset[str] = frozenset()
    dismissed: Mapping[str, str] = field(default_factory=dict)
    demoted: Mapping[str, str] = field(default_factory=dict)
    muted: str = ""
    replies: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = Severity.NIT
    confidence: Confidence = Confidence.MEDIUM
    most_remarks: int = 7
    most_listed: int = 10
    most_nits: int = 5
    most_repeats: int = 2


def withhold(
    comments: tuple[ReviewFinding, ...], posting: Posting, rules: Mapping[str, Rule], policy: Policy
) -> tuple[ReviewFinding, ...]:
    """The same comments in the same order, those that are not to be said with their reason."""
    judged = tuple(
        comment
        if comment.withheld is not None
        else replace(
            comment, withheld=_of_posting(posting) or _of_comment(comment, rules.get(comment.finding.rule), policy)
        )
        for comment in comments
    )
    draft = any(prefix.upper() in _DRAFT for prefix in posting.series.prefixes)
    return _nits_alone(_bounded(judged, rules, replace(policy, most_listed=0, most_nits=0) if draft else policy, draft))


def _of_posting(posting: Posting) -> str | None:
    """A series that is not whole is not judged in public: the missing part may hold what a finding misses."""
    if isinstance(posting.state, Complete):
        return None
    if isinstance(posting.state, Defective):
        return DAMAGED.format(reason=posting.state.reason)
    return INCOMPLETE.format(numbers=", ".join(str(index) for index in posting.state.missing))


def _of_comment(comment: ReviewFinding, rule: Rule | None, policy: Policy) -> str | None:
    finding = comment.finding
    objection = policy.dismissed.get(finding.fingerprint, policy.dismissed.get(comment.before))
    checks = (
        (rule is None, NO_RULE),
        (rule is not None and rule.status is not Status.STABLE, NOT_STABLE),
        (rule is not None and not rule.in_mail, NEVER_MAILED),
        (finding.rule in policy.without, SWITCHED_OFF),
        (finding.rule in policy.demoted, DIGEST_ONLY.format(reason=policy.demoted.get(finding.rule))),
        (finding.mended_by is not None, FIXED_LATER.format(patch=finding.mended_by)),
        (finding.severity is Severity.NOTE, NOTE),
        (finding.severity.rank < policy.severity.rank, LOW_SEVERITY.format(severity=finding.severity)),
        (finding.confidence.rank < policy.confidence.rank, LOW_CONFIDENCE.format(confidence=finding.confidence)),
        (objection is not None, DISPUTED.format(reason=objection)),
        (comment.said_before >= policy.most_repeats, REPORTED.format(count=comment.said_before)),
    )
    return next((reason for applies, reason in checks if applies), None)


def _bounded(
    comments: tuple[ReviewFinding, ...], rules: Mapping[str, Rule], policy: Policy, draft: bool
) -> tuple[ReviewFinding, ...]:
    """The weightiest remarks up to the bounds, bugs first, the new before the old; the rest is withheld.

    Who posts a draft asks about its design and knows that it is unfinished: each rule is said at one place, and no nit.
    """
    said = remarks((comment for comment in comments if comment.withheld is None), rules)
    ranked = sorted(
        said, key=lambda remark: (-remark.severity.rank, remark.comments[0].standing is not FindingStatus.NEW)
    )
    explained, listed = staged(ranked, 1 if draft else EXPLAINED)
    nits = [remark for remark in ranked if remark.tier == 2]
    cut = {remark.rule for remark in explained[policy.most_remarks :]}
    short = [remark for remark in listed if remark.rule not in cut]
    kept = (*explained[: policy.most_remarks], *short[: policy.most_listed], *nits[: policy.most_nits])
    spared = {id(comment) for remark in kept for comment in remark.comments}
    return tuple(
        comment if comment.withheld is not None or id(comment) in spared else replace(comment, withheld=OVER)
        for comment in comments
    )


def _nits_alone(comments: tuple[ReviewFinding, ...]) -> tuple[ReviewFinding, ...]:
    """Withholds the nits where nothing weightier is said.

    A mail interrupts its author and everybody on Cc; a nit is worth a line in a mail that is sent anyway, not the
    interruption. They stay visible to `check` and in the digest.
    """
    if any(comment.withheld is None and comment.finding.severity.rank >= Severity.WARNING.rank for comment in comments):
        return comments
    return tuple(
        comment if comment.withheld is not None else replace(comment, withheld=NITS_ALONE) for comment in comments
    )
