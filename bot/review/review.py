# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a review from the findings in a posting: which are reported, which are withheld and why, and who gets it."""

from collections.abc import Iterable

from bot.mail.posting import Complete, Part, Posting
from bot.review.baseline import compare
from bot.review.model import NO_DELTA, FindingState, Recipients, Review, ReviewFinding
from bot.review.policy import Policy, withhold
from bot.review.recipients import RecipientContext, recipients
from bot.review.reported import delta_line, leave_out_undecided
from rules.analysis.unsafe_delta import UnsafeDelta
from rules.finding import Report
from rules.lint.rule import Rule, Status


def review(
    posting: Posting,
    report: Report,
    rules: Iterable[Rule],
    previous: Review | None = None,
    policy: Policy | None = None,
    delta: UnsafeDelta = NO_DELTA,
    context: RecipientContext | None = None,
) -> Review:
    """Return the review of a posting: the same arguments give the same review.

    `previous` is the review of the latest earlier revision of the same topic. `withheld` marks the findings that are
    not mailed. If the series is damaged or incomplete, no finding counts as resolved, and the review leaves out
    findings that a missing patch could resolve.
    """
    policy = policy or Policy()
    known = {rule.id: rule for rule in rules}
    is_complete = isinstance(posting.state, Complete) and not any(patch.damage for patch in posting.series.patches)
    report = leave_out_undecided(report, posting, known)
    active = {rule.id for rule in known.values() if rule.status is not Status.RETIRED} if is_complete else set()
    reply = "" if previous is None else policy.replies.get(previous.posting.message_id, "")
    findings = compare(report, previous, active, reply, posting.paths)
    findings = withhold(findings, posting, known, policy)
    to = _recipients(posting, findings, policy, context or RecipientContext())
    line = delta_line(delta, None if previous is None else previous.delta)
    return Review(posting, findings, report.failures, to, line, delta, skipped=report.skipped)


def part_to_answer(posting: Posting, findings: Iterable[ReviewFinding]) -> Part | None:
    """Return the mail that a review replies to: the only patch with findings, the cover letter or the first patch."""
    patches = {entry.finding.anchor.patch for entry in findings if entry.withheld is None}
    if len(patches) == 1 and (part := posting.part(patches.pop())) is not None:
        return part
    return posting.cover or min(posting.parts, key=lambda part: part.index, default=None)


def count_resolved(findings: Iterable[ReviewFinding]) -> int:
    """Count the resolved findings that were mailed for an earlier revision, or would have been mailed."""
    return sum(entry.state is FindingState.RESOLVED and entry.known for entry in findings)


def _recipients(
    posting: Posting, findings: tuple[ReviewFinding, ...], policy: Policy, context: RecipientContext
) -> Recipients:
    """Return the recipients of the review, or why there are none."""
    part = part_to_answer(posting, findings)
    if part is None or all(entry.withheld is not None for entry in findings):
        return Recipients(reason="no finding to report")
    return Recipients(reason=policy.muted) if policy.muted else recipients(posting, part, context)
