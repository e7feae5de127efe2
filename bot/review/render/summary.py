# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines on top of a mail: what was found, how much of it, and how it stands against the previous revision."""

from collections import Counter
from collections.abc import Sequence

from bot.review.finding_group import FindingGroup
from bot.review.model import Review
from bot.review.policy import OVER
from bot.review.render import text as prose
from bot.review.review import resolved
from rules.finding import Severity


def verdict(review: Review, said: Sequence[FindingGroup]) -> list[str]:
    """One sentence a line: amounts, places and rules; what stayed and what is resolved; what was left out."""
    sentences = [f"{_amounts(said)} in {_where(review, said)}: {prose.listed(_rules(said), 4)}."]
    if standing := _standing(review):
        sentences.append(standing)
    over = sum(comment.withheld == OVER for comment in review.comments)
    if over:
        sentences.append(f"{prose.count(over, 'finding')} more, left out here; `patchwarden check` shows them all.")
    return [line for sentence in sentences for line in prose.wrap(sentence)]


def _rules(said: Sequence[FindingGroup]) -> list[str]:
    """The rules' ids, those of nits last."""
    return list(dict.fromkeys(remark.rule for remark in sorted(said, key=lambda remark: remark.tier)))


def _amounts(said: Sequence[FindingGroup]) -> str:
    counts = Counter(comment.finding.severity for remark in said for comment in remark.comments)
    return prose.listed(
        prose.count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity]
    )


def _where(review: Review, said: Sequence[FindingGroup]) -> str:
    patches = sorted({patch for remark in said for patch in remark.patches})
    expected = review.posting.expected
    if expected <= 1:
        return "this patch"
    return f"patch {patches[0]}/{expected}" if len(patches) == 1 else f"patches {prose.listed(patches)} of {expected}"


def _standing(review: Review) -> str:
    again = sum(comment.known for comment in review.said)
    gone = resolved(review.comments)
    silent = any(comment.unsaid_before for comment in review.comments)
    which = "findings in the previous revision, which got no mail" if silent else "remarks on the previous revision"
    pieces = [f"{again} still {'stands' if again == 1 else 'stand'}"] if again else []
    pieces += [f"{gone} {'is' if gone == 1 else 'are'} resolved"] if gone else []
    return f"Of the {which}, {prose.listed(pieces)}." if pieces else ""
