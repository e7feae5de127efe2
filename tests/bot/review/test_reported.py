# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check shows of a posting is what a review of it says."""

from dataclasses import replace

import pytest

from bot.mail.posting import Complete, Defective, State, Waiting
from bot.review.reported import delta_line, leave_out_undecided
from bot.review.review import review
from rules.analysis.unsafe_delta import UnsafeDelta, UnsafePlace
from rules.finding import Failure, Report, Skipped
from tests.bot.review.factories import Maker

_BLOCK = UnsafePlace("block", 1, "rust/kernel/led.rs", 3, "fn on", "unsafe { on() }", "unsafe{on()}")


@pytest.mark.parametrize(
    ("state", "rules"),
    [
        (Complete(), ["missing-safety-comment", "other", "unknown"]),
        (Waiting((2,)), ["missing-safety-comment", "unknown"]),
        (Waiting((0,)), ["missing-safety-comment", "other", "unknown"]),
        (Defective("two patches 1/2"), ["missing-safety-comment", "unknown"]),
    ],
)
def test_findings_that_another_patch_could_resolve_are_left_out(make: Maker, state: State, rules: list[str]) -> None:
    posting = replace(make.posting(), state=state)
    known = {rule.id: rule for rule in (make.rule(), make.rule("other", needs_series=True))}
    findings = tuple(make.finding(rule=rule) for rule in ("missing-safety-comment", "other", "unknown"))
    report = Report(findings, (Failure("other", 1, "a.rs", "crash"),), (Skipped("other", 1, "a.rs", "too long"),))

    decided = leave_out_undecided(report, posting, known)
    reviewed = review(posting, report, known.values())

    assert [finding.rule for finding in decided.findings] == rules
    assert [entry.finding for entry in reviewed.findings] == list(decided.findings)
    assert (decided.failures, decided.skipped) == (report.failures, report.skipped)


def test_unsafe_code_is_compared_with_the_previous_revision(make: Maker) -> None:
    before, now = UnsafeDelta((_BLOCK, replace(_BLOCK, key="other"))), UnsafeDelta((_BLOCK,))
    previous = review(make.posting(), Report(), [], delta=before)

    assert delta_line(now, None) == "1 block added"
    assert delta_line(now, before) == "1 block added; since the previous revision: blocks -1"
    assert review(make.posting(), Report(), [], previous, delta=now).unsafe_delta == delta_line(now, before)
