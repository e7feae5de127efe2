# SPDX-License-Identifier: GPL-2.0-or-later
"""A review without a mail has the findings and the sentence about unsafe code of a review with one."""

from dataclasses import replace

import pytest

from bot.mail.posting import Complete, Defective, State, Waiting
from bot.review.review import review
from bot.review.without_mail import review_without_mail
from rules.analysis.unsafe_delta import UnsafeDelta, UnsafePlace
from rules.finding import Failure, Report, Skipped
from tests.bot.review.factories import Maker

_BLOCK = UnsafePlace("block", 1, "rust/kernel/led.rs", 3, "fn on", "unsafe { on() }", "unsafe{on()}")


@pytest.mark.parametrize("state", [Complete(), Waiting((2,)), Waiting((0,)), Defective("two patches 1/2")])
def test_it_has_what_a_review_with_a_mail_has(make: Maker, state: State) -> None:
    posting = replace(make.posting(), state=state)
    rules = [make.rule(), make.rule(id="other", needs_series=True)]
    findings = (make.finding(), make.finding(rule="other"), make.finding(rule="unknown"))
    report = Report(findings, (Failure("other", 1, "a.rs", "crash"),), (Skipped("other", 1, "a.rs", "too long"),))
    previous = review(posting, Report(), rules, delta=UnsafeDelta((_BLOCK, replace(_BLOCK, key="other"))))

    mailed = review(posting, report, rules, previous, delta=UnsafeDelta((_BLOCK,)))
    shown = review_without_mail(posting, report, rules, previous, UnsafeDelta((_BLOCK,)), "v7.1")

    assert [item.finding for item in shown.comments] == [item.finding for item in mailed.comments]
    assert (shown.failures, shown.skipped, shown.posting) == (mailed.failures, mailed.skipped, posting)
    assert shown.unsafe_delta == mailed.unsafe_delta == "1 block added; since the previous revision: blocks -1"
    assert (shown.basis.base, shown.recipients.to) == ("v7.1", ())
