# SPDX-License-Identifier: GPL-2.0-or-later
"""Order, isolation, ordinals, and what a later patch fixes."""

import gc
import re
import weakref
from collections.abc import Callable, Iterator

import pytest

from rules.analysis.view import FileView, Position, SeriesView
from rules.bindings.tree import FileTree, NoTree, Tree, TreeError
from rules.diff.image import Image
from rules.diff.parse import parse
from rules.diff.patch import Patch, Series, Unreadable
from rules.diff.tree import blob_id
from rules.finding import Anchor, Diagnostic, Failure, Report, Severity, Skipped
from rules.lint.engine import audit, run, view
from rules.lint.example import load
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.work_limit import TooMuchError


def bad_lines(file: FileView) -> Iterator[Diagnostic]:
    """Flags every new line that says `bad`, where the line above does not excuse it; silent where that is not shown."""
    if file.post is None:
        return
    known = file.post.lines()
    for number in sorted(file.post.touched, reverse=True):
        text = known[number]
        if "bad" in text and (number == 1 or "excuse" not in known.get(number - 1, "excuse")):
            yield file.report(Position(number, text.index("bad") + 1), "bad")


def crash(file: FileView) -> Iterator[Diagnostic]:
    yield from bad_lines(file)
    raise KeyError(file.path)


def subjects(shown: SeriesView) -> Iterator[Diagnostic]:
    for patch in shown.series.patches:
        yield shown.report(patch, "s")


def rule(name: str, **checks: object) -> Rule:
    return Rule(name, "s", Severity.NIT, Status.PREVIEW, "", (), (), **checks)  # type: ignore[arg-type] # short for tests


BAD = rule("bad-line", check_file=bad_lines)


def report(text: str, *rules: Rule) -> Report:
    loaded = load(Example("e", text))
    return run(rules or (BAD,), loaded.series, loaded.tree)


def lines(result: Report) -> list[tuple[int, str | None, int, int | None]]:
    return [
        (finding.anchor.patch, finding.path, finding.anchor.line, finding.fixed_by_patch) for finding in result.findings
    ]


def test_order_is_patch_then_file_in_the_diff_then_line() -> None:
    result = report(
        "| patch one\n| diff z.rs (new)\n| +bad 1\n| +bad 2\n| diff a.rs (new)\n| +bad\n"
        "| patch two\n| diff b.rs (new)\n| +bad\n",
        rule("subject", check_series=subjects),
        BAD,
    )

    assert [(finding.anchor.patch, finding.path, finding.anchor.line) for finding in result.findings] == [
        (1, None, 0), (1, "z.rs", 1), (1, "z.rs", 2), (1, "a.rs", 1), (2, None, 0), (2, "b.rs", 1)]  # fmt: skip


def flag_at(*places: tuple[int, int], name: str = "bad-line") -> Rule:
    """A rule that flags these lines and columns of every file, in this order."""

    def check(file: FileView) -> Iterator[Diagnostic]:
        for line, column in places:
            yield file.report(Position(line, column), "bad")

    return rule(name, check_file=check)


@pytest.mark.parametrize("judge", [lambda *rules: report("| diff a.rs (new)\n| +bad\n| +bad\n", *rules),
                                   lambda *rules: audit(rules, "a.rs", b"bad\nbad\n")])  # fmt: skip
def test_order_in_a_file_is_line_then_column_then_rule(judge: Callable[..., Report]) -> None:
    result = judge(flag_at((2, 1), (1, 9), (1, 2), name="b-rule"), flag_at((1, 9), (2, 1), name="a-rule"))

    anchors = [(finding.anchor, finding.rule) for finding in result.findings]
    assert [(anchor.line, getattr(anchor, "column", 0), rule_id) for anchor, rule_id in anchors] == [
        (1, 2, "b-rule"), (1, 9, "a-rule"), (1, 9, "b-rule"), (2, 1, "a-rule"), (2, 1, "b-rule")]  # fmt: skip


def test_a_finding_on_the_old_side_of_a_renamed_file_stands_at_the_place_of_the_file() -> None:
    def old_names(file: FileView) -> Iterator[Diagnostic]:
        first = min(file.pre_lines)
        yield file.report(Position(first, side="pre"), "old")
        yield file.report(first + 1, "old")

    result = report(
        "| diff z.rs\n|  ok\n| +bad\n| diff a.rs\n|  ok\n| +bad\n| diff b.rs => y.rs\n|  ok\n| +bad\n",
        rule("old-name", check_file=old_names),
    )

    assert [finding.path for finding in result.findings] == ["z.rs", "z.rs", "a.rs", "a.rs", "b.rs", "y.rs"]


@pytest.mark.parametrize(("count", "reported"), [(2, 2), (3, 0)])
def test_a_rule_reports_up_to_the_limit_and_is_skipped_above_it(
    monkeypatch: pytest.MonkeyPatch, count: int, reported: int
) -> None:
    monkeypatch.setattr("rules.lint.engine._MAX_FINDINGS", 2)

    result = report("| diff a.rs (new)\n" + "| +bad\n" * count + "| diff b.rs (new)\n| +bad\n")

    assert [finding.path for finding in result.findings] == ["a.rs"] * reported + ["b.rs"]
    assert [(skipped.rule, skipped.patch, skipped.path, skipped.reason) for skipped in result.skipped] == [
        ("bad-line", 1, "a.rs", "analysis limit exceeded: more than 2 findings of bad-line")] * (count > 2)  # fmt: skip
    assert result.failures == ()


@pytest.mark.parametrize(
    ("whose", "file_place", "series_place"),
    [("the file", (1, "a.rs"), (0, "")), ("the series", (0, ""), (0, ""))],
)
def test_work_above_a_limit_is_skipped_with_its_place(
    whose: str, file_place: tuple[int, str], series_place: tuple[int, str]
) -> None:
    def too_much(_: object) -> Iterator[Diagnostic]:
        raise TooMuchError(whose)

    reason = str(TooMuchError(whose))
    result = report(
        "| diff a.rs (new)\n| +bad\n", rule("file", check_file=too_much), rule("all", check_series=too_much), BAD
    )

    assert result.skipped == (Skipped("file", *file_place, reason), Skipped("all", *series_place, reason))
    assert lines(result) == [(1, "a.rs", 1, None)]


def test_a_crash_names_the_innermost_function_and_the_place() -> None:
    def outer(_: object) -> Iterator[Diagnostic]:
        inner()
        yield from ()

    def inner() -> None:
        raise ValueError("of inner")

    broken = rule("file", check_file=outer), rule("all", check_series=outer)
    result = report("| patch one\n| diff a.rs (new)\n| +ok\n| patch two\n| diff b.rs (new)\n| +ok\n", *broken)
    audited = audit(broken, "c.rs", b"ok\n")

    assert [(failure.rule, failure.patch, failure.path) for failure in (*result.failures, *audited.failures)] == [
        ("file", 1, "a.rs"), ("file", 2, "b.rs"), ("all", 0, ""), ("file", 0, "c.rs")]  # fmt: skip
    assert {re.sub(r"\d+", "N", failure.error) for failure in (*result.failures, *audited.failures)} == {
        "ValueError in inner, line N: of inner"
    }


def test_a_rule_sees_the_series_and_the_tree_of_its_file() -> None:
    seen: list[tuple[Series, Tree, tuple[FileView, ...], Image | None]] = []

    def look(file: FileView) -> Iterator[Diagnostic]:
        seen.append((file.series.series, file.series.tree, file.series.files, file.post))
        assert file in file.series.files
        yield from ()

    tree = FileTree({"a.rs": b"ok\n"})
    series = load(Example("e", "| patch one\n| diff b.rs (new)\n| +ok\n")).series
    run((rule("look", check_file=look),), series, tree)
    audit((rule("look", check_file=look),), "a.rs", b"ok\n", tree)
    audit((rule("look", check_file=look),), "a.rs", b"ok\n")

    assert [shown_series for shown_series, *_ in seen] == [series, *[Series("", (Patch(0, ""),))] * 2]
    assert [shown_tree for _, shown_tree, *_ in seen[:2]] == [tree, tree]
    assert isinstance(seen[2][1], NoTree)
    assert [image.path for *_, image in seen if image is not None] == ["b.rs", "a.rs", "a.rs"]


def test_a_view_has_the_verified_images_by_blob_id() -> None:
    loaded = load(Example("e", "| diff a.rs (new)\n| +ok\n"))

    assert view(loaded.series, loaded.tree).name_blobs() == {blob_id(b"ok\n"): b"ok\n"}


def test_a_rule_is_stopped_at_the_first_finding_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.lint.engine._MAX_FINDINGS", 2)
    yielded: list[Diagnostic] = []

    def counted(file: FileView) -> Iterator[Diagnostic]:
        for finding in bad_lines(file):
            yielded.append(finding)
            yield finding

    report("| diff a.rs (new)\n" + "| +bad\n" * 9, rule("bad-line", check_file=counted))

    assert len(yielded) == 3


def test_a_crash_is_a_failure_and_takes_nothing_else_down() -> None:
    result = report("| diff a.rs (new)\n| +bad\n", rule("crash", check_file=crash), BAD)

    assert lines(result) == [(1, "a.rs", 1, None)]
    assert [(failure.rule, failure.patch, failure.path) for failure in result.failures] == [("crash", 1, "a.rs")]
    assert result.failures[0].error.startswith("KeyError in crash, line ")


def test_a_tree_that_cannot_be_read_is_no_fault_of_the_rule() -> None:
    def read(_: FileView) -> Iterator[Diagnostic]:
        raise TreeError("linux.git: damaged")
        yield

    result = report("| diff a.rs (new)\n| +bad\n", rule("reads", check_file=read), BAD)

    assert lines(result) == [(1, "a.rs", 1, None)]
    assert result.failures == (Failure("reads", 1, "a.rs", "linux.git: damaged", is_tree_unreadable=True),)


def test_equal_findings_are_numbered() -> None:
    result = report("| diff a.rs (new)\n| +bad\n| +  bad\n| +bad too\n| +bad\n| diff b.rs (new)\n| +bad\n")

    assert [finding.ordinal for finding in result.findings] == [0, 1, 0, 2, 0]
    assert len({finding.fingerprint for finding in result.findings}) == 5


NEW = "| patch one\n| diff a.rs (new)\n| +ok\n| +bad\n| +end\n| patch two\n"


def test_a_later_patch_that_excuses_a_line_fixes_it() -> None:
    assert lines(report(NEW + "| diff a.rs\n|  ok\n| +excuse\n|  bad\n")) == [(1, "a.rs", 2, 2)]


def test_a_later_patch_that_removes_a_line_fixes_it() -> None:
    assert lines(report(NEW + "| diff a.rs\n| -bad\n| +good\n")) == [(1, "a.rs", 2, 2)]
    assert lines(report(NEW + "| diff a.rs (deleted)\n| -ok\n| -bad\n| -end\n")) == [(1, "a.rs", 2, 2)]


def test_a_finding_at_a_removed_line_is_fixed_where_the_line_below_it_is() -> None:
    def lost_excuses(file: FileView) -> Iterator[Diagnostic]:
        if file.patch.index:
            yield from (file.report(Position(line.before, 1, "pre"), "lost") for line in file.removed if line.before)
        else:
            yield from bad_lines(file)

    text = "| patch one\n| diff a.rs (new)\n| +ok\n| +excuse\n| +bad\n| +end\n"
    lost = text + "| patch two\n| diff a.rs\n|  ok\n| -excuse\n|  bad\n"
    again = lost + "| patch three\n| diff a.rs\n|  ok\n| +excuse\n|  bad\n"

    assert lines(report(lost, rule("lost-excuse", check_file=lost_excuses))) == [(2, "a.rs", 2, None)]
    assert lines(report(again, rule("lost-excuse", check_file=lost_excuses))) == [(2, "a.rs", 2, 3)]


def test_a_line_that_only_changes_is_not_fixed() -> None:
    result = report(NEW + "| diff a.rs\n| -bad\n| +  bad changed\n")

    assert lines(result) == [(1, "a.rs", 2, None), (2, "a.rs", 2, None)]


def test_a_line_is_followed_through_patches_and_renames() -> None:
    text = NEW + "| diff a.rs\n| +first\n|  ok\n| patch three\n| diff a.rs => b.rs\n| -bad\n| +good\n"

    assert lines(report(text)) == [(1, "a.rs", 2, 3)]


def test_a_line_that_a_hunk_keeps_is_followed_to_its_new_number() -> None:
    moved = NEW + "| diff a.rs\n| +first\n| +second\n|  ok\n|  bad\n"

    assert lines(report(moved)) == [(1, "a.rs", 2, None)]
    assert lines(report(moved + "| patch three\n| diff a.rs\n| -bad\n| +good\n")) == [(1, "a.rs", 2, 3)]


def test_a_line_without_a_line_ending_is_followed_too() -> None:
    text = "| patch one\n| diff a.rs (new)\n| +ok\n| +bad\n| \\ No newline\n"
    excused = text + "| patch two\n| diff a.rs\n|  ok\n| +excuse\n|  bad\n| \\ No newline\n"

    assert lines(report(excused)) == [(1, "a.rs", 2, 2)]


def test_a_finding_in_a_file_that_its_patch_does_not_change_stands() -> None:
    def elsewhere(shown: SeriesView) -> Iterator[Diagnostic]:
        yield shown.report(Anchor(1, "absent.rs", "post", 1, 1, "x"), "x")

    result = report(NEW + "| diff a.rs\n| -end\n", rule("elsewhere", check_series=elsewhere))

    assert (lines(result), result.failures) == ([(1, "absent.rs", 1, None)], ())


def test_an_unrelated_later_patch_fixes_nothing() -> None:
    assert lines(report(NEW + "| diff a.rs\n| -end\n| +END\n")) == [(1, "a.rs", 2, None)]


def test_a_later_patch_without_context_moves_a_line() -> None:
    first = load(Example("e", NEW + "| diff a.rs\n| -end\n| +END\n")).series.patches[0]
    changes = parse("diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1,0 +2,2 @@\n+one\n+two\n")
    assert not isinstance(changes, Unreadable)
    series = Series("s", (first, Patch(2, "s", changes=changes)))

    assert lines(run((BAD,), series, NoTree())) == [(1, "a.rs", 2, None)]


def test_a_fix_beside_another_finding_of_the_same_hunk_is_seen() -> None:
    text = "| patch one\n| diff a.rs (new)\n| +a\n| +bad one\n| +b\n| +bad two\n| +c\n| patch two\n| diff a.rs\n|  a\n"
    replaced = "| -bad one\n| +good\n|  b\n|  bad two\n| +very new bad thing\n|  c\n"
    moved = "| -bad one\n|  b\n|  bad two\n| +a very, very new bad one\n|  c\n"

    assert [(1, "a.rs", 2, 2), (1, "a.rs", 4, None), (2, "a.rs", 5, None)] == lines(report(text + replaced))
    assert [(1, "a.rs", 2, None), (1, "a.rs", 4, None), (2, "a.rs", 4, None)] == lines(report(text + moved))


def test_a_change_that_lies_in_two_hunks_without_context_is_not_taken_for_a_fix() -> None:
    edited = (
        "| patch one\n| diff a.rs (new)\n| +a\n| +bad\n| +b\n| +bad 2\n| +c\n"
        "| patch two\n| diff a.rs\n| @@ 2 @@\n| -bad\n| @@ 3 @@\n| +very bad\n| @@ 5 @@\n| +d\n"
    )

    assert [(1, "a.rs", 2, None), (1, "a.rs", 4, None), (2, "a.rs", 3, None)] == lines(report(edited))


def test_what_a_partial_image_does_not_show_is_not_taken_for_fixed() -> None:
    text = "| patch one\n| diff a.rs\n| @@ 10 @@\n|  ok\n| +bad\n|  end\n"
    text += "| patch two\n| diff a.rs\n| @@ 11 @@\n|  bad\n| +x\n"

    assert lines(report(text)) == [(1, "a.rs", 11, None)]


def test_an_audit_judges_every_line_of_a_file() -> None:
    assert lines(audit((BAD,), "a.rs", b"bad\nok\nbad\n")) == [(0, "a.rs", 1, None), (0, "a.rs", 3, None)]


def test_the_same_series_gives_the_same_report_and_an_empty_one_nothing() -> None:
    assert report(NEW) == report(NEW)
    assert run((BAD,), Series("", ()), NoTree()) == Report()


def test_a_finding_stands_where_the_limit_left_the_later_images_unexamined(monkeypatch: pytest.MonkeyPatch) -> None:
    excused = NEW + "| diff a.rs\n|  ok\n| +excuse\n|  bad\n"
    for limit, fixed_by in ((0, None), (1, None), (2, None), (3, 2)):
        monkeypatch.setattr("rules.lint.engine._MAX_AUDITED", limit)
        assert lines(report(excused)) == [(1, "a.rs", 2, fixed_by)], limit


def test_a_rule_that_crashes_on_the_later_image_leaves_its_finding_standing() -> None:
    def crashes_when_excused(file: FileView) -> Iterator[Diagnostic]:
        yield from bad_lines(file)
        if file.patch.index == 0 and file.mentions("excuse"):
            raise KeyError(file.path)

    result = report(NEW + "| diff a.rs\n|  ok\n| +excuse\n|  bad\n", rule("bad-line", check_file=crashes_when_excused))

    assert lines(result) == [(1, "a.rs", 2, None)]


def test_findings_beside_the_hunks_are_followed_and_fixed() -> None:
    text = NEW + "| diff a.rs\n|  bad\n|  end\n| +last\n| patch three\n| diff a.rs\n|  ok\n| +excuse\n|  bad\n"

    assert lines(report(text)) == [(1, "a.rs", 2, 3)]


def test_many_findings_before_many_patches_examine_each_image_once() -> None:
    examined: list[object] = []

    def counted(file: FileView) -> Iterator[Diagnostic]:
        if file.patch.index == 0 and file.post is not None:
            examined.append(file.post.fragments)
        yield from bad_lines(file)

    text = "| patch one\n| diff a.rs (new)\n" + "| +bad\n" * 40 + "| +end\n"
    text += "".join(f"| patch {n}\n| diff a.rs\n| @@ 41 @@\n|  end\n| +end\n" for n in range(20))
    result = report(text, rule("bad-line", check_file=counted))

    assert len(result.findings) == 40
    assert len(examined) == len(set(examined)) == 20  # not the first, because every finding stays


def test_views_are_freed_without_the_collector() -> None:
    def again(file: FileView) -> Iterator[Diagnostic]:
        seen.append(weakref.ref(file))
        yield from bad_lines(file)

    seen: list[weakref.ref[FileView]] = []
    text = NEW + "| diff a.rs\n|  ok\n| +excuse\n|  bad\n"
    loaded = load(Example("e", text))
    gc.disable()
    try:
        run((rule("bad-line", check_file=again),), loaded.series, loaded.tree)
        audit((rule("bad-line", check_file=again),), "a.rs", b"bad\n")
        assert len(seen) > 3  # the files of the series, the images that were examined alone, and the audited file
        assert [file for file in seen if file() is not None] == []
    finally:
        gc.enable()
