# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the outcomes of findings, and demote rules that people dispute."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.review.disposition import Disposition, DispositionKind
from bot.review.model import Review
from bot.review.policy import Policy
from bot.review.review import review
from bot.review.statistics import RuleTally, Threshold, demoted, tallies
from rules.finding import Finding, Report
from tests.bot.review.factories import Maker
from tests.growth import assert_linear

RULE = "missing-safety-comment"
DAY = timedelta(days=1)
TOPIC = "ada@example.org rust: led"


def history(make: Maker, *revisions: tuple[Finding, ...]) -> tuple[Review, ...]:
    reviews: list[Review] = []
    for number, findings in enumerate(revisions, 1):
        previous = reviews[-1] if reviews else None
        reviews.append(review(make.posting(revision=number), Report(findings), [make.rule()], previous, Policy()))
    return tuple(reviews)


def answer(
    finding: Finding, answer: DispositionKind = DispositionKind.NOT_APPLICABLE, by: str = "ada@example.org"
) -> Disposition:
    given = datetime(2026, 3, 3, tzinfo=UTC)
    return Disposition(TOPIC, finding.fingerprint, finding.rule, answer, "no", by, f"{by}.1@example.org", given)


def test_findings_without_a_reply_count_as_no_reply(make: Maker) -> None:
    series = history(make, (make.finding(5), make.finding(6)))

    assert (RuleTally(RULE, reported=2, no_reply=2),) == tallies([series], ())


def test_what_is_gone_in_the_next_revision_is_fixed(make: Maker) -> None:
    stays, goes = make.finding(5), make.finding(6)

    assert (RuleTally(RULE, reported=2, fixed=1, no_reply=1),) == tallies([history(make, (stays, goes), (stays,))], ())


def test_a_repeated_finding_counts_once(make: Maker) -> None:
    stays = make.finding(5)

    assert (RuleTally(RULE, reported=1, no_reply=1),) == tallies([history(make, (stays,), (stays,), (stays,))], ())


def test_a_moved_finding_is_the_same_one(make: Maker) -> None:
    here, there = make.finding(5), make.finding(5, path="rust/kernel/lamp.rs")

    moved = history(make, (here,), (there,))

    assert (RuleTally(RULE, reported=1, disputed=1, disputers=1),) == tallies([moved], [answer(here)])
    assert (RuleTally(RULE, reported=1, disputed=1, disputers=1),) == tallies([moved], [answer(there)])


def test_an_answer_of_another_series_does_not_count(make: Maker) -> None:
    finding = make.finding(5)
    other = Disposition(
        "somebody else's", finding.fingerprint, RULE, DispositionKind.FIXED, "", "a@example.org", "x", datetime.now(UTC)
    )

    assert (RuleTally(RULE, reported=1, no_reply=1),) == tallies([history(make, (finding,))], [other])


def test_an_author_may_say_that_it_is_fixed(make: Maker) -> None:
    finding = make.finding(5)

    assert (RuleTally(RULE, reported=1, fixed=1),) == tallies(
        [history(make, (finding,))], [answer(finding, DispositionKind.FIXED)]
    )


def test_a_finding_that_is_called_fixed_and_still_there_is_not_fixed(make: Maker) -> None:
    finding, promised = make.finding(5), answer(make.finding(5), DispositionKind.FIXED)
    first, second = history(make, (finding,), (finding,))
    before, after = (replace(second, posting=replace(second.posting, date=promised.given + gap)) for gap in (-DAY, DAY))

    assert (RuleTally(RULE, reported=1, fixed=1),) == tallies([(first, before)], [promised])
    assert (RuleTally(RULE, reported=1, no_reply=1),) == tallies([(first, after)], [promised])


def test_what_a_second_look_found_and_did_not_mail_does_not_count(make: Maker) -> None:
    (review,) = history(make, (make.finding(5),))
    review = replace(review, findings=tuple(replace(entry, unmailed=True) for entry in review.findings))

    assert () == tallies([(review,)], ())


def test_a_disputed_finding_still_counts_after_a_recheck_withheld_it(make: Maker) -> None:
    disputed = make.finding(5)
    policy = Policy(dismissed={disputed.fingerprint: "no"})
    again = review(make.posting(), Report((disputed,)), [make.rule()], None, policy)

    assert (RuleTally(RULE, reported=1, disputed=1, disputers=1),) == tallies([(again,)], [answer(disputed)])


def test_what_was_not_mailed_does_not_count(make: Maker) -> None:
    muted = review(make.posting(), Report((make.finding(),)), [make.rule()], None, Policy(muted="muted"))

    assert () == tallies([(muted,)], ())


def test_a_rule_is_demoted_past_share_count_and_disputers() -> None:
    threshold = Threshold(max_dispute_rate=0.2, min_findings=20)
    wrong = RuleTally("r", reported=20, disputed=5, no_reply=15, disputers=3)

    assert {"r": "5 of 20 findings were disputed"} == demoted([wrong], threshold)
    assert {} == demoted([wrong], Threshold(max_dispute_rate=0.25, min_findings=20))
    assert {} == demoted([wrong], Threshold(max_dispute_rate=0.2, min_findings=21))
    assert {} == demoted([wrong], Threshold(max_dispute_rate=0.2, min_findings=20, exempt=frozenset({"r"})))
    assert {} == demoted([RuleTally("r", reported=20, disputed=20, disputers=2)], threshold)
    assert {} == demoted([RuleTally("r")], threshold)


def test_findings_of_a_demoted_rule_are_stored_but_not_mailed(make: Maker) -> None:
    policy = Policy(demoted={RULE: "5 of 20"})

    result = review(make.posting(), Report((make.finding(),)), [make.rule()], None, policy)

    assert ["its rule is reported in digests only: 5 of 20"] == [entry.withheld for entry in result.findings]


def test_an_objection_follows_a_finding_that_moves_again_and_again(make: Maker) -> None:
    first, second, third = (make.finding(5, path=f"rust/kernel/{name}.rs") for name in "abc")
    policy = Policy(dismissed={first.fingerprint: "held by the caller"})
    reviews: list[Review] = []
    for number, finding in enumerate((first, second, third), 1):
        previous = reviews[-1] if reviews else None
        reviews.append(review(make.posting(revision=number), Report((finding,)), [make.rule()], previous, policy))

    assert ["disputed: held by the caller"] * 3 == [result.findings[0].withheld for result in reviews]


def test_the_disputes_of_one_address_are_counted_in_linear_time(make: Maker) -> None:
    """Each revision of a series has one new finding, which its author disputes."""
    (first,) = history(make, (make.finding(5),))
    (entry,) = first.findings

    def disputed(size: int) -> tuple[list[Review], list[Disposition]]:
        findings = [
            replace(entry.finding, anchor=replace(entry.finding.anchor, text=f"finding {at}")) for at in range(size)
        ]
        reviews = [replace(first, findings=(replace(entry, finding=finding),)) for finding in findings]
        return reviews, [answer(finding) for finding in findings]

    def count(given: tuple[list[Review], list[Disposition]]) -> None:
        reviews, answers = given
        assert [tally.disputed for tally in tallies([reviews], answers)] == [len(reviews)]

    assert_linear(disputed, count, 4_000)
