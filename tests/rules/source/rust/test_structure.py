# SPDX-License-Identifier: GPL-2.0-or-later
"""Brackets, statements, items and documentation without a grammar."""

import pytest

from rules.source.rust.source import RustSource
from rules.source.rust.structure import implemented_type, split_items

TEXT = """\
impl<T> Led<T> where T: Fn(u8) -> u8 {
    fn on(&self) {
        pin_init!(Self { x: f(HERE) });
        if a { THERE }
    }
}
"""


def test_what_encloses_a_place() -> None:
    structure = RustSource(TEXT).structure
    here, there = TEXT.index("HERE"), TEXT.index("THERE")

    assert [structure.head(opening) for opening in structure.enclosing(there)] == [
        "if a",
        "fn on(&self)",
        "impl<T> Led<T> where T: Fn(u8) -> u8",
    ]
    assert (list(structure.macros(here)), list(structure.macros(there))) == (["pin_init!"], [])
    assert structure.container(here) == "impl<T> Led<T> where T: Fn(u8) -> u8"
    assert (structure.self_type(here), structure.self_type(0)) == ("Led", None)
    assert structure.function(there) == (TEXT.index("{\n        pin"), TEXT.index("}\n}"))
    assert RustSource("x").structure.function(0) is None


def test_brackets_that_do_not_match_are_passed_over() -> None:
    structure = RustSource(") fn f() { ] HERE").structure

    assert [structure.head(opening) for opening in structure.enclosing(15)] == [") fn f()"]
    assert structure.closing(9) is None


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
        ("let a: B<C, D> = e; f", (18, ";")),
        ("let a = |b: C<D, E>, f| f; g", (25, ";")),
        ("a = b::<C, D<E, F>>(g); h", (22, ";")),
        ("for a in b::<C, D>() { e } f", (26, "")),
        ("a < b, c > d", (5, ",")),
        ("a::<[B; 2], C>(), d", (10, ",")),
        ("type A<B, C> = unsafe fn(B, C); d", (30, ";")),
        ("fn f() -> A<{ B }, C> { g } h", (27, "")),
        ("impl A for B<{ C }> {} d", (22, "")),
        ("if a { b }, c", (10, "")),
        ("f(a", None),
        ("a " * 9000 + ";", None),
    ],
)
def test_statements_end(text: str, end: tuple[int, str] | None) -> None:
    assert RustSource(text).structure.statement_end(0) == end


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ('pub(in crate::x) unsafe extern "C" fn f()', ("fn", "f", True, False)),
        ("// c\n#[a(b[0])]\n#[c]\npub struct S<T>(T);", ("struct", "S", False, True)),
        ("const fn f() {}", ("fn", "f", False, False)),
        ("const X: u8 = 1;", ("const", "X", False, False)),
        ("unsafe impl Send for X {}", ("impl", "", True, False)),
        ("let x = 1;", None),
        ("macro_rules! m {}", None),
    ],
)
def test_heads_of_items(text: str, item: tuple[str, str, bool, bool] | None) -> None:
    heads = [entry.head for entry in RustSource(f"/// # A\n{text}").documented_items]

    assert [(head.kind, head.name, head.is_unsafe, head.is_public) for head in heads] == ([item] if item else [])


def test_items_of_macros_and_functions_are_items() -> None:
    text = (
        "m! {\n    pub struct A;\n}\nfn f() {\n    const B: u8 = 1;\n}\nimpl T for A {\n    type C = u8;\n}\nmod d {}\n"
    )
    source = RustSource(text)

    assert [(item.qualified_name, item.line) for item in source.items] == [("A", 2), ("f", 4), ("B", 5), ("A::C", 8)]
    assert [item.name for item in source.public_api] == ["A"]


def test_attributes_are_skipped_and_kept() -> None:
    text = ' #[a]\n // x\n #[b = "]"] c'

    assert RustSource(text).structure.skip_attributes(0) == (text.index("c", 10), '#[a]\n#[b = "]"]')
    assert RustSource("#[a").structure.skip_attributes(0) == (3, "")


def test_documentation_and_its_item() -> None:
    text = "/// One.\n// Why.\n/// # Safety\n#[x]\npub fn f() {}\n/// lost\nlet x;\n//! inner\nstruct S;\n"
    (item,) = RustSource(text, 4).documented_items

    assert item.docs.lines == ((4, " One."), (6, " # Safety"))
    assert item.docs.headings == ((6, "Safety"),)
    assert item.head.name == "f"


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
    assert implemented_type(head) == name


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("use a;\nfn b() {\n}\n\nfn c() {\n}\n", ["use a;\nfn b() {\n}\n", "\nfn c() {\n}\n"]),
        (
            "mod a {\nfn b() {\n}\nfn c() {\n}\n}\nfn d() {}\n",
            ["mod a {\nfn b() {\n}\nfn c() {\n}\n}\n", "fn d() {}\n"],
        ),
        ("a!(b {\n}\n);\nc!({\n})\n", ["a!(b {\n}\n);\nc!({\n})\n"]),
        ("fn a() {\n}\n}\nmod b {\nfn c() {\n}\n", ["fn a() {\n}\n", "}\nmod b {\nfn c() {\n}\n"]),
        ("fn a() {}", ["fn a() {}"]),
        ("\n}\n", ["\n}\n"]),
        ("", []),
    ],
)
def test_items_end_where_no_bracket_is_open(code: str, parts: list[str]) -> None:
    assert [code[start:end] for start, end in split_items(code) if end > start] == parts
