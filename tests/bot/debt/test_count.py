# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.debt.count import RULES, count_file
from bot.debt.counts import Counts, FileDebt
from rules.bindings.tree import FileTree, NoTree
from rules.lint.engine import audit
from rules.source.rust.work_limit import MAX_FILE_WORK

LED = """\
use kernel::bindings;
use kernel::prelude::*;

/// An example.
///
/// ```
/// // SAFETY: TODO
/// unsafe { on() };
/// unsafe impl Send for Led {}
/// ```
pub unsafe fn on(led: *mut bindings::led_classdev) {
    // SAFETY: `led` is valid.
    unsafe { bindings::led_set(led, bindings::LED_ON) };
    unsafe { bindings::led_set(led, 2) };
}

/// Lights.
///
/// # Safety
///
/// It must light.
unsafe trait Light {}

// SAFETY: TODO
unsafe impl Send for Led {}

unsafe impl Light for Led {}
"""
LIST = """\
impl Node {
    /// # Safety
    ///
    /// The caller must ensure that:
    ///
    /// - `node` is a valid pointer to a node,
    /// - the `lock` of the list is held.
    pub unsafe fn remove(node: *mut Node) {}
}

/// # Safety
///
/// Its size must be odd.
pub unsafe trait Odd {}

// SAFETY: The size of a node is 7.
unsafe impl Odd for Node {}
"""
USER = """\
use kernel::list::Node;

fn first(node: *mut Node) {
    // SAFETY: `node` is a valid node.
    unsafe { Node::remove(node) };
    // SAFETY: `node` is valid,
    // and we hold the `lock` of the list.
    unsafe { Node::remove(node) };
    unsafe { Node::remove(node) };
    // SAFETY: Not a function of the kernel crate.
    unsafe { other::remove(node) };
}
"""


def _counts(path: str, text: str, tree: FileTree | None = None) -> Counts:
    file = count_file(path, text.encode(), tree or NoTree())
    assert file is not None
    assert not file.problem
    return file.counts


def test_unsafe_code_outside_of_documentation_tests_is_counted() -> None:
    counts = _counts("drivers/led/led.rs", LED)

    assert (2, 1, 2, 1) == (counts.blocks, counts.functions, counts.impls, counts.traits)
    assert (3, 1) == (counts.undocumented, counts.placeholders)


def test_the_names_of_c_in_drivers_are_counted_once_per_file() -> None:
    assert _counts("drivers/led/led.rs", LED).bindings == 2
    assert _counts("drivers/led/core/led.rs", LED).bindings == 0
    assert _counts("rust/kernel/led.rs", LED).bindings == 0


@pytest.mark.parametrize("path", ["drivers/led/led.rs", "rust/kernel/led.rs"])
def test_the_counts_are_those_of_an_audit(path: str) -> None:
    findings = audit(RULES, path, LED.encode()).findings
    names = [finding.rule for finding in findings if ("setting", "doctest") not in finding.facts]
    counts = _counts(path, LED)

    assert counts.undocumented == names.count("missing-safety-comment") + names.count("missing-safety-section")
    assert counts.placeholders == names.count("safety-placeholder")


def test_requirements_of_calls_and_impls_are_counted_with_those_that_comments_address() -> None:
    tree = FileTree({"rust/kernel/list.rs": LIST.encode()})

    own = _counts("rust/kernel/list.rs", LIST, tree)
    user = _counts("drivers/a.rs", USER, tree)

    assert (1, 1, 1.0) == (own.requirements, own.addressed, own.coverage)
    assert (6, 3, 0.5) == (user.requirements, user.addressed, user.coverage)


def test_without_the_other_file_nothing_is_required() -> None:
    counts = _counts("drivers/a.rs", USER)

    assert (0, 0, None) == (counts.requirements, counts.addressed, counts.coverage)


@pytest.mark.parametrize("path", ["rust/syn/lib.rs", "scripts/a.rs", "drivers/a_generated.rs"])
def test_files_that_do_not_run_in_the_kernel_are_not_counted(path: str) -> None:
    assert count_file(path, LED.encode(), NoTree()) is None


def test_a_file_beyond_the_limit_is_a_problem_and_not_zero() -> None:
    text = "fn f() { unsafe { } }\n" * (MAX_FILE_WORK + 1)

    file = count_file("rust/kernel/a.rs", text.encode(), NoTree())

    reason = "analysis limit exceeded: the file has too much unsafe code, or too much text that is not Rust"
    assert file == FileDebt("rust/kernel/a.rs", problem=reason)


def test_counts_add_and_subtract() -> None:
    one, two = Counts(1, 2, requirements=4, addressed=1), Counts(1, 3, 5)

    assert one + two == Counts(2, 5, 5, requirements=4, addressed=1)
    assert two - one == Counts(0, 1, 5, requirements=-4, addressed=-1)
