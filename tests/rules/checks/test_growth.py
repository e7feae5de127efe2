# SPDX-License-Identifier: GPL-2.0-or-later
"""A check takes linear time for a file that repeats what it looks for."""

from collections.abc import Callable

import pytest

from rules.checks.bindings.bindings_in_driver import RULE
from rules.checks.style import feature_gate
from rules.lint.engine import audit
from tests.growth import assert_linear


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
