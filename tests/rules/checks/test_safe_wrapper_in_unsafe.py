# SPDX-License-Identifier: GPL-2.0-or-later
"""What the finding says about the conditions that `to_result` replaces."""

import pytest

from rules.checks.safety.safe_wrapper_in_unsafe import RULE
from rules.lint.engine import audit


@pytest.mark.parametrize(
    ("condition", "is_exact"),
    [
        ("if ret < 0 { Err(Error::from_errno(ret)) } else { Ok(()) }", True),
        ("if ret >= 0 { Ok(()) } else { Err(Error::from_errno(ret)) }", True),
        ("if ret != 0 { Err(Error::from_errno(ret)) } else { Ok(()) }", False),
        ("if ret == 0 { Ok(()) } else { Err(Error::from_errno(ret)) }", False),
    ],
)
def test_a_positive_result_is_an_error_only_to_a_comparison_with_zero(condition: str, is_exact: bool) -> None:
    code = f"fn f() -> Result {{\n    // SAFETY: Fine.\n    let ret = unsafe {{ a() }};\n    {condition}\n}}\n"

    (finding,) = audit((RULE,), "rust/kernel/led.rs", code.encode()).findings

    assert finding.message.startswith("`to_result(unsafe { .. })` does the same as this `if`")
    assert is_exact is finding.message.endswith("this `if`.")
