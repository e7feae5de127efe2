# SPDX-License-Identifier: GPL-2.0-or-later
"""Review a posting without a mail: what was found, and not what is withheld and who gets it."""

from collections.abc import Iterable, Mapping

from bot.mail.posting import Defective, Posting, Waiting
from bot.review.model import Basis, Review, ReviewFinding
from rules.analysis.unsafe_delta import UnsafeDelta, compare_deltas
from rules.finding import Report
from rules.lazy import replace
from rules.lint.rule import Rule


def review_without_mail(
    posting: Posting, report: Report, rules: Iterable[Rule], previous: Review | None, delta: UnsafeDelta, base: str
) -> Review:
    """Return the review of a posting of which no mail is written: its findings are not compared with earlier ones.

    `previous` is the review of the latest earlier revision of the same topic, `base` the name of the kernel that the
    posting was checked against.
    """
    report = leave_out_undecided(report, posting, {rule.id: rule for rule in rules})
    comments = tuple(map(ReviewFinding, report.findings))
    line = delta_line(delta, previous)
    basis = Basis(base=base)
    return Review(
        posting, comments, report.failures, unsafe_delta=line, delta=delta, basis=basis, skipped=report.skipped
    )


def leave_out_undecided(report: Report, posting: Posting, rules: Mapping[str, Rule]) -> Report:
    """Return the report without the findings that a missing or damaged patch of the series could resolve."""
    if isinstance(posting.state, Defective) or (isinstance(posting.state, Waiting) and any(posting.state.missing)):
        decided = (item for item in report.findings if item.rule not in rules or not rules[item.rule].needs_series)
        return replace(report, findings=tuple(decided))
    return report


def delta_line(delta: UnsafeDelta, previous: Review | None) -> str:
    """Return the sentence about the unsafe code of a series, and about its change since the previous revision."""
    since_previous = compare_deltas(delta, previous.delta).line() if previous is not None else ""
    return "; ".join(filter(None, (delta.line(), since_previous)))
