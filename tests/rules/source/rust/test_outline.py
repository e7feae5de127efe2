# SPDX-License-Identifier: GPL-2.0-or-later
"""Brackets, statements, items and documentation without a grammar."""

import pytest

from rules.source.rust.code import Code
from rules.source.rust.outline import Outline, documented, implemented, item_at, skip, statement_end

TEXT = """\
impl<T> Led<T> where T: Fn(u8) -> u8 {
    fn on(&self) {
        pin_init!(Self { x: f(HERE) });
        if a { THERE }
    }
}
"""


def test_what_encloses_a_place() -> None:
    outline = Outline(Code(TEXT, 1))
    here, there = TEXT.index("HERE"), TEXT.index("THERE")

    assert [outline.head(opening) for opening in outline.enclosing(there)] == [
        "if a",
        "fn on(&self)",
        "impl<T> Led<T> where T: Fn(u8) -> u8",
    ]
    assert (outline.in_macro(here), outline.in_macro(there)) == (True, False)
    assert outline.container(here) == "impl<T> Led<T> where T: Fn(u8) -> u8"
    assert outline.function(there) == (TEXT.index("{\n        pin"), TEXT.index("}\n}"))
    assert Outline(Code("x", 1)).function(0) is None


def test_brackets_that_do_not_match_are_passed_over() -> None:
    outline = Outline(Code(") fn f() { ] HERE", 1))

    assert [outline.head(opening) for opening in outline.enclosing(15)] == [") fn f()"]
    assert outline.closing(9) is None


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("let x = f({ 1; 2 }); y", (19, ";")),
        ("if a { b } else { c } d", (21, "")),
        ("match a { _ => b }.c(); d", (22, ";")),
        ("unsafe { a }?; d", (13, ";")),
        ("a(b) } c", (5, "}")),
        ("a: b, c", (4, ",")),
        ("fn f() { g(); } h", (15, "")),
        ("f(a", None),
        ("a " * 9000 + ";", None),
    ],
)
def test_statements_end(text: str, end: tuple[int, str] | None) -> None:
    assert statement_end(Code(text, 1), 0) == end


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ('pub(in crate::x) unsafe extern "C" fn f()', ("fn", "f", True)),
        ("// c\n#[a(b[0])]\n#[c]\npub struct S<T>(T);", ("struct", "S", False)),
        ("const fn f() {}", ("fn", "f", False)),
        ("const X: u8 = 1;", ("const", "X", False)),
        ("unsafe impl Send for X {}", ("impl", "", True)),
        ("let x = 1;", None),
        ("macro_rules! m {}", None),
    ],
)
def test_items(text: str, item: tuple[str, str, bool] | None) -> None:
    found = item_at(Code(text, 1), 0)

    assert (found and (found.kind, found.name, found.unsafe)) == item


def test_attributes_are_skipped_and_kept() -> None:
    text = ' #[a]\n // x\n #[b = "]"] c'

    assert skip(Code(text, 1), 0) == (text.index("c", 10), '#[a]\n#[b = "]"]')
    assert skip(Code("#[a", 1), 0) == (3, "")


def test_documentation_and_its_item() -> None:
    text = "/// One.\n// Why.\n/// # Safety\n#[x]\npub fn f() {}\n/// lost\nlet x;\n//! inner\nstruct S;\n"
    (one,) = documented(Code(text, 4))

    assert one.lines == ((4, " One."), (6, " # Safety"))
    assert one.titles == ((6, "Safety"),)
    assert (one.item.name, one.item.attributes) == ("f", "#[x]")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("impl Led", "Led"),
        ("impl<T: Fn(u8) -> Box<u8>> a::Led<T>", "Led"),
        ("unsafe impl<'a, T> Send for led::Led<'a, T> where T: Sync", "Led"),
        ("impl Drop for Led", "Led"),
        ("impl<T> Light for *mut T", "T"),
        ("impl Light for *mut bindings::led", "led"),
        ("#[vtable]\n#[a(b)]\nimpl Light for Led", "Led"),
        ("pub unsafe trait Light: Send", "Light"),
        ("mod led", None),
    ],
)
def test_whom_an_impl_is_for(head: str, name: str | None) -> None:
    assert implemented(head) == name
