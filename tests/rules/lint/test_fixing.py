# SPDX-License-Identifier: GPL-2.0-or-later
"""The fixes of rules: what they write, and when they are left out."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from bot.kernel.work_tree import make_diff
from rules.analysis.view import FileView
from rules.bindings.tree import FileTree
from rules.diff.patch import Patch, Series
from rules.finding import Diagnostic, Edit, Severity
from rules.lint.engine import audit
from rules.lint.example import load
from rules.lint.fixing import FAILED_CHECK, OVERLAPS, FixedFiles, apply_edits
from rules.lint.rule import Rule, Status
from rules.registry import RULES, by_id
from tests.fakes.fixing import fix_series, read_changes
from tests.rules.lint.fix_cases import FIXED, UNFIXED

PATH = "drivers/led.rs"
PRELUDE = b"""\
pub use core::pin::Pin;
pub use ::ffi::{c_char, c_int, c_void};
pub use super::{alloc::{flags::*, KBox}, error::{code::*, Result}, str::CStrExt as _};
"""


def fixed(after: str, *names: str, before: str | None = None) -> FixedFiles:
    """Return what the named rules fix in a file."""
    files = {"rust/kernel/prelude.rs": PRELUDE} | ({} if before is None else {PATH: before.encode()})
    rules = [rule for name in names if (rule := by_id(name)) is not None]
    assert len(rules) == len(names)
    diff = make_diff(PATH, None if before is None else before.encode(), after.encode())
    return fix_series(rules, Series("", (Patch(1, "", changes=read_changes(diff)),)), FileTree(files))


def _rule(name: str, check: Callable[[FileView], Iterator[Diagnostic]]) -> Rule:
    return Rule(name, "s", Severity.NIT, Status.STABLE, "", (), (), check_file=check)


def _new_file(content: bytes) -> Series:
    return Series("", (Patch(1, "", changes=read_changes(make_diff(PATH, None, content))),))


@pytest.mark.parametrize("name", FIXED)
def test_a_fix_removes_its_finding_and_nothing_else(name: str) -> None:
    rule, before, after = FIXED[name]

    result = fixed(before, rule)

    assert after == result.contents[PATH].decode()
    assert result.left_out == ()
    assert {rule} == {fix.rule for fix in result.applied}


@pytest.mark.parametrize("name", UNFIXED)
def test_what_is_not_exact_has_no_fix(name: str) -> None:
    rule_id, text = UNFIXED[name]
    rule = by_id(rule_id)
    assert rule is not None

    result = fixed(text, rule_id)

    tree = FileTree({"rust/kernel/prelude.rs": PRELUDE})
    assert [rule_id] == [finding.rule for finding in audit([rule], PATH, text.encode(), tree).findings]
    assert ({}, (), ()) == (result.contents, result.applied, result.left_out)


def test_lines_that_the_patch_does_not_add_stay() -> None:
    old = "use kernel::{\n    bindings, prelude::*,\n};\nfn off() -> Result<()> {}\n"
    new = old.replace("    bind", "    device, error::Error,\n    bind") + "fn on() -> Result<()> {}\n"

    result = fixed(new, "import-vertical-style", "result-unit", before=old)

    assert new.replace("fn on() -> Result<()>", "fn on() -> Result") == result.contents[PATH].decode()


def test_a_list_is_fixed_on_added_lines_within_an_old_declaration() -> None:
    old = "use kernel::{\n    bindings,\n};\n"

    result = fixed(old.replace("bindings,", "bindings, str,"), "import-vertical-style", before=old)

    assert "use kernel::{\n    bindings,\n    str, //\n};\n" == result.contents[PATH].decode()


def test_of_fixes_that_overlap_the_later_one_is_made_in_the_result() -> None:
    text = "use kernel::{device::Device, error::Result, prelude::*};\nfn on() -> Result<()> {}\n"

    result = fixed(text, "import-vertical-style", "redundant-prelude-import", "result-unit")

    lines = "use kernel::{\n    device::Device,\n    prelude::*, //\n};\nfn on() -> Result {}\n"
    assert lines == result.contents[PATH].decode()
    assert () == result.left_out


def test_a_fix_that_overlaps_a_failing_one_is_made() -> None:
    def replace_first(file: FileView, text: str) -> Iterator[Diagnostic]:
        if file.post_lines[1].startswith("bad"):
            yield file.report(1, text, fix=(Edit(1, 1, 1, 4, text),))

    rules = [_rule("a", partial(replace_first, text="bad")), _rule("b", partial(replace_first, text="good"))]

    result = fix_series(rules, _new_file(b"bad\n"), FileTree({}))

    assert {PATH: b"good\n"} == result.contents
    assert [("a", FAILED_CHECK)] == [(fix.rule, reason) for fix, reason in result.left_out]


def test_fixes_that_overlap_again_and_again_are_left_out_by_name() -> None:
    def ask_for(file: FileView, line: str) -> Iterator[Diagnostic]:
        if line not in file.post_lines.values():
            yield file.report(1, line, fix=(Edit(1, 1, 1, 1, f"{line}\n"),))

    rules = [_rule(f"r{number}", partial(ask_for, line=f"// {number}")) for number in range(30)]

    result = fix_series(rules, _new_file(b"last\n"), FileTree({}))

    assert 8 == len(result.applied)
    assert [(f"r{number}", OVERLAPS) for number in range(8, 30)] == [
        (fix.rule, reason) for fix, reason in result.left_out
    ]


def _worse(file: FileView) -> Iterator[Diagnostic]:
    for line in sorted(file.touched):
        at = file.post_lines[line].find("bad")
        if at >= 0:
            yield file.report(line, "bad", fix=(Edit(line, at + 1, line, at + 1, "bad bad\n"),))


def test_a_fix_with_a_wrong_result_is_left_out() -> None:
    worse = _rule("worse", _worse)
    good = by_id("result-unit")
    assert good is not None
    text = b"// bad\nfn on() -> Result<()> {}\n"

    result = fix_series([worse, good], _new_file(text), FileTree({}))

    assert b"// bad\nfn on() -> Result {}\n" == result.contents[PATH]
    assert [("worse", FAILED_CHECK)] == [(fix.rule, reason) for fix, reason in result.left_out]


def test_only_the_fix_that_fails_is_left_out() -> None:
    """Of many fixes of a rule in a file, one leaves its finding. The others are made."""

    def check(file: FileView) -> Iterator[Diagnostic]:
        for line in sorted(file.touched):
            if "bad" in file.post_lines[line]:
                better = "still bad" if line == 7 else "good"
                yield file.report(line, "bad", fix=(Edit(line, 1, line, 4, better),))

    changes = tuple(
        change
        for path in ("drivers/a.rs", "drivers/b.rs")
        for change in read_changes(make_diff(path, None, b"bad\n" * 30))
    )

    result = fix_series([_rule("bad", check)], Series("", (Patch(1, "", changes=changes),)), FileTree({}))

    expected = b"good\n" * 6 + b"bad\n" + b"good\n" * 23
    assert {"drivers/a.rs": expected, "drivers/b.rs": expected} == result.contents
    left_out = [(fix.anchor.path, fix.anchor.line, reason) for fix, reason in result.left_out]
    assert [(path, 7, FAILED_CHECK) for path in ("drivers/a.rs", "drivers/b.rs")] == left_out


def test_edits_count_characters_and_keep_other_bytes() -> None:
    edits = [Edit(2, 3, 2, 4, "u"), Edit(1, 1, 2, 1, ""), Edit(3, 1, 4, 1, "end\n")]

    assert b"\xff\xc3\xa4u\nend\n" == apply_edits(b"gone\n\xff\xc3\xa4a\nlast", edits)


def test_the_fixes_of_all_examples_pass_their_check() -> None:
    """No fix of a rule leaves its finding, or causes one of another rule."""
    applied = 0
    for rule in RULES:
        for example in rule.examples if rule.check_file is not None else ():
            loaded = load(example)
            if len(loaded.series.patches) == 1:
                result = fix_series(RULES, loaded.series, loaded.tree)
                assert () == result.left_out, (rule.id, example.name)
                applied += len(result.applied)
    assert applied > 30
