# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rule can ask of a changed file and of its series."""

from dataclasses import replace

import pytest

from rules.analysis.view import FileView, Position, SeriesView
from rules.bindings.tree import NoTree
from rules.diff.parse import parse
from rules.diff.patch import Patch, Series, Unreadable
from rules.finding import Anchor, Confidence, Evidence, LogAnchor, Severity
from rules.lint.engine import view
from rules.lint.example import load
from rules.lint.rule import Example, Trigger, fitting

TWO_HUNKS = """
    | diff rust/kernel/a.rs
    | @@ 10 @@ fn f()
    |  ten
    | -old
    | +new
    | +  moved   here
    |  end
    | @@ 30 @@ impl Led
    |  thirty
    | -moved here
    |  last
    """


def _fits(trigger: Trigger, file: FileView) -> bool:
    return fitting([(trigger, ["a rule"])], file) == ["a rule"]


def _series(text: str) -> SeriesView:
    loaded = load(Example("test", text))
    return view(loaded.series, loaded.tree)


def _file(text: str) -> FileView:
    return _series(text).files[-1]


@pytest.mark.parametrize(
    ("line", "before"),
    [(1, 1), (9, 9), (10, 10), (11, None), (12, None), (13, 12), (14, 13), (30, 29), (31, 30), (32, 32), (40, 40)],
)
def test_a_line_has_its_number_before_the_patch(line: int, before: int | None) -> None:
    assert _file(TWO_HUNKS).line_before(line) == before


@pytest.mark.parametrize(("line", "before"), [(9, 9), (10, 12), (14, 16), (15, None), (16, None), (17, 17), (18, 18)])
def test_hunks_without_context_may_have_no_line_on_a_side(line: int, before: int | None) -> None:
    changes = parse("--- a/a.rs\n+++ b/a.rs\n@@ -10,2 +9,0 @@\n-a\n-b\n@@ -16,0 +15,2 @@\n+c\n+d\n")
    assert not isinstance(changes, Unreadable)
    (file,) = view(Series("a", (Patch(1, "a", changes=changes),)), NoTree()).files

    assert file.line_before(line) == before


@pytest.mark.parametrize(
    ("line", "heading"),
    [(9, ""), (10, "fn f()"), (13, "fn f()"), (14, ""), (31, "impl Led"), (32, "impl Led"), (33, "")],
)
def test_the_heading_is_that_of_the_hunk_that_shows_the_line(line: int, heading: str) -> None:
    assert _file(TWO_HUNKS).hunk_heading(line) == heading


@pytest.mark.parametrize(("line", "expected"), [(9, False), (10, True), (11, True), (12, False), (13, False)])
def test_a_hunk_that_begins_in_a_macro_shows_its_end(line: int, expected: bool) -> None:
    text = "| diff a.rs\n| @@ 10 @@ macro_rules! m {\n|          a();\n| +        b();\n|  }\n|  fn f() {\n"

    assert _file(text).is_in_cut_macro(line) is expected
    assert _file(text.replace("macro_rules! m {", "fn on(self) -> $level {")).is_in_cut_macro(line) is expected
    assert _file(text.replace("macro_rules! m", "fn m()")).is_in_cut_macro(line) is False


def test_moved_and_indented_lines_are_touched_but_not_new() -> None:
    file = _file(TWO_HUNKS)

    assert file.touched == {11, 12}
    assert file.new_lines == {11}
    assert [line.text for line in file.added] == ["new", "  moved   here"]
    assert [line.text for line in file.removed] == ["old", "moved here"]
    assert file.series.removed_rust(1) == {"old", "moved here"}
    assert file.series.removed_rust(2) == frozenset()
    assert (file.pre_lines[11], file.post_lines[11]) == ("old", "new")


def test_lines_that_leave_a_file_of_another_language_do_not_make_a_line_old() -> None:
    text = "| diff a.h (deleted)\n| -fn f() {}\n| diff a.rs (new)\n| +fn f() {}\n"

    assert _file(text).new_lines == {1}


def test_a_file_adds_the_words_of_its_added_lines_and_mentions_those_of_all() -> None:
    file = _file(TWO_HUNKS)

    assert file.adds("old", "new")
    assert not file.adds("ten", "old")
    assert file.mentions("ten", "last")
    assert not file.mentions("ten", "old")
    assert _file("| diff a.rs (new)\n| +one\n| +two\n").adds("two")


def test_the_image_of_a_file_is_made_only_if_a_trigger_needs_it() -> None:
    file = _file(TWO_HUNKS)
    assert file.post is not None

    assert not _fits(Trigger(mentions=("absent",)), file)
    assert not _fits(Trigger(adds=("absent",), mentions=("ten",)), file)
    assert "fragments" not in vars(file.post)
    assert not _fits(Trigger(adds=("new",), mentions=("old",)), file)
    assert _fits(Trigger(adds=("new",), mentions=("ten",)), file)
    assert "fragments" in vars(file.post)


def test_an_image_alone_mentions_the_words_of_its_fragments() -> None:
    file = _file(TWO_HUNKS)
    assert file.post is not None
    alone = file.series.alone(file.post)

    assert _fits(Trigger(adds=("ten",), mentions=("ten", "last")), alone)
    assert not _fits(Trigger(mentions=("old",)), alone)


def test_a_deleted_file_has_nothing_after_the_patch() -> None:
    file = _file("| diff a.rs (deleted)\n| -unsafe fn f() {}\n")

    assert (file.post_rust, file.post_lines, file.touched) == ((), {}, frozenset())
    assert (list(file.sources_with(b"unsafe")), file.added_sources("unsafe"), file.unsafe_sources) == ([], (), ())
    assert not file.adds("unsafe")
    assert not file.mentions("unsafe")
    assert [source.text for source in file.removed_sources("unsafe")] == ["unsafe fn f() {}\n"]
    assert list(file.removed_sources("trait")) == []


def test_a_file_that_is_no_rust_has_no_rust() -> None:
    file = _file("| diff a.c (whole)\n| -unsafe\n| +unsafe {}\n")

    assert (file.is_rust, file.pre_rust, file.post_rust) == (False, (), ())
    assert (list(file.removed_sources("unsafe")), file.added_sources("unsafe")) == ([], ())


@pytest.mark.parametrize(
    ("path", "is_kernel_rust", "in_kernel_crate"),
    [
        ("rust/kernel/a.rs", True, True),
        ("drivers/a.rs", True, False),
        ("drivers/a.c", False, False),
        ("rust/syn/a.rs", False, False),
        ("scripts/a.rs", False, False),
    ],
)
def test_kernel_code_is_told_by_its_path(path: str, is_kernel_rust: bool, in_kernel_crate: bool) -> None:
    file = _file(f"| diff {path} (new)\n| +fn f() {{}}\n")

    assert (file.is_kernel_rust, file.in_kernel_crate) == (is_kernel_rust, in_kernel_crate)


def test_a_report_has_its_place_its_text_and_what_the_rule_says_of_it() -> None:
    file = _file("| diff a.rs => b.rs (whole)\n|  fn f() {\n| -    old();\n| +    new();\n|  }\n")
    evidence, facts = (Evidence("c.rs:1", ("x",)),), (("a", "b"),)

    plain = file.report(2, "Mend it.")
    full = file.report(
        Position(2, 5, "pre"),
        "Keep it.",
        severity=Severity.BUG,
        confidence=Confidence.LOW,
        evidence=evidence,
        scope="fn f",
        facts=facts,
    )

    assert plain.anchor == Anchor(1, "b.rs", "post", 2, 1, "    new();")
    assert (plain.message, plain.confidence, plain.severity) == ("Mend it.", Confidence.HIGH, None)
    assert (plain.evidence, plain.scope, plain.facts) == ((), "", ())
    assert full.anchor == Anchor(1, "a.rs", "pre", 2, 5, "    old();")
    assert (full.message, full.confidence, full.severity) == ("Keep it.", Confidence.LOW, Severity.BUG)
    assert (full.evidence, full.scope, full.facts) == (evidence, "fn f", facts)


def test_a_report_from_hunks_alone_is_less_certain() -> None:
    assert _file(TWO_HUNKS).report(10, "x").confidence is Confidence.MEDIUM


def test_a_report_quotes_the_beginning_of_a_long_line_or_the_given_text() -> None:
    file = _file(f"| diff a.rs (new)\n| +{'x' * 2001}\n")
    (site,) = _file("| diff a.rs (new)\n| +fn f() {\n| +    unsafe { g() }\n| +}\n").sources_with(b"unsafe")

    assert file.anchor(1).text == "x" * 2000
    assert file.anchor(Position(1, 3, text="shown")) == Anchor(1, "a.rs", "post", 1, 3, "shown")
    node = replace(site.unsafe_sites[0], line=1, column=7)
    assert file.anchor(node) == Anchor(1, "a.rs", "post", 1, 7, "x" * 2000)


def test_a_series_reports_at_a_place_or_at_the_subject_of_a_patch() -> None:
    series, anchor = _series("| diff a.rs (new)\n| +x\n"), Anchor(1, "a.rs", "post", 1, 1, "x")
    evidence, facts = (Evidence("c.rs:1", ("x",)),), (("a", "b"),)

    at_line = series.report(anchor, "Mend it.")
    at_patch = series.report(
        Patch(3, "rust: a"),
        "Split it.",
        severity=Severity.NOTE,
        confidence=Confidence.LOW,
        evidence=evidence,
        facts=facts,
    )

    assert (at_line.anchor, at_line.message, at_line.confidence, at_line.severity) == (
        anchor, "Mend it.", Confidence.HIGH, None)  # fmt: skip
    assert (at_patch.anchor, at_patch.message) == (LogAnchor(3, 0, "rust: a"), "Split it.")
    assert (at_patch.severity, at_patch.confidence, at_patch.evidence, at_patch.facts) == (
        Severity.NOTE, Confidence.LOW, evidence, facts)  # fmt: skip


@pytest.mark.parametrize(
    ("prefixes", "subject", "patch_subject", "log", "is_draft"),
    [
        ((), "rust: a", "rust: a", "Why.", False),
        (("RFC",), "rust: a", "rust: a", "Why.", True),
        (("net-wip",), "rust: a", "rust: a", "Why.", True),
        ((), "WIP: rust: a", "rust: a", "Why.", True),
        ((), "rust: a", "rust: a (RFC)", "Why.", True),
        ((), "rust: a", "rust: a", "This is WIP.", True),
        ((), "rust: a", "rust: a", "As RFC1918 says, wip.", False),
    ],
)
def test_a_draft_is_called_so_by_its_author(
    prefixes: tuple[str, ...], subject: str, patch_subject: str, log: str, is_draft: bool
) -> None:
    loaded = load(Example("test", "| diff a.rs (new)\n| +x\n"))
    patch = replace(loaded.series.patches[0], subject=patch_subject, log=log)
    series = replace(loaded.series, subject=subject, prefixes=prefixes, patches=(patch,))

    assert view(series, loaded.tree).files[0].is_draft is is_draft


def test_the_later_changes_of_a_file_are_followed_through_renames() -> None:
    series = _series(
        """
        | patch one
        | diff a.rs (new)
        | +a
        | diff c.rs (new)
        | +c
        | patch two
        | diff a.rs => b.rs
        | -a
        | +b
        | patch three
        | diff c.rs
        | -c
        | +d
        | diff b.rs
        | -b
        | +e
        """
    )
    first, other, renamed, last_other, last = series.files

    assert [series.next_change(file) for file in series.files] == [renamed, last_other, last, None, None]
    assert list(series.later(first)) == [renamed, last]
    assert list(series.later(last)) == []
    assert series.of_patch(1) == [first, other]
    assert (series.of_patch(2), series.of_patch(3), series.of_patch(9)) == ([renamed], [last_other, last], [])


def test_an_image_alone_is_new_in_every_line() -> None:
    file = _file("| diff rust/kernel/a.rs (whole)\n|  fn f() {\n| +    unsafe { g() }\n|  }\n")
    assert file.post is not None

    alone = file.series.alone(file.post)

    assert (alone.path, alone.pre, alone.patch.index) == ("rust/kernel/a.rs", None, 0)
    assert alone.touched == alone.new_lines == {1, 2, 3}
    assert alone.adds("fn f")
    assert alone.post_rust is file.post_rust
