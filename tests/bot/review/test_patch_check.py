# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from bot.mail.links import Links
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.patch_check import MAX_DESCRIPTION, patch_checks
from rules.finding import Severity
from tests.bot.review.factories import Maker

PAGES = "https://pages.example.org"


@pytest.mark.parametrize(
    ("severities", "state", "description"),
    [
        ((), "success", "no findings"),
        ((Severity.NIT,), "success", "1 nit: missing-safety-comment"),
        ((Severity.NIT, Severity.WARNING), "warning", "1 warning and 1 nit: missing-safety-comment"),
        ((Severity.BUG, Severity.WARNING), "fail", "1 bug and 1 warning: missing-safety-comment"),
    ],
)
def test_the_worst_finding_decides(make: Maker, severities: tuple[Severity, ...], state: str, description: str) -> None:
    comments = tuple(
        ReviewFinding(make.finding(line + 3, severity=severity)) for line, severity in enumerate(severities)
    )
    (check,) = patch_checks(Review(make.posting(), comments), Links(PAGES))

    assert ("v1.1@example.org", state, description) == (check.message_id, check.state, check.description)


def test_withheld_and_resolved_findings_do_not_count_but_those_left_out_for_length_do(make: Maker) -> None:
    bug = make.finding(5, severity=Severity.BUG)
    comments = (
        ReviewFinding(bug, withheld="its rule is in preview"),
        ReviewFinding(replace(bug), FindingState.RESOLVED, "resolved since the previous revision", 1),
        ReviewFinding(make.finding(9), withheld="more findings than one mail reports"),
    )
    (check,) = patch_checks(Review(make.posting(), comments), Links(PAGES))

    assert ("warning", "1 warning: missing-safety-comment") == (check.state, check.description)


def test_each_patch_has_its_check_and_a_single_finding_its_address(make: Maker) -> None:
    finding = make.finding(5)
    second = replace(finding, anchor=replace(finding.anchor, patch=2))
    posting = make.posting([make.patch(), replace(make.patch(), index=2)], cover=True)
    first, last = patch_checks(Review(posting, (ReviewFinding(second),)), Links(PAGES))

    assert ("v1.1@example.org", "success", f"{PAGES}/series/v1.0@example.org") == (
        first.message_id,
        first.state,
        first.target_url,
    )
    assert ("v1.2@example.org", "warning") == (last.message_id, last.state)
    assert f"{PAGES}/series/v1.0@example.org#{second.fingerprint}" == last.target_url


def test_what_patchwork_cannot_store_is_cut_or_left_out(make: Maker) -> None:
    findings = [make.finding(5, rule=f"rule-{'x' * 90}-{number}") for number in range(9)]
    review = Review(replace(make.posting(), message_id=f"{'/' * 80}@example.org"), tuple(map(ReviewFinding, findings)))
    (check,) = patch_checks(review, Links(PAGES))

    assert len(check.description) <= MAX_DESCRIPTION
    assert check.target_url == ""
    assert [""] == [check.target_url for check in patch_checks(review, Links())]
