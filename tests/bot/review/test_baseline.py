# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

from bot.mail.address import Address
from bot.review.baseline import compare
from bot.review.model import FindingStatus, Recipients, Review, ReviewFinding
from rules.finding import Failure, Report, Skipped
from tests.bot.review.factories import Maker

AUTHOR = Address("Ada", "ada@example.org")


def test_without_a_previous_revision_all_is_new(make: Maker) -> None:
    first, second = make.finding(3), make.finding(9)

    assert (ReviewFinding(first), ReviewFinding(second)) == compare(Report((first, second)), None)


def test_the_same_finding_on_another_line_is_repeated_and_remembers_that_it_was_said(make: Maker) -> None:
    old = make.finding(3)
    new = replace(old, anchor=replace(old.anchor, line=17))
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    (comment,) = compare(Report((new,)), previous)

    assert (FindingStatus.REPEATED, 1, False) == (comment.standing, comment.mailed_before, comment.unmailed_before)


def test_what_went_to_nobody_was_not_said(make: Maker) -> None:
    before = (
        ReviewFinding(make.finding(3)),
        ReviewFinding(make.finding(9)),
        ReviewFinding(make.finding(5), withheld="a nit"),
    )

    comments = compare(Report((make.finding(3), make.finding(5))), Review(make.posting(), before))

    assert [(0, True), (0, False), (0, True)] == [
        (comment.mailed_before, comment.unmailed_before) for comment in comments
    ]


def test_the_same_text_in_another_file_is_moved(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3), withheld="over the limit"),))

    (comment,) = compare(Report((make.finding(3, path="rust/kernel/other.rs"),)), previous)

    assert (FindingStatus.MOVED, 0) == (comment.standing, comment.mailed_before)


def test_what_is_not_found_again_is_resolved_and_behind_the_findings(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3)), ReviewFinding(make.finding(9))))

    comments = compare(Report((make.finding(9),)), previous)

    assert [FindingStatus.REPEATED, FindingStatus.RESOLVED] == [comment.standing for comment in comments]
    assert comments[1].withheld is not None


def test_equal_fingerprints_are_matched_one_to_one(make: Maker) -> None:
    twice = make.finding(3)
    previous = Review(make.posting(), (ReviewFinding(twice),))

    comments = compare(Report((twice, twice)), previous)

    assert [FindingStatus.REPEATED, FindingStatus.NEW] == [comment.standing for comment in comments]


def test_what_was_resolved_before_is_neither_repeated_nor_resolved_again(make: Maker) -> None:
    gone = ReviewFinding(make.finding(3), FindingStatus.RESOLVED, "resolved", 1)

    assert () == compare(Report(), Review(make.posting(), (gone,)))


def test_nothing_is_resolved_that_was_not_looked_for(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3)),))
    failed = Report(failures=(Failure("missing-safety-comment", 1, "rust/kernel/led.rs", "ValueError"),))

    silent = Report(skipped=(Skipped("missing-safety-comment", 1, "rust/kernel/led.rs", "analysis limit exceeded"),))

    assert () == compare(failed, previous)
    assert () == compare(silent, previous)
    assert () == compare(Report(skipped=(Skipped("", 1, "rust/kernel/led.rs", "binary"),)), previous)
    assert () != compare(Report(skipped=(Skipped("", 1, "rust/kernel/fan.rs", "binary"),)), previous)
    assert () == compare(Report(), previous, active_rules=())


def test_a_mailed_finding_that_somebody_replied_to_is_withheld_in_all_later_revisions(make: Maker) -> None:
    mailed, unmailed = make.finding(3), make.finding(9)
    previous = Review(
        make.posting(),
        (ReviewFinding(mailed), ReviewFinding(unmailed, withheld="more findings than one mail reports")),
        recipients=Recipients((AUTHOR,)),
    )

    second = compare(Report((mailed, unmailed)), previous, reply="reply@example.org")
    third = compare(Report((mailed,)), Review(make.posting(), second))

    reason = "already reported, and somebody replied in reply@example.org"
    assert [reason, None] == [comment.withheld for comment in second]
    assert [reason, "resolved since the previous revision"] == [comment.withheld for comment in third]
    assert [1, 0] == [comment.mailed_before for comment in second]


def test_a_reply_withholds_nothing_if_the_mail_did_not_leave(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3)),))

    (comment,) = compare(Report((make.finding(3),)), previous, reply="reply@example.org")

    assert comment.withheld is None


def test_edited_code_in_the_same_item_is_the_same_finding(make: Maker) -> None:
    old = replace(make.finding(3), scope="impl Led / fn on")
    new = replace(make.finding(9), scope="impl Led / fn on")
    elsewhere = replace(make.finding(12), scope="impl Led / fn off")
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    comments = compare(Report((elsewhere, new)), previous)

    assert [(FindingStatus.NEW, 0), (FindingStatus.MOVED, 1)] == [
        (item.standing, item.mailed_before) for item in comments
    ]


def test_a_function_whose_impl_changed_is_not_resolved(make: Maker) -> None:
    old = replace(make.finding(3), scope="impl Led / fn on", message="This block is unsafe.")
    new = replace(make.finding(9), scope="impl Switch for Led / fn on", message="This block is unsafe.")
    other = replace(make.finding(12), scope="impl Lamp / fn on", message="This function is unsafe.")
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    comments = compare(Report((other, new)), previous)

    assert [(FindingStatus.NEW, 0), (FindingStatus.MOVED, 1)] == [
        (item.standing, item.mailed_before) for item in comments
    ]


def test_a_dispute_is_not_about_other_code_of_the_item(make: Maker) -> None:
    old = replace(make.finding(3), scope="impl Led / fn on")
    new = replace(make.finding(9), scope="impl Led / fn on")
    previous = Review(make.posting(), (ReviewFinding(old, withheld="disputed: no"),))

    (comment,) = compare(Report((new,)), previous)

    assert (FindingStatus.MOVED, None) == (comment.standing, comment.withheld)
