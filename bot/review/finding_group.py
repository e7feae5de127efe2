# SPDX-License-Identifier: GPL-2.0-or-later
"""Group findings with the same message: the group is reported once, followed by its other places."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.review.model import ReviewFinding
from rules.finding import Finding, Severity
from rules.lint.rule import Rule

EXPLAINED: Final = 2  # How many groups of a rule a mail quotes and explains.


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """A group of findings: reported at the place of the first one; the others are its further places.

    They are in the same file of the same patch; of tier 2 in any.
    """

    rule: str
    tier: int
    comments: tuple[ReviewFinding, ...]

    @property
    def first(self) -> Finding:
        return self.comments[0].finding

    @property
    def patch(self) -> int:
        """The patch of the first finding."""
        return self.first.anchor.patch

    @property
    def patches(self) -> frozenset[int]:
        return frozenset(comment.finding.anchor.patch for comment in self.comments)

    @property
    def severity(self) -> Severity:
        return max((comment.finding.severity for comment in self.comments), key=lambda severity: severity.rank)


def remarks(comments: Iterable[ReviewFinding], rules: Mapping[str, Rule]) -> tuple[FindingGroup, ...]:
    """Group the findings, in the order of their first findings.

    Warnings of one rule in one file of a patch are one remark; bugs only where their message is the same, because each
    bug wants its own answer. A tier 2 rule is one remark, whatever the patch and file.
    """
    groups: dict[tuple[object, ...], list[ReviewFinding]] = {}
    for comment in comments:
        groups.setdefault(_key(comment.finding, _tier(comment.finding, rules)), []).append(comment)
    return tuple(
        FindingGroup(group[0].finding.rule, _tier(group[0].finding, rules), tuple(group)) for group in groups.values()
    )


def staged(groups: Iterable[FindingGroup], limit: int = EXPLAINED) -> tuple[list[FindingGroup], list[FindingGroup]]:
    """Tier 1 in two: what is quoted and explained, and what a line each is enough for.

    Whoever has read a remark twice knows the third; but each bug is explained.
    """
    explained: list[FindingGroup] = []
    listed: list[FindingGroup] = []
    seen: Counter[str] = Counter()
    for remark in groups:
        if remark.tier == 1:
            bug = remark.severity is Severity.BUG
            (explained if bug or seen[remark.rule] < limit else listed).append(remark)
            seen[remark.rule] += not bug
    return explained, listed


def _tier(finding: Finding, rules: Mapping[str, Rule]) -> int:
    """Return the rule's tier; a nit of any rule is never among the warnings."""
    rule = rules.get(finding.rule)
    return 2 if finding.severity.rank < Severity.WARNING.rank or (rule is not None and rule.tier == 2) else 1


def _key(finding: Finding, tier: int) -> tuple[object, ...]:
    if tier == 2:
        return (tier, finding.rule)
    bug = finding.message if finding.severity is Severity.BUG else ""
    return (tier, finding.rule, finding.anchor.patch, finding.path, bug)
