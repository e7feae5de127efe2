# SPDX-License-Identifier: GPL-2.0-or-later
"""What a finding proposes compiles: without the prelude, a bare name does not."""

import pytest

from rules.checks.style.ffi_type_path import RULE
from rules.lint.engine import audit


@pytest.mark.parametrize(
    ("above", "message"),
    [
        ("use crate::prelude::*;\n", "`c_int` is in the prelude, which is imported here."),
        ("", "Import the prelude, and write `c_int` without a path."),
    ],
)
def test_the_import_of_the_prelude_decides_what_is_proposed(above: str, message: str) -> None:
    text = f"{above}fn level() -> crate::ffi::c_int {{\n    0\n}}\n"

    (finding,) = audit((RULE,), "rust/kernel/led.rs", text.encode()).findings

    assert finding.message == message
