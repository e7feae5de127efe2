# SPDX-License-Identifier: GPL-2.0-or-later
"""What the finding about a macro says it needs."""

import pytest

from rules.bindings.tree import FileTree
from rules.checks.bindings.binding_without_provider import RULE
from rules.lint.engine import run_rules, view
from tests.rules.bindings.trees import series, whole_change

BEFORE = "use crate::bindings;\n"


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ("((__force lamp_t)3)", "a `RUST_CONST_HELPER_*`"),
        ("LAMP_BIT(LEVEL)", "a `RUST_CONST_HELPER_*`"),
        ("(64 - sizeof(struct lamp))", "a `RUST_CONST_HELPER_*`"),
        ("((struct lamp *)16)", "a helper"),
        ("((unsigned long)&first_lamp)", "a helper"),
        ("lamp_of(0)", "a helper"),
    ],
)
def test_only_a_constant_is_advised_to_have_a_const_helper(body: str, needed: str) -> None:
    files = {
        "rust/bindings/bindings_helper.h": "#include <linux/lamp.h>\n",
        "rust/kernel/lamp.rs": BEFORE,
        "include/linux/lamp.h": f"#define LAMP {body}\n",
    }
    tree = FileTree({path: text.encode() for path, text in files.items()})
    use = series((whole_change("rust/kernel/lamp.rs", BEFORE + "use bindings::LAMP;\n", before=BEFORE),))
    findings = run_rules((RULE,), view(use, tree)).findings
    assert [finding.message.endswith(f": it needs {needed}.") for finding in findings] == [True]
