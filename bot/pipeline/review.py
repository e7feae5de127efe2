# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a review from an analysis: what is reported, what is withheld and why, and who gets the mail."""

from bot.mail.posting import Posting
from bot.pipeline.analyse import Analysis
from bot.pipeline.context import ReviewContext
from bot.review.consent import Consent
from bot.review.model import Review
from bot.review.policy import Policy
from bot.review.review import review
from rules.lazy import replace


def review_posting(posting: Posting, analysis: Analysis, previous: Review | None, context: ReviewContext) -> Review:
    """Return the review of a posting; `previous` is the review of the latest earlier revision of the same topic."""
    recipients = context.recipients()
    policy = _narrowed(context.learned(posting, context.policy), recipients.consent_of(posting))
    policy = replace(policy, nits=context.nit_lists.ask_for(posting))
    rules = context.rules_for(posting)
    reviewed = review(posting, analysis.report, rules, previous, policy, analysis.delta, recipients)
    paths = (path for patch in posting.series.patches for path in patch.paths)
    basis = replace(context.basis, base=analysis.base_name)
    if basis.rules and rules is not context.rules:
        basis = replace(basis, rules=tuple(rule.id for rule in rules))
    matches = context.subsystems(paths)
    return replace(reviewed, basis=basis, subsystems=tuple(match.name for match in matches), matches=matches)


def _narrowed(policy: Policy, consent: Consent) -> Policy:
    """Return the policy restricted by the consent of the lists."""
    severity = max(policy.severity, consent.severity, key=lambda severity: severity.rank)
    return replace(policy, severity=severity, without=policy.without | consent.without)
