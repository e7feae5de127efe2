# SPDX-License-Identifier: GPL-2.0-or-later
"""What is reported of a posting, by a check and in a mail: findings that can be decided, and the unsafe code."""

from collections.abc import Mapping

from bot.mail.posting import Defective, Posting, Waiting
from rules.analysis.unsafe_delta import UnsafeDelta, compare_deltas
from rules.finding import Report
from rules.lazy import replace
from rules.lint.rule import Rule


def leave_out_undecided(report: Report, posting: Posting, rules: Mapping[str, Rule]) -> Report:
    """Return the report without the findings that a missing or damaged patch of the series could resolve."""
    if isinstance(posting.state, Defective) or (isinstance(posting.state, Waiting) and any(posting.state.missing)):
        decided = (item for item in report.findings if item.rule not in rules or not rules[item.rule].needs_series)
        return replace(report, findings=tuple(decided))
    return report


def delta_line(delta: UnsafeDelta, previous: UnsafeDelta | None) -> str:
    """Return the sentence about the unsafe code of a series, and about its change since the previous revision."""
    since_previous = compare_deltas(delta, previous).line() if previous is not None else ""
    return "; ".join(filter(None, (delta.line(), since_previous)))
