# SPDX-License-Identifier: GPL-2.0-or-later
"""What b4 reads with `b4.sashiko-url`: the state of a series, its patches, and the reported findings by patch.

b4 (0.16, review/checks.py) maps critical and high to fail, medium to warn, and other severities to pass.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

from bot.mail.links import Links
from bot.ports.web import FindingRecord, SeriesDetail
from bot.review.model import FindingState
from bot.web.records import Patchset, PatchsetPatch, PatchsetReview
from rules.finding import Severity
from rules.lint.rule import Status
from rules.registry import by_id

_SEVERITIES: Final = {
    Severity.BUG.value: "high",
    Severity.WARNING.value: "medium",
    Severity.NIT.value: "low",
    Severity.NOTE.value: "low",
}
_Status = Literal["Reviewed", "In Review", "Incomplete", "Failed"]
_STATUSES: Final[Mapping[str, _Status]] = {
    "reviewed": "Reviewed",
    "due": "In Review",
    "waiting": "Incomplete",
    "pruned": "Reviewed",
}
"""The words of b4 by the state of a posting. A series that cannot or will not be reviewed is Failed."""


def patchset(detail: SeriesDetail, links: Links) -> Patchset:
    """Return the series, with its address and those of its findings."""
    series, posting = detail.summary, detail.posting
    records = [record for record in detail.findings[series.message_id] if _is_reported(record)]
    status = _STATUSES.get(series.state, "Failed")
    numbers = [patch.index for patch in posting.series.patches]
    review = partial(_review, links=links, message_id=series.message_id)
    by_index = {part.index: part.message_id for part in posting.parts}
    return Patchset(
        id=series.message_id,
        message_id=posting.message_id,
        subject=series.subject,
        url=links.series(series.message_id),
        status=status,
        patches=[PatchsetPatch(id=number, message_id=by_index[number]) for number in numbers if number in by_index],
        reviews=[
            review(number, [record for record in records if record.patch == number])
            for number in numbers
            if status == "Reviewed"
        ],
    )


def _is_reported(record: FindingRecord) -> bool:
    return not record.withheld and record.state != FindingState.RESOLVED.value


def _review(patch: int, records: Sequence[FindingRecord], *, links: Links, message_id: str) -> PatchsetReview:
    findings = [
        {
            "problem": f"{record.message} [{record.rule}] {(url := links.finding(message_id, record.fingerprint))}",
            "url": url,
            "severity": _severity(record),
            "preexisting": False,
            "locations": [{"file": record.path, "line": record.line}] if record.path else [],
        }
        for record in records
    ]
    return PatchsetReview(id=patch, patch_id=patch, status="Reviewed", output=json.dumps({"findings": findings}))


def _severity(record: FindingRecord) -> str:
    """Return b4's severity. A rule that is not stable must not make a check fail."""
    rule = by_id(record.rule)
    is_stable = rule is not None and rule.status is Status.STABLE
    return _SEVERITIES.get(record.severity, "low") if is_stable else "low"
