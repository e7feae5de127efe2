# SPDX-License-Identifier: GPL-2.0-or-later
"""The notation of examples: what stands right of the bar becomes a series, left of it what is expected."""

from dataclasses import replace

import pytest

from rules.diff.patch import Series
from rules.finding import Anchor, Confidence, Finding, LogAnchor, Severity
from rules.lint.engine import view
from rules.lint.example import MalformedExampleError, load
from rules.lint.expectations import differences
from rules.lint.rule import Example

TWO = Example(
    "two patches",
    """
             | tree a.rs
             |  fn a() {
             |      b()
             |  }
             | patch rust: led: new
             | Say why.
           ! |
             | Signed-off-by: A <a@example.org>
             | diff led.rs (new)
             | +fn on() {
    !! bug low | +    unsafe { on() }
             | +}
             | patch rust: led: mend
             | diff led.rs
             |  fn on() {
             | +    // SAFETY: yes.
             |      unsafe { on() }
             | diff a.rs
             | -    b()
      fixed | +    c()
    """.replace("\n      fixed |", "\n    ! fixed |"),
)


def finding(line: int, patch: int = 1) -> Finding:
    return Finding("r", Severity.BUG, Confidence.LOW, Anchor(patch, "led.rs", "post", line, 1, "x"), "m")


def test_an_example_becomes_a_series_with_whole_images() -> None:
    loaded = load(TWO)
    shown = view(loaded.series, loaded.tree)

    assert [(file.patch.index, file.path, file.post is not None and file.post.is_complete) for file in shown.files] == [
        (1, "led.rs", True),
        (2, "led.rs", True),
        (2, "a.rs", True),
    ]
    assert shown.files[1].post is not None
    assert shown.files[1].post.content == b"fn on() {\n    // SAFETY: yes.\n    unsafe { on() }\n}\n"
    assert loaded.series.patches[0].log == "Say why."
    assert loaded.series.patches[0].trailers == ("Signed-off-by: A <a@example.org>",)


def test_the_margin_says_what_is_expected() -> None:
    places = [
        (expectation.place, expectation.count, expectation.severity, expectation.confidence, expectation.fixed)
        for expectation in load(TWO).expected
    ]

    assert places == [
        ((1, "", "", 2), 1, None, None, False),
        ((1, "led.rs", "post", 2), 2, Severity.BUG, Confidence.LOW, False),
        ((2, "a.rs", "post", 2), 1, None, None, True),
    ]


def test_differences_name_what_is_missing_too_much_or_otherwise() -> None:
    example = Example("e", "| diff led.rs (new)\n! nit high | +a\n! fixed | +b\n| +c\n")

    messages = differences(load(example).expected, "r", [finding(1), finding(3), finding(9, 1)])

    assert [line.split(": ")[:2] for line in messages] == [
        ["patch 1, led.rs, line 1 after the patch", "expected confidence high, got low"],
        ["patch 1, led.rs, line 1 after the patch", "expected severity nit, got bug"],
        ["patch 1, led.rs, line 2 after the patch", "expected 1 finding, got 0"],
        ["patch 1, led.rs, line 3 after the patch", "not expected"],
        ["patch 1, led.rs, line 9 after the patch", "not expected"],
    ]


def test_a_fix_that_is_missing_or_not_expected_is_a_difference() -> None:
    example = Example("e", "| diff led.rs (new)\n! fixed | +a\n! | +b\n")

    messages = differences(load(example).expected, "r", [finding(1), replace(finding(2), fixed_by_patch=2)])

    assert [line.split(": ")[1] for line in messages] == [
        "expected fixed True, got None",
        "expected fixed False, got 2",
    ]


def test_agreement_and_other_rules_findings_are_no_difference() -> None:
    example = Example("e", "| patch s\n! | log\n| diff led.rs (new)\n! | +a\n")
    log = Finding("r", Severity.NIT, Confidence.HIGH, LogAnchor(1, 1, "log"), "m")
    other = Finding("other", Severity.NIT, Confidence.HIGH, LogAnchor(1, 1, "log"), "m")

    assert differences(load(example).expected, "r", [finding(1), log, other]) == ()


def test_an_example_without_a_patch_is_an_empty_series() -> None:
    assert load(Example("e", "\n")).series == Series("", ())
    assert load(Example("e", "| tree a.rs\n|  fn a() {}\n")).series == Series("", ())


def test_a_series_has_the_subject_of_its_first_patch_and_a_hunk_its_heading() -> None:
    series = load(Example("e", "| patch one\n| diff a.rs\n| @@ 7 @@ fn a()\n| +b\n| patch two\n")).series

    assert (series.subject, series.patches[0].changes[0].hunks[0].heading) == ("one", "fn a()")


def test_hunks_of_a_known_file_are_counted_from_what_the_hunks_before_changed() -> None:
    base = "| tree a.rs\n" + "".join(f"|  {n}\n" for n in range(1, 10))
    hunks = "|  1\n| +new\n| +new\n| -2\n| @@ 4 @@\n| -4\n| -5\n|  6\n| @@ 8 @@\n| -8\n| @@ 9 @@\n| +last\n"
    loaded = load(Example("e", f"{base}| diff a.rs\n{hunks}| patch two\n| diff a.rs\n|  9\n|  last\n| +seen\n"))
    first, second = (file.post for file in view(loaded.series, loaded.tree).files)

    (change,) = loaded.series.patches[0].changes
    assert [(hunk.before_start, hunk.before_count, hunk.after_start, hunk.after_count) for hunk in change.hunks] == [
        (1, 2, 1, 3), (4, 3, 5, 1), (8, 1, 6, 0), (9, 0, 8, 1)]  # fmt: skip
    assert first is not None
    assert first.content == b"1\nnew\nnew\n3\n6\n7\n9\nlast\n"
    assert second is not None
    assert second.content == b"1\nnew\nnew\n3\n6\n7\n9\nlast\nseen\n"


def test_a_mark_may_stand_at_a_subject_and_at_a_line_of_a_deleted_file() -> None:
    loaded = load(Example("e", "! | patch s\n| diff led.rs (deleted)\n! | -a\n| \\ No newline\n"))

    assert [expected.place for expected in loaded.expected] == [(1, "", "", 0), (1, "led.rs", "pre", 1)]
    (change,) = loaded.series.patches[0].changes
    assert (change.ends_without_newline_before, change.ends_without_newline_after) == (True, False)


def test_a_hunk_without_a_known_file_stands_somewhere() -> None:
    loaded = load(Example("e", "| diff led.rs\n| @@ fn a\n|  a\n! | -b\n| @@ 7 @@\n! | +c\n"))
    (file,) = view(loaded.series, loaded.tree).files

    assert [expectation.place[2:] for expectation in loaded.expected] == [("pre", 102), ("post", 7)]
    assert file.post is not None
    assert not file.post.is_complete


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("diff a.rs", "no `\\|`"),
        ("| +a", "no `patch`"),
        ("| diff", "no `patch`"),
        ("| diff a b", "not a diff line"),
        ("| diff a.rs (new)\n| a", "starts with"),
        ("| diff a.rs (new)\n? | +a", "cannot read the margin"),
        ("| diff a.rs (new)\n! loud | +a", "loud"),
        ("| tree a.rs\n|  x\n|  x\n| diff a.rs\n| -x", "matches 2 places"),
    ],
)
def test_a_malformed_example_is_told_by_line(text: str, message: str) -> None:
    with pytest.raises(MalformedExampleError, match=message):
        load(Example("e", text))


def test_renamed_deleted_and_bare_files() -> None:
    text = "| diff o.rs => n.rs (whole)\n|  a\n| -b\n| +c\n| diff g.rs (deleted)\n| -x\n"
    loaded = load(Example("e", text + "| diff b.rs (new)\n| +x\n| \\ No newline\n"))
    files = view(loaded.series, loaded.tree).files

    assert [(file.change.before, file.change.after) for file in files] == [
        ("o.rs", "n.rs"), ("g.rs", None), (None, "b.rs")]  # fmt: skip
    assert [file.post.content for file in files if file.post is not None] == [b"a\nc\n", b"x"]
