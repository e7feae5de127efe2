# SPDX-License-Identifier: GPL-2.0-or-later
"""Group findings with the same message: the group is reported once, followed by its other places."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.review.model import ReviewFinding
from rules.finding import Finding, Severity
from rules.lint.rule import Rule

EXPLAINED: Final = 2  # How many groups of a rule and message a mail quotes and explains.
_NAMED_CODE: Final = re.compile(r"`[^`]*`")


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

    Warnings in one file of a patch are one group if their rule and message are the same, whatever code the message
    names. Bugs need the very same message, because each bug is answered on its own. Nits with the same message are one
    group, whatever the patch and file.
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
    seen: Counter[tuple[str, str]] = Counter()
    for remark in groups:
        if remark.tier == 1:
            bug = remark.severity is Severity.BUG
            said = remark.rule, message_form(remark.first)
            (explained if bug or seen[said] < limit else listed).append(remark)
            seen[said] += not bug
    return explained, listed


def _tier(finding: Finding, rules: Mapping[str, Rule]) -> int:
    """Return the rule's tier; a nit of any rule is never among the warnings."""
    rule = rules.get(finding.rule)
    return 2 if finding.severity.rank < Severity.WARNING.rank or (rule is not None and rule.tier == 2) else 1


def message_form(finding: Finding) -> str:
    """Return the message without the code that it names, by which places with one cause are the same."""
    return _NAMED_CODE.sub("``", finding.message)


def _key(finding: Finding, tier: int) -> tuple[object, ...]:
    if tier == 2:
        return (tier, finding.rule, finding.message)
    message = finding.message if finding.severity is Severity.BUG else message_form(finding)
    return (tier, finding.rule, finding.anchor.patch, finding.path, message)
