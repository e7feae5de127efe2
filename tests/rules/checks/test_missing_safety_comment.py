# SPDX-License-Identifier: GPL-2.0-or-later
"""A comment after the code of a line belongs to the unsafe code of that line, also if Clippy gives it to the next."""

import pytest

from rules.checks.safety.missing_safety_comment import RULE
from rules.lint.engine import audit

_COMMENTED = "    unsafe { a() }; // SAFETY: `a` may be called.\n"


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        pytest.param(_COMMENTED * 3, [], id="one after each line"),
        pytest.param(f"{_COMMENTED}    unsafe {{ b() }};\n", [], id="one for two lines"),
        pytest.param(f"{_COMMENTED}    let b = f(\n        unsafe {{ b() }},\n    );\n", [], id="a statement below"),
        pytest.param("    unsafe { a() }; unsafe { /* SAFETY: Fine. */ b() };\n", [2], id="one in the next block"),
        pytest.param(
            "    unsafe { a() }; unsafe { // SAFETY: Fine.\n        b()\n    };\n", [2], id="one in a long block"
        ),
    ],
)
def test_a_comment_after_the_code(body: str, lines: list[int]) -> None:
    report = audit((RULE,), "rust/kernel/led.rs", f"fn f() {{\n{body}}}\n".encode())

    assert lines == [finding.anchor.line for finding in report.findings]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (f"a::b::C::<{'d::' * 15}E>::get_device(p)", "why `a::b::C::get_device()` may be called here"),
        (f"a::{'b' * 60}(p)", "why this is sound"),
        (f"*{'b' * 60}", "why this is sound"),
    ],
)
def test_a_name_is_never_cut(code: str, reason: str) -> None:
    """A part of a name is the name of something else."""
    text = f"fn f() {{\n    let a = unsafe {{ {code} }};\n}}\n"
    (finding,) = audit((RULE,), "rust/kernel/a.rs", text.encode()).findings

    assert f"This `unsafe` block has no `// SAFETY:` comment. It should say {reason}." == finding.message
