# SPDX-License-Identifier: GPL-2.0-or-later
"""Group findings with the same message: the group is reported once, followed by its other places."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from bot.review.model import ReviewFinding
from rules.finding import Finding, Severity
from rules.lazy import dataclass, re
from rules.lint.rule import Rule

MAX_PER_MESSAGE: Final = 2
"""The maximum number of groups with the same rule and message that a mail quotes and explains."""
_NAMED_CODE: Final = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that a mail reports together, at the place of the first finding; the other places follow.

    The findings of tier 1 are in the same file of the same patch. Nits, of tier 2, may be in different files.
    """

    rule: str
    tier: int
    findings: tuple[ReviewFinding, ...]

    @property
    def first(self) -> Finding:
        return self.findings[0].finding

    @property
    def patch(self) -> int:
        """The patch of the first finding."""
        return self.first.anchor.patch

    @property
    def patches(self) -> frozenset[int]:
        return frozenset(entry.finding.anchor.patch for entry in self.findings)

    @property
    def severity(self) -> Severity:
        return max((entry.finding.severity for entry in self.findings), key=lambda severity: severity.rank)


def group_findings(findings: Iterable[ReviewFinding], rules: Mapping[str, Rule]) -> tuple[FindingGroup, ...]:
    """Group the findings, in the order of their first findings.

    Warnings in one file of a patch are one group if their rule and message are the same, whatever code the message
    names. Bugs are grouped only if their messages are equal, because people reply to each bug separately. Nits with the
    same message are one group, in all patches and files.
    """
    groups: dict[tuple[object, ...], list[ReviewFinding]] = {}
    for entry in findings:
        groups.setdefault(_key(entry.finding, _tier(entry.finding, rules)), []).append(entry)
    return tuple(
        FindingGroup(group[0].finding.rule, _tier(group[0].finding, rules), tuple(group)) for group in groups.values()
    )


def split_explained(
    groups: Iterable[FindingGroup], limit: int = MAX_PER_MESSAGE
) -> tuple[list[FindingGroup], list[FindingGroup]]:
    """Split the groups of tier 1 into those that a mail quotes and explains, and those that it lists in one line.

    A message is explained at most `limit` times. Each bug is explained.
    """
    explained: list[FindingGroup] = []
    listed: list[FindingGroup] = []
    seen: Counter[tuple[str, str]] = Counter()
    for group in groups:
        if group.tier == 1:
            is_bug = group.severity is Severity.BUG
            message = group.rule, message_form(group.first)
            (explained if is_bug or seen[message] < limit else listed).append(group)
            seen[message] += not is_bug
    return explained, listed


def _tier(finding: Finding, rules: Mapping[str, Rule]) -> int:
    """Return the rule's tier. A nit is always of tier 2."""
    rule = rules.get(finding.rule)
    return 2 if finding.severity.rank < Severity.WARNING.rank or (rule is not None and rule.tier == 2) else 1


def code_names(finding: Finding) -> list[str]:
    """Return the code that the message names, with its backticks."""
    return _NAMED_CODE.findall(finding.message)


def message_form(finding: Finding) -> str:
    """Return the message without the code that it names. Findings with the same cause have the same form."""
    return _NAMED_CODE.sub("``", finding.message)


def _key(finding: Finding, tier: int) -> tuple[object, ...]:
    if tier == 2:
        return (tier, finding.rule, finding.message)
    message = finding.message if finding.severity is Severity.BUG else message_form(finding)
    return (tier, finding.rule, finding.anchor.patch, finding.path, message)
