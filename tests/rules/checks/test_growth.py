# SPDX-License-Identifier: GPL-2.0-or-later
"""A check takes linear time for a file that repeats what it looks for."""

from collections.abc import Callable

import pytest

from rules.bindings.tree import FileTree
from rules.checks.bindings.bindings_in_driver import RULE
from rules.checks.helpers import helper_unused
from rules.checks.process import maintainers_entry
from rules.checks.safety import missing_invariant_comment
from rules.checks.style import feature_gate
from rules.lint.engine import audit, run
from rules.lint.example import load
from rules.lint.rule import Example
from tests.growth import assert_linear
from tests.rules.bindings.trees import FILES, series, whole_change


def _imports(size: int) -> str:
    names = ", ".join(f"name_{number}" for number in range(size))
    return f"use kernel::bindings::{{{names}}};\n" + "fn f() { g(h(1, 2), 3); }\n" * (20 * size)


def _stop_gaps(size: int) -> str:
    return "use kernel::bindings;\n" + "".join(
        f"// TODO: replace.\nfn f{number}() {{ bindings::f(); }}\n" for number in range(size)
    )


@pytest.mark.parametrize(
    ("make", "size"),
    [
        pytest.param(_imports, 400, id="imported names"),
        pytest.param(_stop_gaps, 2_000, id="uses below a TODO comment"),
    ],
)
def test_bindings_in_driver_takes_linear_time(make: Callable[[int], str], size: int) -> None:
    def check(text: str) -> None:
        report = audit((RULE,), "drivers/led.rs", text.encode())
        assert not report.failures
        assert not report.skipped

    assert_linear(make, check, size)


def test_feature_gate_takes_linear_time() -> None:
    def make(size: int) -> str:
        return "// Stable since Rust 1.80.0.\n" + "".join(f"#![feature(a{number})]\n" for number in range(size))

    def check(text: str) -> None:
        report = audit((feature_gate.RULE,), "rust/kernel/lib.rs", text.encode())
        assert not (report.findings or report.failures or report.skipped)

    assert_linear(make, check, 1_000)


def test_helper_unused_takes_linear_time() -> None:
    path, size = "rust/helpers/lamp.c", 300

    def make(number: int) -> str:
        return FILES[path] + "".join(
            f"int rust_helper_lamp{at}(int l)\n{{\n\treturn lamp{at}(l);\n}}\n" for at in range(number)
        )

    def check(text: str) -> None:
        kernel = FileTree({path: content.encode() for path, content in FILES.items()})
        report = run((helper_unused.RULE,), series((whole_change(path, text, before=FILES[path]),)), kernel)
        assert len(report.findings) >= size
        assert not report.failures

    assert_linear(make, check, size)


@pytest.mark.parametrize(("number", "expected"), [(200, 200), (201, 0)])
def test_missing_invariant_comment_is_silent_about_a_patch_of_many_files(number: int, expected: int) -> None:
    type_ = "/// # Invariants\n+///\n+/// It is on.\n+struct Led(u8);\n"
    diff = "".join(
        f"| diff rust/kernel/a{at}.rs (new)\n"
        + "".join(f"| {line}\n" for line in f"+{type_}+fn f() {{ Led(1); }}".split("\n"))
        for at in range(number)
    )
    loaded = load(Example("many files", diff))

    assert len(run((missing_invariant_comment.RULE,), loaded.series, loaded.tree).findings) == expected


def test_bindings_in_driver_takes_linear_time_for_many_files_of_a_patch() -> None:
    def make(size: int) -> Example:
        diff = "| diff drivers/a{0}.rs\n|  use kernel::bindings;\n| -bindings::a{0}();\n| +bindings::b{0}();\n"
        return Example("many files", "".join(diff.format(number) for number in range(size)))

    def check(example: Example) -> None:
        loaded = load(example)
        assert len(run((RULE,), loaded.series, loaded.tree).findings) == example.text.count("diff")

    assert_linear(make, check, 250)


@pytest.mark.parametrize(("number", "expected"), [(200, 200), (201, 0)])
def test_maintainers_entry_compares_few_files_with_the_patterns(number: int, expected: int) -> None:
    patterns = "".join(f"F:\tdrivers/a/x*{at}.rs\n" for at in range(300))
    files = "".join(f"| diff drivers/a/y{at}.rs (new)\n| +fn f() {{}}\n" for at in range(number))
    maintainers = "".join(f"|  {line}\n" for line in f"LEDS\n{patterns}".splitlines())

    loaded = load(Example("files", f"| tree MAINTAINERS\n{maintainers}{files}"))

    assert len(run((maintainers_entry.RULE,), loaded.series, loaded.tree).findings) == expected


@pytest.mark.parametrize(("number", "expected"), [(200, 1), (201, 0)])
def test_maintainers_entry_compares_few_new_patterns_with_the_others(number: int, expected: int) -> None:
    lines = ["LEDS [RUST]", "M:\tAda <ada@example.org>", *(f"F:\trust/kernel/a{at}.rs" for at in range(number))]
    entry = "".join(f"| +{line}\n" for line in lines)

    loaded = load(Example("entry", f"| diff MAINTAINERS (whole)\n{entry}"))

    assert len(run((maintainers_entry.RULE,), loaded.series, loaded.tree).findings) == expected
