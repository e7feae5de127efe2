# SPDX-License-Identifier: GPL-2.0-or-later
"""Order, isolation, ordinals, and what a later patch mends."""

from collections.abc import Iterator

import pytest

from rules.analysis.view import FileView, SeriesView
from rules.bindings.tree import NoTree
from rules.diff.patch import Series
from rules.finding import Anchor, Confidence, Finding, LogAnchor, Report, Severity
from rules.lint.engine import audit, run
from rules.lint.example import load
from rules.lint.rule import Example, Rule, Status


def bad_lines(file: FileView) -> Iterator[Finding]:
    """Flags every new line that says `bad`, where the line above does not excuse it; silent where that is not shown."""
    if file.post is None:
        return
    known = dict(file.post.lines())
    for number in sorted(file.post.touched, reverse=True):
        text = known[number]
        if "bad" in text and (number == 1 or "excuse" not in known.get(number - 1, "excuse")):
            anchor = Anchor(file.patch.index, file.path, "post", number, text.index("bad") + 1, text)
            yield Finding("bad-line", Severity.NIT, Confidence.HIGH, anchor, "bad")


def crash(file: FileView) -> Iterator[Finding]:
    yield from bad_lines(file)
    raise KeyError(file.path)


def subjects(shown: SeriesView) -> Iterator[Finding]:
    for patch in shown.series.patches:
        yield Finding("subject", Severity.NIT, Confidence.HIGH, LogAnchor(patch.index, 0, patch.subject), "s")


def rule(name: str, **checks: object) -> Rule:
    return Rule(name, "s", Severity.NIT, Status.PREVIEW, "", (), (), **checks)  # type: ignore[arg-type] # short for tests


BAD = rule("bad-line", check_file=bad_lines)


def report(text: str, *rules: Rule) -> Report:
    loaded = load(Example("e", text))
    return run(rules or (BAD,), loaded.series, loaded.tree)


def lines(said: Report) -> list[tuple[int, str | None, int, int | None]]:
    return [(one.anchor.patch, one.path, one.anchor.line, one.mended_by) for one in said.findings]


def test_order_is_patch_then_file_in_the_diff_then_line() -> None:
    said = report(
        "| patch one\n| diff z.rs (new)\n| +bad 1\n| +bad 2\n| diff a.rs (new)\n| +bad\n"
        "| patch two\n| diff b.rs (new)\n| +bad\n",
        rule("subject", check_series=subjects),
        BAD,
    )

    assert [(one.anchor.patch, one.path, one.anchor.line) for one in said.findings] == [
        (1, None, 0), (1, "z.rs", 1), (1, "z.rs", 2), (1, "a.rs", 1), (2, None, 0), (2, "b.rs", 1)]  # fmt: skip


def test_a_crash_is_a_failure_and_takes_nothing_else_down() -> None:
    said = report("| diff a.rs (new)\n| +bad\n", rule("crash", check_file=crash), BAD)

    assert lines(said) == [(1, "a.rs", 1, None)]
    assert [(one.rule, one.patch, one.path) for one in said.failures] == [("crash", 1, "a.rs")]
    assert said.failures[0].error.startswith("KeyError in crash, line ")


def test_equal_findings_are_numbered() -> None:
    said = report("| diff a.rs (new)\n| +bad\n| +  bad\n| +bad too\n| diff b.rs (new)\n| +bad\n")

    assert [one.ordinal for one in said.findings] == [0, 1, 0, 0]
    assert len({one.fingerprint for one in said.findings}) == 4


NEW = "| patch one\n| diff a.rs (new)\n| +ok\n| +bad\n| +end\n| patch two\n"


def test_a_later_patch_that_excuses_a_line_mends_it() -> None:
    assert lines(report(NEW + "| diff a.rs\n|  ok\n| +excuse\n|  bad\n")) == [(1, "a.rs", 2, 2)]


def test_a_later_patch_that_removes_a_line_mends_it() -> None:
    assert lines(report(NEW + "| diff a.rs\n| -bad\n| +good\n")) == [(1, "a.rs", 2, 2)]
    assert lines(report(NEW + "| diff a.rs (deleted)\n| -ok\n| -bad\n| -end\n")) == [(1, "a.rs", 2, 2)]


def test_a_line_that_only_changes_is_not_mended() -> None:
    said = report(NEW + "| diff a.rs\n| -bad\n| +  bad changed\n")

    assert lines(said) == [(1, "a.rs", 2, None), (2, "a.rs", 2, None)]


def test_a_line_is_followed_through_patches_and_renames() -> None:
    text = NEW + "| diff a.rs\n| +first\n|  ok\n| patch three\n| diff a.rs => b.rs\n| -bad\n| +good\n"

    assert lines(report(text)) == [(1, "a.rs", 2, 3)]


def test_an_unrelated_later_patch_mends_nothing() -> None:
    assert lines(report(NEW + "| diff a.rs\n| -end\n| +END\n")) == [(1, "a.rs", 2, None)]


def test_what_a_partial_image_does_not_show_is_not_taken_for_mended() -> None:
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
        monkeypatch.setattr("rules.lint.engine._MOST_AUDITED", limit)
        assert lines(report(excused)) == [(1, "a.rs", 2, fixed_by)], limit


def test_a_rule_that_crashes_on_the_later_image_leaves_its_finding_standing() -> None:
    def crashes_when_excused(file: FileView) -> Iterator[Finding]:
        yield from bad_lines(file)
        if file.patch.index == 0 and file.mentions(b"excuse"):
            raise KeyError(file.path)

    said = report(NEW + "| diff a.rs\n|  ok\n| +excuse\n|  bad\n", rule("bad-line", check_file=crashes_when_excused))

    assert lines(said) == [(1, "a.rs", 2, None)]


def test_findings_beside_the_hunks_are_followed_and_fixed() -> None:
    text = NEW + "| diff a.rs\n|  bad\n|  end\n| +last\n| patch three\n| diff a.rs\n|  ok\n| +excuse\n|  bad\n"

    assert lines(report(text)) == [(1, "a.rs", 2, 3)]


def test_many_findings_before_many_patches_examine_each_image_once() -> None:
    examined: list[object] = []

    def counted(file: FileView) -> Iterator[Finding]:
        if file.patch.index == 0 and file.post is not None:
            examined.append(file.post.fragments)
        yield from bad_lines(file)

    text = "| patch one\n| diff a.rs (new)\n" + "| +bad\n" * 40 + "| +end\n"
    text += "".join(f"| patch {n}\n| diff a.rs\n| @@ 41 @@\n|  end\n| +end\n" for n in range(20))
    said = report(text, rule("bad-line", check_file=counted))

    assert len(said.findings) == 40
    assert len(examined) == len(set(examined)) == 21
