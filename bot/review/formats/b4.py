# SPDX-License-Identifier: GPL-2.0-or-later
"""What b4 reads from `b4.review-perpatch-check-cmd` and `b4.review-series-check-cmd`: a JSON array of results.

b4 keeps one result a message and tool, with the keys tool, status (pass, warn, fail), summary, url and details, all
strings; details is shown entry by entry where it is itself a JSON array (b4 0.16, review/checks.py and the review TUI).
"""

import json
from collections import Counter
from typing import Final

from bot.review.formats.row import Row, RowResult, missing_parts
from bot.review.render.text import count, listed, visible
from rules.finding import Severity
from rules.lint.rule import Status

_STATUS: Final = {Severity.BUG: "fail", Severity.WARNING: "warn", Severity.NIT: "pass", Severity.NOTE: "pass"}
_ORDER: Final = ("pass", "warn", "fail")


def b4(verdict: RowResult) -> str:
    """Return one result for the whole input; none for a cover letter alone."""
    wrong = bool(verdict.failures or verdict.problems)
    if not wrong and not verdict.rows and not any(review.posting.series.patches for review in verdict.reviews):
        return "[]\n"
    status = max((_status(row) for row in verdict.rows), key=_ORDER.index, default="pass")
    details = [_entry(row) for row in verdict.rows]
    details += [
        {"status": "pass", "state": "note", "context": visible(review.posting.series.subject), "description": missing}
        for review in verdict.reviews
        if (missing := missing_parts(review.posting))
    ]
    details += [
        {"status": "fail", "state": "failed", "context": failure.rule, "description": visible(failure.error)}
        for failure in verdict.failures
    ]
    details += [
        {"status": "fail", "state": "unreadable", "context": "input", "description": visible(problem)}
        for problem in verdict.problems
    ]
    result = {
        "tool": "patchwarden",
        "status": "fail" if wrong else status,
        "summary": _summary(verdict),
        "url": "",
        "details": json.dumps(details) if details else "",
    }
    return json.dumps([result], indent=2) + "\n"


def _status(row: Row) -> str:
    """Return the status. Rules in preview, and findings fixed later in the series, do not affect it."""
    return _STATUS[row.finding.severity] if row.counts(Severity.NOTE) else "pass"


def _summary(verdict: RowResult) -> str:
    counts = Counter(row.finding.severity for row in verdict.rows)
    parts = [count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity]]
    if verdict.failures:
        parts.append(f"{count(len(verdict.failures), 'check')} failed")
    if verdict.problems:
        parts.append("not all of it can be read")
    return listed(parts) or "nothing found"


def _entry(row: Row) -> dict[str, str]:
    finding = row.finding
    remark = f" (mended by patch {finding.mended_by})" if finding.mended_by is not None else ""
    if row.status is not Status.STABLE:
        remark += f" ({row.status} rule)"
    return {
        "status": _status(row),
        "state": finding.severity.value,
        "context": visible(row.finding.place),
        "description": f"{visible(finding.message)} [{finding.rule}]{remark}",
    }
