# SPDX-License-Identifier: GPL-2.0-or-later
"""Explain why a review makes no mail, and why findings are withheld."""

from collections import Counter
from collections.abc import Iterator

from bot.review.model import Review

ANSWERED = "there is already a mail about these patches"


def why_unmailed(review: Review) -> str:
    """Return why its findings are withheld, or why there is no mail; "" if there is no finding.

    Several reasons have the number of their findings, the most frequent first.
    """
    findings = review.current
    reasons = Counter(entry.withheld for entry in findings if entry.withheld)
    if not findings or len(findings) > reasons.total():
        return review.recipients.reason if findings else ""
    if len(reasons) == 1:
        return next(iter(reasons))
    return ", ".join(f"{reason} ({number})" for reason, number in reasons.most_common())


def withheld_lines(review: Review) -> Iterator[str]:
    """Yield a line for each withheld finding of this revision, with the reason."""
    for entry in review.current:
        if entry.withheld is not None:
            finding = entry.finding
            yield f"withheld: {finding.severity} {finding.rule} {finding.place}: {entry.withheld}"
