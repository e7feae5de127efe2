# SPDX-License-Identifier: GPL-2.0-or-later
"""What a re-check changed, and the reason that is given for it."""

from dataclasses import replace

import pytest

from bot.review.difference import ChangeKind, difference
from bot.review.model import Basis, Review
from bot.review.policy import Policy
from bot.review.record import verdict_of
from bot.review.review import review
from rules.finding import Failure, Finding, Report
from tests.bot.review.factories import Maker

BASIS = Basis("1.0", "aaa", ("missing-safety-comment",), "v7.0")


def make_review(make: Maker, *findings: Finding, basis: Basis = BASIS, policy: Policy | None = None) -> Review:
    result = review(make.posting(), Report(findings), [make.rule()], None, policy or Policy())
    return replace(result, basis=basis)


def test_two_equal_looks_differ_in_nothing(make: Maker) -> None:
    diff = difference(make_review(make, make.finding(5)), make_review(make, make.finding(5)))

    assert diff.is_empty
    assert [ChangeKind.SAME] == [change.kind for change in diff.changes]


def test_what_is_new_and_what_is_gone(make: Maker) -> None:
    diff = difference(make_review(make, make.finding(5)), make_review(make, make.finding(6)))

    assert [(ChangeKind.NEW, 6), (ChangeKind.GONE, 5)] == [
        (change.kind, change.entry.finding.anchor.line) for change in diff.changes
    ]
    assert diff.verdict


@pytest.mark.parametrize(
    ("basis", "reason"),
    [
        (replace(BASIS, rules=()), "the rule is no longer used"),
        (replace(BASIS, base="v7.1"), "other base: v7.0, now v7.1"),
        (replace(BASIS, version="1.1"), "other rule version: patchwarden 1.0, now 1.1"),
        (replace(BASIS, code="bbb"), "other rule version: the code of the rules changed"),
        (BASIS, "more of the files are known now"),
    ],
)
def test_the_reason_is_what_the_judgement_rests_on(make: Maker, basis: Basis, reason: str) -> None:
    diff = difference(make_review(make), make_review(make, make.finding(5), basis=basis))

    assert [reason] == [change.reason for change in diff.changes]


def test_a_rule_that_was_not_there_is_new(make: Maker) -> None:
    diff = difference(make_review(make, basis=replace(BASIS, rules=("other",))), make_review(make, make.finding(5)))

    assert ["the rule is new"] == [change.reason for change in diff.changes]


def test_of_an_old_record_the_reason_is_not_known(make: Maker) -> None:
    diff = difference(make_review(make, basis=Basis()), make_review(make, make.finding(5)))

    assert ["the stored review does not name its rules and base"] == [change.reason for change in diff.changes]


def test_a_rule_that_failed_explains_what_is_gone(make: Maker) -> None:
    failure = Failure("missing-safety-comment", 1, "rust/kernel/led.rs", "ValueError")
    diff = difference(make_review(make, make.finding(5)), replace(make_review(make), failures=(failure,)))

    assert ["the rule failed in one of the two checks"] == [change.reason for change in diff.changes]


def test_without_a_stored_review_all_is_new(make: Maker) -> None:
    diff = difference(None, make_review(make, make.finding(5)))

    assert diff.first
    assert diff.verdict
    assert not difference(None, make_review(make)).verdict


def test_what_is_held_back_now_is_another_verdict_of_the_same_findings(make: Maker) -> None:
    finding = make.finding(5)
    diff = difference(
        make_review(make, finding), make_review(make, finding, policy=Policy(dismissed={finding.fingerprint: ""}))
    )

    assert [ChangeKind.SAME] == [change.kind for change in diff.changes]
    assert diff.verdict
    assert not diff.is_empty


def test_a_verdict_does_not_depend_on_the_order_of_what_is_reported(make: Maker) -> None:
    first, other = make.finding(5), make.finding(6)

    assert verdict_of(make_review(make, first, other)) == verdict_of(make_review(make, other, first))
    assert verdict_of(make_review(make, first)) != verdict_of(make_review(make, other))
    assert verdict_of(make_review(make)) == ""
