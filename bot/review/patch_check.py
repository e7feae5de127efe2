# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of a patch that Patchwork shows: one state and one sentence for each patch of a review; pure."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from bot.mail.links import Links
from bot.mail.parse import SYNTHETIC
from bot.review.disposition import ALREADY_REPORTED
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.policy import OVER
from bot.review.render.text import count, listed
from rules.finding import Severity
from rules.lazy import dataclass

MAX_DESCRIPTION: Final = 255
_MAX_RULES: Final = 3
_MAX_TARGET: Final = 200
"""Characters of an address that Patchwork stores."""
_NO_FINDINGS: Final = "no findings"


class CheckState(StrEnum):
    """The states of a check in Patchwork."""

    SUCCESS = "success"
    WARNING = "warning"
    FAIL = "fail"


_STATES: Final = {Severity.BUG: CheckState.FAIL, Severity.WARNING: CheckState.WARNING}
_ORDER: Final = tuple(CheckState)


@dataclass(frozen=True, slots=True)
class PatchCheck:
    """The check of the patch with this message-id."""

    message_id: str
    state: CheckState
    description: str
    target_url: str


def patch_checks(review: Review, links: Links) -> Iterator[PatchCheck]:
    """Yield the check of each patch, by the findings that are reported or left out of the mail for its length."""
    posting = review.posting
    for patch in posting.series.patches:
        part = posting.part(patch.index)
        if part is None or part.message_id.endswith(SYNTHETIC):
            continue
        current = [entry for entry in review.current if entry.finding.anchor.patch == patch.index]
        findings = [entry.finding for entry in current if _counts(entry)]
        states = [_STATES.get(finding.severity, CheckState.SUCCESS) for finding in findings]
        counts = Counter(finding.severity for finding in findings)
        amounts = listed(count(counts[severity], severity.value) for severity in reversed(Severity) if counts[severity])
        rules = listed(dict.fromkeys(finding.rule for finding in findings), _MAX_RULES)
        target = links.series(posting.message_id)
        if len(findings) == 1:
            target = links.finding(posting.message_id, findings[0].fingerprint)
        yield PatchCheck(
            part.message_id,
            max(states, key=_ORDER.index, default=CheckState.SUCCESS),
            (f"{amounts}: {rules}" if findings else _NO_FINDINGS)[:MAX_DESCRIPTION],
            target if len(target) <= _MAX_TARGET else "",
        )


def _counts(entry: ReviewFinding) -> bool:
    if entry.state is FindingState.RESOLVED:
        return False
    return entry.withheld is None or entry.withheld.startswith((OVER, ALREADY_REPORTED))
