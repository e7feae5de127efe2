# SPDX-License-Identifier: GPL-2.0-or-later
"""What the statement on the border says, word by word."""

from rules.checks.bindings.binding_change import RULE
from rules.diff.patch import FileChange, Hunk, Line
from rules.lint.engine import run
from tests.rules.bindings.trees import FILES, edited, series, tree, whole_change

NAMES = tuple(f"lamp_{word}" for word in ("amber", "blue", "cyan", "dim", "ember", "fog", "green", "hue"))


def _said(*changes: FileChange) -> str:
    report = run((RULE,), series(changes), tree())
    assert not report.failures
    return " ".join(one.message for one in report.findings)


def _new(path: str, text: str) -> FileChange:
    assert path not in FILES
    return whole_change(path, text)


def _helper(name: str) -> str:
    return f"__rust_helper int rust_helper_{name}(void)\n{{\n\treturn {name}();\n}}\n"


def test_the_order_of_helpers_is_that_of_their_files() -> None:
    said = _said(*(_new(f"rust/helpers/{name}.c", _helper(name)) for name in reversed(NAMES)))

    assert f"On the border to C: helpers added: {', '.join(f'`{name}`' for name in NAMES)}." == said


def test_a_helper_that_stands_beside_the_change_is_not_added() -> None:
    texts = ((" ", "unknown"), ("+", "lamp_fresh"))
    lines: list[Line] = []
    for sign, name in texts:
        for text in _helper(name).splitlines():
            after = 500 + len(lines)
            lines.append(Line(text, after if sign == " " else None, after))
    hunk = Hunk(500, 4, 500, 8, "", tuple(lines))
    change = FileChange("rust/helpers/lamp.c", "rust/helpers/lamp.c", (hunk,), blob_before="1" * 12)

    assert "On the border to C: helpers added: `lamp_fresh`." == _said(change)


def test_a_word_that_a_macro_is_given_is_no_c_name_nor_is_bindgens_own() -> None:
    text = """use crate::bindings;
macro_rules! call {
    ($(#[$attr:meta])* $name:ident) => { $(#[$attr])* fn f() { unsafe { bindings::$name() }; } };
}
call!(#[cfg(CONFIG_64BIT)] lamp_off);
fn tail(tail: &bindings::__IncompleteArrayField<u8>, lamp: &bindings::colour) {}
"""

    assert "On the border to C: C names used first: `colour`, `lamp_off`." == _said(_new("rust/kernel/more.rs", text))


def test_a_name_that_the_last_user_drops_is_no_longer_used() -> None:
    path = "rust/kernel/gated.rs"

    assert "On the border to C: no longer used: `light`." == _said(
        whole_change(path, edited(path, "    unsafe { bindings::light() }\n", ""))
    )
