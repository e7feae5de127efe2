# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from typing import Any

import pytest

from bot.mail.address import Address
from bot.mail.address_book import AddressBook
from bot.mail.posting import Complete, Defective, Posting, State, Waiting
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.policy import NITS_ALONE, REVERT, Policy
from bot.review.recipients import RecipientContext
from bot.review.review import count_resolved, part_to_answer, review
from rules.analysis.unsafe_delta import UnsafeDelta, UnsafePlace
from rules.finding import Confidence, Report, Severity
from rules.lint.rule import Status
from tests.bot.review.factories import Maker


def _withheld(result: Review) -> list[str | None]:
    return [entry.withheld for entry in result.findings]


def _answered(posting: Posting, result: Review) -> int | None:
    part = part_to_answer(posting, result.findings)
    return None if part is None else part.index


def test_a_warning_of_a_stable_rule_is_reported_to_the_author_with_the_lists_in_copy(make: Maker) -> None:
    result = review(make.posting(), Report((make.finding(),)), [make.rule()])

    assert [None] == _withheld(result)
    assert (["ada@example.org"], ["rust-for-linux@lists.example.org"]) == (
        [address.address for address in result.recipients.to],
        [address.address for address in result.recipients.cc],
    )


@pytest.mark.parametrize(
    ("rule_changes", "finding_changes", "reason"),
    [
        ({"status": Status.PREVIEW}, {}, "its rule is in preview"),
        ({"in_mail": False}, {}, "its rule is never mailed"),
        ({}, {"fixed_by_patch": 3}, "fixed by patch 3 of the series"),
        ({}, {"severity": Severity.NOTE}, "notes are not mailed"),
        ({}, {"confidence": Confidence.LOW}, "confidence is only low"),
        ({}, {"severity": Severity.NIT}, NITS_ALONE),
    ],
)
def test_each_reason_for_silence_is_kept_with_the_finding(
    make: Maker, rule_changes: dict[str, Any], finding_changes: dict[str, Any], reason: str
) -> None:
    result = review(make.posting(), Report((make.finding(**finding_changes),)), [make.rule(**rule_changes)])

    assert [reason] == _withheld(result)
    assert ((), "no finding to report") == (result.recipients.to, result.recipients.reason)


@pytest.mark.parametrize(
    ("subject", "log", "severity", "reason"),
    [
        ('Revert "rust: led: remove the driver"', "", Severity.WARNING, REVERT),
        ("rust: led: bring the driver back", f"This reverts commit {'1a' * 20}.", Severity.WARNING, REVERT),
        ('Revert "rust: led: remove the driver"', "", Severity.BUG, None),
        ('rust: led: handle Revert "x"', "It reverts commit 1a.", Severity.WARNING, None),
    ],
)
def test_what_a_revert_brings_back_is_not_mailed_unless_it_is_a_bug(
    make: Maker, subject: str, log: str, severity: Severity, reason: str | None
) -> None:
    posting = make.posting([replace(make.patch(subject=subject), log=log)])

    result = review(posting, Report((make.finding(severity=severity),)), [make.rule()])

    assert [reason] == _withheld(result)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(without=frozenset({"missing-safety-comment"})), "its rule is switched off in the settings"),
        (Policy(severity=Severity.BUG), "severity is only warning"),
    ],
)
def test_settings_that_silence(make: Maker, policy: Policy, reason: str) -> None:
    assert [reason] == _withheld(review(make.posting(), Report((make.finding(),)), [make.rule()], policy=policy))


def test_a_dismissed_finding_is_not_said_again(make: Maker) -> None:
    finding = make.finding()
    policy = Policy(dismissed={finding.fingerprint: "the caller holds the lock"})

    result = review(make.posting(), Report((finding,)), [make.rule()], policy=policy)

    assert ["disputed: the caller holds the lock"] == _withheld(result)


def test_an_unknown_rule_is_not_mailed(make: Maker) -> None:
    assert ["its rule is unknown"] == _withheld(review(make.posting(), Report((make.finding(),)), []))


@pytest.mark.parametrize("state", [Waiting((2, 3)), Defective("two patches have the number 2")])
def test_nothing_is_reported_of_a_series_that_is_not_whole(make: Maker, state: State) -> None:
    result = review(make.posting(state=state), Report((make.finding(),)), [make.rule()])

    assert () == result.reported


def test_nits_ride_along_with_a_warning(make: Maker) -> None:
    nit = make.finding(9, rule="unsafe-semicolon", severity=Severity.NIT)
    rules = [make.rule(), make.rule("unsafe-semicolon", severity=Severity.NIT, tier=2)]

    assert [None, None] == _withheld(review(make.posting(), Report((make.finding(), nit)), rules))


def test_over_the_limit_bugs_come_first_and_places_of_one_finding_count_once(make: Maker) -> None:
    warnings = [make.finding(3, path=f"rust/kernel/{name}.rs") for name in "abc"]
    again = make.finding(7, path="rust/kernel/a.rs")
    bug = make.finding(9, rule="deref-copies-struct", severity=Severity.BUG)
    rules = [make.rule(), make.rule("deref-copies-struct", severity=Severity.BUG)]

    result = review(make.posting(), Report((*warnings, again, bug)), rules, policy=Policy(max_explained=2))

    over = "more findings than one mail reports"
    assert [None, over, over, None, None] == _withheld(result)


def test_of_a_draft_each_rule_is_reported_at_one_place_and_no_nit(make: Maker) -> None:
    warnings = [make.finding(3, path=f"rust/kernel/{name}.rs") for name in "abc"]
    bugs = [make.finding(n, rule="bug", severity=Severity.BUG, message=f"{n}") for n in (3, 5)]
    nit = make.finding(9, rule="nit", severity=Severity.NIT)
    rules = [make.rule(), make.rule("bug"), make.rule("nit", tier=2)]
    posting = make.posting()
    draft = replace(posting, series=replace(posting.series, prefixes=("RFC",)))

    result = review(draft, Report((*warnings, *bugs, nit)), rules)

    over = "more findings than one mail reports about a draft"
    assert [None, over, over, None, None, over] == _withheld(result)


def test_a_draft_with_nits_alone_gets_the_reason_of_other_series(make: Maker) -> None:
    posting = make.posting()
    draft = replace(posting, series=replace(posting.series, prefixes=("RFC",)))
    nit = make.finding(9, rule="nit", severity=Severity.NIT)

    assert [NITS_ALONE] == _withheld(review(draft, Report((nit,)), [make.rule("nit", tier=2)]))


def test_a_finding_is_reported_for_two_revisions_and_not_a_third_time(make: Maker) -> None:
    posting, report, rules = make.posting(), Report((make.finding(),)), [make.rule()]

    first = review(posting, report, rules)
    second = review(posting, report, rules, first)
    third = review(posting, report, rules, second)
    fourth = review(posting, report, rules, third)

    reason = "already reported 2 times"
    assert [[None], [None], [reason], [reason]] == [_withheld(result) for result in (first, second, third, fourth)]


def test_what_was_reported_and_is_gone_is_counted_as_resolved(make: Maker) -> None:
    mailed, withheld = ReviewFinding(make.finding(3)), ReviewFinding(make.finding(9), withheld="its rule is in preview")
    in_dropped_file = ReviewFinding(make.finding(3, path="rust/kernel/fan.rs"))
    previous = Review(make.posting(), (mailed, withheld, in_dropped_file))

    result = review(make.posting(revision=2), Report(), [make.rule()], previous)

    assert [FindingState.RESOLVED, FindingState.RESOLVED] == [entry.state for entry in result.findings]
    assert 1 == count_resolved(result.findings)


def test_the_unsafe_delta_is_kept_and_compared_with_the_previous_revisions(make: Maker) -> None:
    first_place, second_place = (
        UnsafePlace("block", 1, "a.rs", line, "", "unsafe {", f"unsafe{line}") for line in (3, 9)
    )

    first = review(make.posting(), Report(), [], delta=UnsafeDelta((first_place, second_place)))
    second = review(make.posting(revision=2), Report(), [], first, delta=UnsafeDelta((second_place,)))

    assert UnsafeDelta((second_place,)) == second.delta
    assert "1 block added; since the previous revision: blocks -1" == second.unsafe_delta


def test_a_damaged_series_resolves_nothing(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3)),))

    assert () == review(make.posting(state=Waiting((2,))), Report(), [make.rule()], previous).findings


def test_the_answer_goes_to_the_one_patch_else_to_the_cover_letter(make: Maker) -> None:
    posting = make.posting([make.patch(1), make.patch(2)], cover=True)
    first = review(posting, Report((make.finding(patch=2),)), [make.rule()])
    second = review(posting, Report((make.finding(patch=1), make.finding(patch=2))), [make.rule()])

    assert [2, 0] == [_answered(posting, result) for result in (first, second)]


def test_without_a_cover_letter_the_first_patch_is_answered(make: Maker) -> None:
    posting = make.posting([make.patch(1), make.patch(2)])
    result = review(posting, Report((make.finding(patch=1), make.finding(patch=2))), [make.rule()])

    assert 1 == _answered(posting, result)


def test_we_and_repeated_addresses_are_left_out(make: Maker) -> None:
    cc = (Address("", "BOT@example.org"), Address("Ada", "ADA@example.org"), Address("Lin", "lin@example.org"))
    context = RecipientContext(book=AddressBook(own=frozenset({"bot@example.org"})))

    result = review(make.posting(cc=cc * 2), Report((make.finding(),)), [make.rule()], context=context)

    assert ["rust-for-linux@lists.example.org", "lin@example.org"] == [
        address.address for address in result.recipients.cc
    ]


def test_a_crowd_is_spared(make: Maker) -> None:
    crowd = tuple(Address("", f"someone{number}@example.org") for number in range(120))

    result = review(make.posting(cc=crowd), Report((make.finding(),)), [make.rule()])

    assert ["rust-for-linux@lists.example.org"] == [address.address for address in result.recipients.cc]
    assert result.recipients.reason


@pytest.mark.parametrize(
    "context",
    [
        RecipientContext(ignored=frozenset({"ada@example.org"})),
        RecipientContext(book=AddressBook(own=frozenset({"ada@example.org"}))),
    ],
)
def test_an_author_who_wants_no_mail_and_ourselves_get_none(make: Maker, context: RecipientContext) -> None:
    assert () == review(make.posting(), Report((make.finding(),)), [make.rule()], context=context).recipients.to


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Complete(), ["needs-series", "needs-patch"]),
        (Waiting((0,)), ["needs-series", "needs-patch"]),
        (Waiting((2, 3)), ["needs-patch"]),
        (Defective("two patches have the number 2"), ["needs-patch"]),
    ],
)
def test_a_finding_that_a_missing_patch_could_resolve_is_left_out(
    make: Maker, state: State, expected: list[str]
) -> None:
    rules = [make.rule("needs-series", needs_series=True), make.rule("needs-patch")]
    report = Report(tuple(make.finding(rule=rule.id) for rule in rules))

    result = review(make.posting(state=state), report, rules)

    assert expected == [entry.finding.rule for entry in result.findings]
