# SPDX-License-Identifier: GPL-2.0-or-later
"""The exact text of the binding-change finding."""

from rules.checks.bindings.binding_change import RULE
from rules.diff.patch import FileChange, Hunk, Line
from rules.lint.engine import run
from tests.rules.bindings.trees import FILES, edited, series, tree, whole_change

NAMES = tuple(f"lamp_{word}" for word in ("amber", "blue", "cyan", "dim", "ember", "fog", "green", "hue"))


def _messages(*changes: FileChange) -> str:
    report = run((RULE,), series(changes), tree())
    assert not report.failures
    return " ".join(finding.message for finding in report.findings)


def _new(path: str, text: str) -> FileChange:
    assert path not in FILES
    return whole_change(path, text)


def _helper(name: str) -> str:
    return f"__rust_helper int rust_helper_{name}(void)\n{{\n\treturn {name}();\n}}\n"


def test_helpers_are_in_the_order_of_their_files() -> None:
    messages = _messages(*(_new(f"rust/helpers/{name}.c", _helper(name)) for name in reversed(NAMES)))

    assert f"C/Rust interface changes: helpers added: {', '.join(f'`{name}`' for name in NAMES)}." == messages


def test_a_helper_in_the_context_of_a_hunk_is_not_added() -> None:
    texts = ((" ", "unknown"), ("+", "lamp_fresh"))
    lines: list[Line] = []
    for sign, name in texts:
        for text in _helper(name).splitlines():
            after = 500 + len(lines)
            lines.append(Line(text, after if sign == " " else None, after))
    hunk = Hunk.of(500, 4, 500, 8, "", tuple(lines))
    change = FileChange("rust/helpers/lamp.c", "rust/helpers/lamp.c", (hunk,), blob_before="1" * 12)

    assert "C/Rust interface changes: helpers added: `lamp_fresh`." == _messages(change)


def test_a_header_in_the_context_of_a_hunk_is_not_added() -> None:
    path = "rust/bindings/bindings_helper.h"
    lines = (Line("#include <linux/unknown.h>", 500, 500), Line("#include <linux/fresh.h>", None, 501))
    change = FileChange(path, path, (Hunk.of(500, 1, 500, 2, "", lines),), blob_before="1" * 12)

    assert "C/Rust interface changes: headers added: `<linux/fresh.h>`." == _messages(change)


def test_arguments_of_macros_and_names_of_bindgen_are_not_c_names() -> None:
    text = """use crate::bindings;
macro_rules! call {
    ($(#[$attr:meta])* $name:ident) => { $(#[$attr])* fn f() { unsafe { bindings::$name() }; } };
}
call!(#[cfg(CONFIG_64BIT)] lamp_off);
fn tail(tail: &bindings::__IncompleteArrayField<u8>, lamp: &bindings::colour) {}
"""

    assert "C/Rust interface changes: C names newly used: `colour`, `lamp_off`." == _messages(
        _new("rust/kernel/more.rs", text)
    )


def test_a_name_without_its_last_user_is_no_longer_used() -> None:
    path = "rust/kernel/gated.rs"

    assert "C/Rust interface changes: C names no longer used: `light`." == _messages(
        whole_change(path, edited(path, "    unsafe { bindings::light() }\n", ""))
    )


def test_an_item_that_moves_to_another_file_is_neither_added_nor_removed() -> None:
    base = {
        "rust/kernel/a.rs": "pub fn on() {}\npub fn off() {}\npub fn dim() {}\n",
        "rust/kernel/b.rs": "pub fn dim() {}\n",
    }
    texts = {
        "rust/kernel/a.rs": "pub fn dim() {}\n",
        "rust/kernel/b.rs": "pub fn dim() {}\npub unsafe fn on() {}\npub fn blink() {}\n",
    }
    changes = tuple(whole_change(path, text, before=base[path]) for path, text in texts.items())

    (finding,) = run((RULE,), series(changes), tree(**base)).findings
    assert finding.message == (
        "C/Rust interface changes: public items added: `blink`; public items removed: `off`; "
        "public items moved to another file: `on`; public items changed: `on (unsafe now)`."
    )
