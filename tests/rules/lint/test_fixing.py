# SPDX-License-Identifier: GPL-2.0-or-later
"""The fixes of rules: what they write, and when they are left out."""

from collections.abc import Iterator

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
    old = "use kernel::{\n    prelude::*,\n};\nfn off() -> Result<()> {}\n"
    new = old.replace("    prelude::*,\n", "    error::Error, prelude::*,\n") + "fn on() -> Result<()> {}\n"

    result = fixed(new, "import-vertical-style", "result-unit", before=old)

    assert new.replace("fn on() -> Result<()>", "fn on() -> Result") == result.contents[PATH].decode()


def test_fixes_that_overlap_are_left_out_by_name() -> None:
    text = "use kernel::{error::Result, prelude::*};\nfn on() -> Result<()> {}\n"

    result = fixed(text, "import-vertical-style", "redundant-prelude-import", "result-unit")

    assert text.replace("<()>", "") == result.contents[PATH].decode()
    assert [("import-vertical-style", OVERLAPS), ("redundant-prelude-import", OVERLAPS)] == [
        (fix.rule, reason) for fix, reason in result.left_out
    ]


def _worse(file: FileView) -> Iterator[Diagnostic]:
    for line in sorted(file.touched):
        at = file.post_lines[line].find("bad")
        if at >= 0:
            yield file.report(line, "bad", fix=(Edit(line, at + 1, line, at + 1, "bad bad\n"),))


def test_a_fix_with_a_wrong_result_is_left_out() -> None:
    worse = Rule("worse", "s", Severity.NIT, Status.STABLE, "", (), (), check_file=_worse)
    good = by_id("result-unit")
    assert good is not None
    text = b"// bad\nfn on() -> Result<()> {}\n"
    series = Series("", (Patch(1, "", changes=read_changes(make_diff(PATH, None, text))),))

    result = fix_series([worse, good], series, FileTree({}))

    assert b"// bad\nfn on() -> Result {}\n" == result.contents[PATH]
    assert [("worse", FAILED_CHECK)] == [(fix.rule, reason) for fix, reason in result.left_out]


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
                assert {OVERLAPS} >= {reason for _, reason in result.left_out}, (rule.id, example.name, result.left_out)
                applied += len(result.applied)
    assert applied > 30
