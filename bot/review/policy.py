# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide which findings are withheld from the mail, and why. Every finding is kept, a withheld one with its reason."""

from collections.abc import Mapping
from typing import Final

from bot.mail.landed import read_reverts
from bot.mail.posting import Complete, Defective, Posting
from bot.review.disposition import ALREADY_REPORTED, DISMISSED
from bot.review.finding_group import MAX_PER_MESSAGE, group_findings, split_explained
from bot.review.model import FindingState, ReviewFinding
from bot.review.render.sentence import Sentence
from rules.diff.patch import Patch
from rules.finding import Confidence, Severity
from rules.lazy import dataclass, field, replace
from rules.lint.rule import Rule, Scope, Status

NITS_ALONE: Final = Sentence("all findings are nits")
OVER: Final = Sentence("more findings than one mail reports")
OVER_IN_DRAFT: Final = Sentence(OVER + " about a draft")
DAMAGED: Final = Sentence("the series cannot be checked: {reason}")
INCOMPLETE: Final = Sentence("parts of the series are missing: {parts}")
NO_RULE: Final = Sentence("its rule is unknown")
NOT_STABLE: Final = Sentence("its rule is in preview")
NEVER_MAILED: Final = Sentence("its rule is never mailed")
FOR_AUTHORS: Final = Sentence("its rule is for authors before posting, and the list asks for no nits")
SWITCHED_OFF: Final = Sentence("its rule is switched off in the settings")
DIGEST_ONLY: Final = Sentence("its rule is reported in digests only: {reason}")
FIXED_LATER: Final = Sentence("fixed by patch {patch} of the series")
REVERT: Final = Sentence("the patch is a revert, which brings earlier code back")
NOTE: Final = Sentence("notes are not mailed")
LOW_SEVERITY: Final = Sentence("severity is only {severity}")
LOW_CONFIDENCE: Final = Sentence("confidence is only {confidence}")
DISPUTED: Final = Sentence(DISMISSED + ": {reason}")
REPORTED: Final = Sentence(ALREADY_REPORTED + " {count} times")
_DRAFT: Final = {"RFC", "WIP", "DRAFT", "POC"}


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides which findings are mailed, and the limits of a mail.

    `without` are the ids of rules that are switched off. Findings below `severity` or `confidence` are withheld.
    `dismissed` has the fingerprints that an author or maintainer disputed, with the reasons. `demoted` has the rules
    that were disputed too often, with the figures. `muted` says who muted the series, "" if it is not muted.
    `replies` has the first reply of a person to our mail about a posting, by the message-id of the posting.

    The limits count groups of findings: groups that are explained, groups in one line, and nits. A finding is mailed
    for at most `max_repeats` revisions. `nits` says that the lists ask for findings of rules of scope `author`.

    The limits and those of the renderer keep a mail under 20 kB.
    """

    without: frozenset[str] = frozenset()
    dismissed: Mapping[str, str] = field(default_factory=dict)
    demoted: Mapping[str, str] = field(default_factory=dict)
    muted: str = ""
    replies: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = Severity.NIT
    confidence: Confidence = Confidence.MEDIUM
    max_explained: int = 7
    max_listed: int = 10
    max_nits: int = 5
    max_repeats: int = 2
    nits: bool = False


def withhold(
    findings: tuple[ReviewFinding, ...], posting: Posting, rules: Mapping[str, Rule], policy: Policy
) -> tuple[ReviewFinding, ...]:
    """Return the same findings in the same order, the withheld ones with their reasons."""
    of_posting = _of_posting(posting)
    reverts = {patch.index for patch in posting.series.patches if _is_revert(patch)}

    def reason(entry: ReviewFinding) -> str | None:
        if entry.withheld is not None or of_posting is not None:
            return entry.withheld or of_posting
        is_revert = entry.finding.anchor.patch in reverts and entry.finding.severity is not Severity.BUG
        return _of_finding(entry, rules.get(entry.finding.rule), policy) or (REVERT.format() if is_revert else None)

    checked = tuple(replace(entry, withheld=reason(entry)) for entry in findings)
    is_draft = any(prefix.upper() in _DRAFT for prefix in posting.series.prefixes)
    limits = replace(policy, max_listed=0, max_nits=0) if is_draft else policy
    return _withhold_over_limit(_withhold_nits_alone(checked), rules, limits, is_draft)


def _is_revert(patch: Patch) -> bool:
    return patch.subject.startswith('Revert "') or bool(read_reverts(patch.log))


def _of_posting(posting: Posting) -> str | None:
    """Return why the posting gets no mail. A missing part may fix what a finding reports."""
    if isinstance(posting.state, Complete):
        return None
    if isinstance(posting.state, Defective):
        return DAMAGED.format(reason=posting.state.reason)
    return INCOMPLETE.format(parts=posting.missing_parts)


def _of_finding(entry: ReviewFinding, rule: Rule | None, policy: Policy) -> str | None:
    finding = entry.finding
    objection = policy.dismissed.get(finding.fingerprint, policy.dismissed.get(entry.before))
    checks = (
        (rule is None, NO_RULE),
        (rule is not None and rule.status is not Status.STABLE, NOT_STABLE),
        (rule is not None and not rule.in_mail, NEVER_MAILED),
        (rule is not None and rule.scope is Scope.AUTHOR and not policy.nits, FOR_AUTHORS),
        (finding.rule in policy.without, SWITCHED_OFF),
        (finding.rule in policy.demoted, DIGEST_ONLY.format(reason=policy.demoted.get(finding.rule))),
        (finding.fixed_by_patch is not None, FIXED_LATER.format(patch=finding.fixed_by_patch)),
        (finding.severity is Severity.NOTE, NOTE),
        (finding.severity.rank < policy.severity.rank, LOW_SEVERITY.format(severity=finding.severity)),
        (finding.confidence.rank < policy.confidence.rank, LOW_CONFIDENCE.format(confidence=finding.confidence)),
        (objection is not None, DISPUTED.format(reason=objection)),
        (entry.mailed_before >= policy.max_repeats, REPORTED.format(count=entry.mailed_before)),
    )
    return next((reason for applies, reason in checks if applies), None)


def _withhold_over_limit(
    findings: tuple[ReviewFinding, ...], rules: Mapping[str, Rule], policy: Policy, is_draft: bool
) -> tuple[ReviewFinding, ...]:
    """Withhold the findings over the limits. Severe findings come first, and new findings before old ones.

    The author of a draft asks about its design and knows that it is unfinished. So the mail reports each message once,
    and no nits.
    """
    groups = group_findings((entry for entry in findings if entry.withheld is None), rules)
    ranked = sorted(groups, key=lambda group: (-group.severity.rank, group.findings[0].state is not FindingState.NEW))
    explained, listed = split_explained(ranked, 1 if is_draft else MAX_PER_MESSAGE)
    nits = [group for group in ranked if group.tier == 2]
    cut_rules = {group.rule for group in explained[policy.max_explained :]}
    short = [group for group in listed if group.rule not in cut_rules]
    reported = (*explained[: policy.max_explained], *short[: policy.max_listed], *nits[: policy.max_nits])
    reported_ids = {id(entry) for group in reported for entry in group.findings}
    reason = OVER_IN_DRAFT if is_draft else OVER
    return tuple(
        entry if entry.withheld is not None or id(entry) in reported_ids else replace(entry, withheld=reason)
        for entry in findings
    )


def _withhold_nits_alone(findings: tuple[ReviewFinding, ...]) -> tuple[ReviewFinding, ...]:
    """Withhold the nits if there is no warning and no bug.

    A mail interrupts its author and all recipients on Cc. A nit is worth a line in a mail, but not a mail of its own.
    `check` and the digest still show it.
    """
    if any(entry.withheld is None and entry.finding.severity.rank >= Severity.WARNING.rank for entry in findings):
        return findings
    return tuple(entry if entry.withheld is not None else replace(entry, withheld=NITS_ALONE) for entry in findings)
