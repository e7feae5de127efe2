# SPDX-License-Identifier: GPL-2.0-or-later
"""The first lines of a mail: number, patches and rules of the findings, and the change since the last revision."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.review.disposition import ALREADY_REPORTED
from bot.review.finding_group import FindingGroup
from bot.review.model import Review, ReviewFinding
from bot.review.policy import OVER
from bot.review.render import sentences
from bot.review.render import text as plain_text
from bot.review.review import count_resolved
from rules.finding import Severity

MAX_RULES: Final = 4
"""The maximum number of rules that the first sentence names."""


def summary(review: Review, groups: Sequence[FindingGroup], page: str) -> list[str]:
    """Return the number and rules of the findings, the change since the previous revision, and the number not shown.

    `page` is the address of the page with all findings, which the footer has, or "".
    """
    lines = [
        sentences.FOUND.format(
            counts=_amounts(groups), place=_where(review, groups), rules=plain_text.listed(_rules(groups), MAX_RULES)
        )
    ]
    if since := _since_previous(review):
        lines.append(since)
    if not_shown := _not_shown(review):
        lines.append(" ".join([*not_shown, sentences.ALL_ON_PAGE if page else sentences.ASK_FOR_ALL]))
    return [wrapped for line in lines for wrapped in plain_text.wrap(line)]


def _not_shown(review: Review) -> list[str]:
    """Return how many findings that stand are left out because of the length of the mail or of earlier mails."""
    reasons = [entry.withheld or "" for entry in review.current]
    too_many = sum(reason.startswith(OVER) for reason in reasons)
    reported = sum(reason.startswith(ALREADY_REPORTED) for reason in reasons)
    lines = []
    if too_many:
        lines.append(sentences.ONE_NOT_SHOWN if too_many == 1 else sentences.SOME_NOT_SHOWN.format(count=too_many))
    if reported:
        some = sentences.SOME_NOT_REPEATED.format(count=reported)
        lines.append(sentences.ONE_NOT_REPEATED if reported == 1 else some)
    return lines


def _is_hidden(entry: ReviewFinding) -> bool:
    """Return whether a current finding is left out because of the length of the mail or of earlier mails."""
    return entry.withheld is not None and entry.withheld.startswith((OVER, ALREADY_REPORTED))


def _rules(groups: Sequence[FindingGroup]) -> list[str]:
    """Return the ids of the rules: those of bugs first, those of nits last."""
    ranked = sorted(groups, key=lambda group: (group.tier, -group.severity.rank))
    return list(dict.fromkeys(group.rule for group in ranked))


def _amounts(groups: Sequence[FindingGroup]) -> str:
    counts = Counter(entry.finding.severity for group in groups for entry in group.findings)
    return plain_text.listed(
        plain_text.count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity]
    )


def _where(review: Review, groups: Sequence[FindingGroup]) -> str:
    patches = sorted({patch for group in groups for patch in group.patches})
    expected = review.posting.expected
    if expected <= 1:
        return sentences.THIS_PATCH
    if len(patches) == 1:
        return sentences.ONE_OF_SERIES.format(number=patches[0], total=expected)
    return sentences.SOME_OF_SERIES.format(numbers=plain_text.listed(patches), total=expected)


def _since_previous(review: Review) -> str:
    remaining = sum(entry.known and (entry.withheld is None or _is_hidden(entry)) for entry in review.current)
    resolved = count_resolved(review.findings)
    counts = []
    if remaining:
        counts.append(sentences.ONE_REMAINS if remaining == 1 else sentences.SOME_REMAIN.format(count=remaining))
    if resolved:
        counts.append(sentences.ONE_RESOLVED if resolved == 1 else sentences.SOME_RESOLVED.format(count=resolved))
    is_previous_unsent = any(entry.unmailed_before for entry in review.findings)
    sentence = sentences.SINCE_NO_MAIL if is_previous_unsent else sentences.SINCE_MAIL
    return sentence.format(counts=plain_text.listed(counts)) if counts else ""
