# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

from bot.mail.address import Address
from bot.review.baseline import compare
from bot.review.model import FindingState, Recipients, Review, ReviewFinding
from rules.finding import Failure, LogAnchor, Report, Skipped
from tests.bot.review.factories import Maker

AUTHOR = Address("Ada", "ada@example.org")


def test_without_a_previous_revision_all_is_new(make: Maker) -> None:
    first, second = make.finding(3), make.finding(9)

    assert (ReviewFinding(first), ReviewFinding(second)) == compare(Report((first, second)), None)


def test_the_same_finding_on_another_line_is_repeated_and_remembers_that_it_was_reported(make: Maker) -> None:
    old = make.finding(3)
    new = replace(old, anchor=replace(old.anchor, line=17))
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    (entry,) = compare(Report((new,)), previous)

    assert (FindingState.REPEATED, 1, False) == (entry.state, entry.mailed_before, entry.unmailed_before)


def test_a_finding_without_recipients_was_not_mailed(make: Maker) -> None:
    before = (
        ReviewFinding(make.finding(3)),
        ReviewFinding(make.finding(9)),
        ReviewFinding(make.finding(5), withheld="a nit"),
    )

    findings = compare(Report((make.finding(3), make.finding(5))), Review(make.posting(), before))

    assert [(0, True), (0, False), (0, True)] == [(entry.mailed_before, entry.unmailed_before) for entry in findings]


def test_the_same_text_in_another_file_is_moved(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3), withheld="over the limit"),))

    (entry,) = compare(Report((make.finding(3, path="rust/kernel/other.rs"),)), previous)

    assert (FindingState.MOVED, 0) == (entry.state, entry.mailed_before)


def test_what_is_not_found_again_is_resolved_and_behind_the_findings(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3)), ReviewFinding(make.finding(9))))

    findings = compare(Report((make.finding(9),)), previous)

    assert [FindingState.REPEATED, FindingState.RESOLVED] == [entry.state for entry in findings]
    assert findings[1].withheld is not None


def test_a_finding_is_not_resolved_if_the_series_no_longer_changes_its_file(make: Maker) -> None:
    in_log = replace(make.finding(3), anchor=LogAnchor(1, 3, "text"))
    before = (make.finding(3), make.finding(3, path="rust/kernel/fan.rs", message="Another."), in_log)
    previous = Review(make.posting(), tuple(map(ReviewFinding, before)))

    findings = compare(Report(()), previous, paths={"rust/kernel/led.rs"})

    assert [before[0], in_log] == [entry.finding for entry in findings]


def test_equal_fingerprints_are_matched_one_to_one(make: Maker) -> None:
    twice = make.finding(3)
    previous = Review(make.posting(), (ReviewFinding(twice),))

    findings = compare(Report((twice, twice)), previous)

    assert [FindingState.REPEATED, FindingState.NEW] == [entry.state for entry in findings]


def test_what_was_resolved_before_is_neither_repeated_nor_resolved_again(make: Maker) -> None:
    gone = ReviewFinding(make.finding(3), FindingState.RESOLVED, "resolved", 1)

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
    assert [reason, None] == [entry.withheld for entry in second]
    assert [reason, "resolved since the previous revision"] == [entry.withheld for entry in third]
    assert [1, 0] == [entry.mailed_before for entry in second]


def test_a_reply_withholds_nothing_if_the_mail_did_not_leave(make: Maker) -> None:
    previous = Review(make.posting(), (ReviewFinding(make.finding(3)),))

    (entry,) = compare(Report((make.finding(3),)), previous, reply="reply@example.org")

    assert entry.withheld is None


def test_edited_code_in_the_same_item_is_the_same_finding(make: Maker) -> None:
    old = replace(make.finding(3), scope="impl Led / fn on")
    new = replace(make.finding(9), scope="impl Led / fn on")
    elsewhere = replace(make.finding(12), scope="impl Led / fn off")
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    findings = compare(Report((elsewhere, new)), previous)

    assert [(FindingState.NEW, 0), (FindingState.MOVED, 1)] == [(item.state, item.mailed_before) for item in findings]


def test_a_function_whose_impl_changed_is_not_resolved(make: Maker) -> None:
    old = replace(make.finding(3), scope="impl Led / fn on", message="This block is unsafe.")
    new = replace(make.finding(9), scope="impl Switch for Led / fn on", message="This block is unsafe.")
    other = replace(make.finding(12), scope="impl Lamp / fn on", message="This function is unsafe.")
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    findings = compare(Report((other, new)), previous)

    assert [(FindingState.NEW, 0), (FindingState.MOVED, 1)] == [(item.state, item.mailed_before) for item in findings]


def test_an_edited_line_outside_a_known_item_is_not_resolved(make: Maker) -> None:
    line = make.finding(3).anchor
    old = replace(make.finding(3), anchor=replace(line, text="let dev = unsafe { from_raw(&mut (*pdev).dev) };"))
    edited = replace(old, anchor=replace(line, text="let dev = unsafe { get_device(&mut (*pdev).dev) };"))
    other_message = replace(edited, message="Another problem.")
    other_line = replace(old, anchor=replace(line, text="let irq = to_irq(&mut (*chip).irq);"))
    previous = Review(make.posting(), (ReviewFinding(old),), recipients=Recipients((AUTHOR,)))

    (entry,) = compare(Report((edited,)), previous)

    assert (FindingState.MOVED, 1) == (entry.state, entry.mailed_before)
    for unrelated in (other_message, other_line):
        states = [entry.state for entry in compare(Report((unrelated,)), previous)]
        assert [FindingState.NEW, FindingState.RESOLVED] == states


def test_a_dispute_is_not_about_other_code_of_the_item(make: Maker) -> None:
    old = replace(make.finding(3), scope="impl Led / fn on")
    new = replace(make.finding(9), scope="impl Led / fn on")
    previous = Review(make.posting(), (ReviewFinding(old, withheld="disputed: no"),))

    (entry,) = compare(Report((new,)), previous)

    assert (FindingState.MOVED, None) == (entry.state, entry.withheld)
