# SPDX-License-Identifier: GPL-2.0-or-later
"""The output that b4 reads from `b4.review-perpatch-check-cmd` and `b4.review-series-check-cmd`: an array of results.

b4 stores one result per mail and tool. Its keys are tool, status (pass, warn, fail), summary, url and details, and all
values are strings. If details is itself a JSON array, b4 shows it entry by entry (b4 0.16, review/checks.py).
"""

import json
from collections import Counter
from typing import Final

from bot.mail.links import Links
from bot.mail.parse import SYNTHETIC
from bot.review.formats.row import CheckedPosting, Row, RowResult, missing_parts_notice
from bot.review.render.text import count, listed, visible
from rules.finding import Severity
from rules.lint.rule import Status

_STATUS: Final = {Severity.BUG: "fail", Severity.WARNING: "warn", Severity.NIT: "pass", Severity.NOTE: "pass"}
_ORDER: Final = ("pass", "warn", "fail")


def b4(result: RowResult, links: Links) -> str:
    """Return one result for the whole input; none for a cover letter alone. Its `url` is the page of the series."""
    has_problems = bool(result.failures or result.problems)
    if not has_problems and not result.rows and not any(checked.posting.series.patches for checked in result.postings):
        return "[]\n"
    status = max((_status(row) for row in result.rows), key=_ORDER.index, default="pass")
    details = [_entry(row) for row in result.rows]
    details += [
        {"status": "pass", "state": "note", "context": visible(checked.posting.series.subject), "description": missing}
        for checked in result.postings
        if (missing := missing_parts_notice(checked.posting))
    ]
    details += [
        {"status": "fail", "state": "failed", "context": failure.rule, "description": visible(failure.error)}
        for failure in result.failures
    ]
    details += [
        {"status": "fail", "state": "unreadable", "context": "input", "description": visible(problem)}
        for problem in result.problems
    ]
    b4_result = {
        "tool": "patchwarden",
        "status": "fail" if has_problems else status,
        "summary": _summary(result),
        "url": next((address for checked in result.postings if (address := _address(checked, links))), ""),
        "details": json.dumps(details) if details else "",
    }
    return json.dumps([b4_result], indent=2) + "\n"


def _address(checked: CheckedPosting, links: Links) -> str:
    message_id = checked.posting.message_id
    return "" if message_id.endswith(SYNTHETIC) else links.series(message_id)


def _status(row: Row) -> str:
    """Return the status. Rules in preview, and findings fixed later in the series, do not affect it."""
    return _STATUS[row.finding.severity] if row.counts(Severity.NOTE) else "pass"


def _summary(result: RowResult) -> str:
    counts = Counter(row.finding.severity for row in result.rows)
    parts = [count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity]]
    if result.failures:
        parts.append(f"{count(len(result.failures), 'check')} failed")
    if result.problems:
        parts.append("some input could not be read")
    return listed(parts) or "no findings"


def _entry(row: Row) -> dict[str, str]:
    finding = row.finding
    notes = f" (fixed by patch {finding.fixed_by_patch})" if finding.fixed_by_patch is not None else ""
    if row.status is not Status.STABLE:
        notes += f" ({row.status} rule)"
    return {
        "status": _status(row),
        "state": finding.severity.value,
        "context": visible(row.finding.place),
        "description": f"{visible(finding.message)} [{finding.rule}]{notes}",
    }
