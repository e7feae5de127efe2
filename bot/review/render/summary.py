# SPDX-License-Identifier: GPL-2.0-or-later
"""The first lines of a mail: number, patches and rules of the findings, and the change since the last revision."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.review.finding_group import FindingGroup
from bot.review.model import Review
from bot.review.policy import OVER
from bot.review.render import sentences
from bot.review.render import text as prose
from bot.review.review import resolved
from rules.finding import Severity

MAX_RULES: Final = 4
"""The number of rules that the first sentence names."""


def verdict(review: Review, said: Sequence[FindingGroup]) -> list[str]:
    """Return the number and rules of the findings, the change since the previous revision, and the number not shown."""
    lines = [
        sentences.FOUND.format(
            counts=_amounts(said), place=_where(review, said), rules=prose.listed(_rules(said), MAX_RULES)
        )
    ]
    if since := _since_previous(review):
        lines.append(since)
    if over := sum(comment.withheld == OVER for comment in review.comments):
        lines.append(sentences.ONE_NOT_SHOWN if over == 1 else sentences.SOME_NOT_SHOWN.format(count=over))
    return [wrapped for line in lines for wrapped in prose.wrap(line)]


def _rules(said: Sequence[FindingGroup]) -> list[str]:
    """Return the rules' ids: bugs first, nits last."""
    return list(
        dict.fromkeys(group.rule for group in sorted(said, key=lambda group: (group.tier, -group.severity.rank)))
    )


def _amounts(said: Sequence[FindingGroup]) -> str:
    counts = Counter(comment.finding.severity for remark in said for comment in remark.comments)
    return prose.listed(
        prose.count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity]
    )


def _where(review: Review, said: Sequence[FindingGroup]) -> str:
    patches = sorted({patch for remark in said for patch in remark.patches})
    expected = review.posting.expected
    if expected <= 1:
        return sentences.THIS_PATCH
    if len(patches) == 1:
        return sentences.ONE_OF_SERIES.format(number=patches[0], total=expected)
    return sentences.SOME_OF_SERIES.format(numbers=prose.listed(patches), total=expected)


def _since_previous(review: Review) -> str:
    remaining = sum(comment.known for comment in review.said)
    gone = resolved(review.comments)
    counts = []
    if remaining:
        counts.append(sentences.ONE_REMAINS if remaining == 1 else sentences.SOME_REMAIN.format(count=remaining))
    if gone:
        counts.append(sentences.ONE_RESOLVED if gone == 1 else sentences.SOME_RESOLVED.format(count=gone))
    unsent = any(comment.unsaid_before for comment in review.comments)
    sentence = sentences.SINCE_NO_MAIL if unsent else sentences.SINCE_MAIL
    return sentence.format(counts=prose.listed(counts)) if counts else ""
