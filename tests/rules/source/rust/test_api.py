# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Rust file defines for others, and which paths, calls and implementations it uses."""

from collections import Counter

import pytest

from rules.source.rust.api import ApiItem, Implementation, ImplementedItem, possible_names, read_api
from rules.source.rust.path_uses import PathUse
from tests.growth import assert_linear, repeated


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("pub struct A;\nstruct B {\n    c: u8,\n}\nenum D { E }\nunion F { g: u8 }\n", ["A", "B", "D", "F"]),
        ("struct A<T = u8> {\n    t: T,\n}\nfn f() {}\n", ["A", "f"]),
        ("struct A<const N: usize = { 1 }>([u8; N]);\nfn f() {}\n", ["A", "f"]),
        ("const A: B = B { c: 1 };\nstatic D: [u8; 2] = [1, 2];\ntype E = F<{ 1 }>;\nfn f() {}\n", list("ADEf")),
        ("static mut A: u8 = 0;\nstatic B: u8 = 0;\n", ["A", "B"]),
        ("static mut", [""]),
        ("pub(in crate::a) unsafe fn f() {}\nconst fn g() {}\nconst unsafe fn h() {}\n", ["f", "g", "h"]),
        ('const async fn f() {}\nconst extern "C" fn g() {}\npub safe fn h() {}\n', ["f", "g", "h"]),
        ("default fn f() {}\nunsafe auto trait A {}\nasync fn g() {}\n", ["f", "A", "g"]),
        ('extern "C" {\n    fn f();\n}\nextern crate a;\nfn g() {}\n', ["g"]),
        ("fn f() {\n    fn inner() {}\n}\n", ["f"]),
        ("fn f() where [u8; { 1 }]: A { struct B; }\nfn g<const N: usize>(a: [u8; N]);\n", ["f", "g"]),
        ("m! { struct A; }\nm!(fn f() {});\nm![];\nfn g() {}\n", ["g"]),
        ("#![allow(a)]\n#[b(fn c)]\n#[d]\nfn f() {}\n", ["f"]),
        ("use a::{fn_a, struct_b};\npub use c::d;\nfn f() {}\n", ["f"]),
        ("macro_rules! m {\n    () => { fn f() {} };\n}\nfn g() {}\n", ["g"]),
        ("mod a;\nmod b {}\n", ["a", "b"]),
        ("impl A;\nfn f() {}\n", ["f"]),
        ("fn f", []),
        ("fn f(", ["f"]),
        ("pub", []),
        ("#", []),
        ("#!", []),
        ("impl", []),
        ("impl A {", []),
        ("macro_rules!", []),
        ("#[macro_export] macro_rules!", []),
        ("use a::b;\n#[macro_export]\n#[cfg(c)]\nmacro_rules! m(() => {});\nfn f() {}\n", ["m", "f"]),
        ("pub use a", []),
        ("struct", []),
        ("struct A", ["A"]),
    ],
)
def test_the_items_of_a_file_are_read_in_order(text: str, items: list[str]) -> None:
    assert [item.name for item in read_api(text.encode()).items] == items


def test_an_item_has_its_module_owner_line_condition_and_visibility() -> None:
    text = """\
#[cfg(CONFIG_A)]
mod a {
    pub mod b {
        fn f() {}
    }
    impl<T: Into<U>, const N: usize> super::Lamp<T> where T: Light {
        pub const ON: u32 = 1;
    }
    #[inline]
    fn g() {}
}
trait T: Sized {
    type C;
}
#[a]
#[macro_export]
macro_rules! m { () => {} }
impl dyn Light { fn h() {} }
impl *mut u8 { fn i() {} }
impl *const u8 { fn j() {} }
impl () { fn k() {} }
"""

    assert read_api(text.encode()).items == (
        ApiItem("mod", "a", (), "", 2, is_conditional=True, is_default=False, is_public=False),
        ApiItem("mod", "b", ("a",), "", 3),
        ApiItem("fn", "f", ("a", "b"), "", 4, 0, is_default=True, is_public=False),
        ApiItem("const", "ON", ("a",), "Lamp", 7, is_default=True, type="u32"),
        ApiItem("fn", "g", ("a",), "", 10, 0, is_default=True, is_public=False),
        ApiItem("trait", "T", (), "", 12, is_public=False),
        ApiItem("type", "C", (), "T", 13),
        ApiItem("macro", "m", (), "", 17),
        ApiItem("fn", "h", (), "Light", 18, 0, is_default=True, is_public=False),
        ApiItem("fn", "i", (), "u8", 19, 0, is_default=True, is_public=False),
        ApiItem("fn", "j", (), "u8", 20, 0, is_default=True, is_public=False),
        ApiItem("fn", "k", (), "?", 21, 0, is_default=True, is_public=False),
    )


@pytest.mark.parametrize(
    ("signature", "parameters"),
    [
        ("fn f()", 0),
        ("fn f(a: u8)", 1),
        ("fn f(a: u8, b: u8,)", 2),
        ("fn f(a: Map<u8, u8>, (b, c): (u8, u8), d: [u8; 2], e: fn(u8, u8) -> u8)", 4),
        ("fn f<A: B<u8>, C>(a: A) -> Map<u8, u8>", 1),
        ("fn f(self)", 1),
        ("fn f(&self, a: u8)", 2),
        ("fn f(&'a mut self, a: u8, b: u8)", 3),
        ("fn f(mut self: Pin<&mut Self>)", 1),
        ("fn f(a: impl Fn(self::B) -> u8)", 1),
    ],
)
def test_a_function_has_the_number_of_its_parameters_with_self(signature: str, parameters: int) -> None:
    for end in (";", " { g(1, 2, 3) }"):
        (item,) = read_api(f"{signature}{end}\n".encode()).items

        assert (item.parameters, item.is_default) == (parameters, end != ";")


def test_only_a_function_has_parameters() -> None:
    text = "struct A(u8, u8);\nconst B: fn(u8) = f;\nmacro_rules! m { (a, b) => {} }\n"

    assert [item.parameters for item in read_api(text.encode()).items] == [None] * 2


def test_an_associated_item_may_have_a_default() -> None:
    text = (
        "trait T {\n    fn a();\n    fn b() {}\n    const C: u8;\n    const D: u8 = 1;\n"
        "    type E: F<G = u8>;\n    type H = u8;\n}\n"
    )

    assert [(item.owner, item.name) for item in read_api(text.encode()).items if item.is_default] == [
        ("T", "b"),
        ("T", "D"),
        ("T", "H"),
    ]


@pytest.mark.parametrize(
    ("text", "exports"),
    [
        ("use c::d;\npub use a::b;\n", [("b", ("a", "b"), ())]),
        ("pub use ::a::{b as c, d::*};\n", [("c", ("a", "b"), ()), ("*", ("a", "d", "*"), ())]),
        ("pub(crate) use a::b;\nuse c::d;\n", [("b", ("a", "b"), ())]),
        (
            "mod m {\n    pub use a::b;\n    use c::d;\n}\npub use e::f;\n",
            [("b", ("a", "b"), ("m",)), ("f", ("e", "f"), ())],
        ),
        ("pub struct A;\nuse a::b;\n", []),
        ("pub use a::b", []),
    ],
)
def test_a_public_use_exports_names_again(
    text: str, exports: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    assert [export[:3] for export in read_api(text.encode()).exports] == exports


def test_an_export_may_be_for_its_own_crate_alone() -> None:
    text = b"pub use a::b;\npub(crate) use a::c;\npub(super) use a::{d, e};\npub use a::f;\n"

    assert [export.is_public for export in read_api(text).exports] == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("text", "implementation"),
    [
        (
            "impl Light for Lamp {\n    type A = u8;\n    fn on(&self, a: u8) {}\n}\n",
            Implementation(
                ("Light",),
                1,
                "impl Light for Lamp {",
                (
                    ImplementedItem("A", None, 2, "type A = u8;"),
                    ImplementedItem("on", 2, 3, "fn on(&self, a: u8) {}"),
                ),
                True,
            ),
        ),
        (
            "\nunsafe impl<T: A<B>> a::Light<T> for &'b mut Lamp<T> where T: For<u8> {}\n",
            Implementation(
                ("a", "Light"),
                2,
                "unsafe impl<T: A<B>> a::Light<T> for &'b mut Lamp<T> where T: For<u8> {}",
                (),
                True,
                is_unsafe=True,
            ),
        ),
        ("#[vtable]\nimpl A for B {}\n", Implementation(("A",), 2, "impl A for B {}", (), True)),
        ("#[table]\nimpl A for B {}\n", Implementation(("A",), 2, "impl A for B {}", (), False)),
        ("impl A for B {\n    m!();\n}\n", Implementation(("A",), 1, "impl A for B {", (), False)),
        (
            "impl A for B {\n    fn f() { m!() }\n}\n",
            Implementation(("A",), 1, "impl A for B {", (ImplementedItem("f", 0, 2, "fn f() { m!() }"),), True),
        ),
        (
            "impl A for B {\n    const C: D = D { e: 1 };\n}\n",
            Implementation(
                ("A",), 1, "impl A for B {", (ImplementedItem("C", None, 2, "const C: D = D { e: 1 };"),), True
            ),
        ),
        ("use b::c as A;\nimpl A for B {}\n", Implementation(("b", "c"), 2, "impl A for B {}", (), True)),
        ("use b::c;\nimpl c::A for B {}\n", Implementation(("b", "c", "A"), 2, "impl c::A for B {}", (), True)),
        ("impl ::b::A for B {}\n", Implementation(("b", "A"), 1, "impl ::b::A for B {}", (), True)),
        (
            "mod m { impl self::A for B {} }\n",
            Implementation(("self", "A"), 1, "mod m { impl self::A for B {} }", (), True, ("m",)),
        ),
        (
            "mod m { impl super::A for B {} }\n",
            Implementation(("super", "A"), 1, "mod m { impl super::A for B {} }", (), True, ("m",)),
        ),
        ("impl self::A for B {}\n", Implementation(("self", "A"), 1, "impl self::A for B {}", (), True)),
    ],
)
def test_the_implementation_of_a_trait_has_its_path_and_items(text: str, implementation: Implementation) -> None:
    assert read_api(text.encode()).implementations == (implementation,)


@pytest.mark.parametrize(
    ("text", "alias_of"),
    [
        ("type A = B;\n", ("B",)),
        ("use x::B;\ntype A<T = u8> = B<T, C<u8>>;\n", ("x", "B")),
        ("type A<T>\n    = super::b::B<T>;\n", ("super", "b", "B")),
        ("type A = &'static B;\n", ()),
        ("type A = [B; 2];\n", ()),
        ("type A = <B as C>::D;\n", ()),
        ("type A = dyn B;\n", ()),
        ("type A = ::b::C;\n", ()),
        ("type A = b::\n", ()),
        ("type A;\n", ()),
    ],
)
def test_a_type_alias_has_the_path_of_its_type(text: str, alias_of: tuple[str, ...]) -> None:
    assert [item.alias_of for item in read_api(text.encode()).items] == [alias_of]


def test_the_items_of_a_trait_implementation_are_no_items_of_the_file() -> None:
    api = read_api(b"impl A for B { fn f() {} }\nimpl B { fn g() {} }\nfn h() {}\n")

    assert [item.name for item in api.items] == ["g", "h"]


def test_a_bound_for_all_lifetimes_is_no_trait() -> None:
    api = read_api(b"impl<T> B<T> where for<'a> T: A<'a> { fn f() {} }\n")

    assert [(item.owner, item.name) for item in api.items] == [("B", "f")]
    assert api.implementations == ()


def test_an_attribute_belongs_to_the_next_item_alone() -> None:
    api = read_api(b"#[a]\nimpl A for B {}\nimpl A for C {}\n#[cfg(x)]\nm!();\nfn f() {}\n#![cfg(x)]\nfn g() {}\n")

    assert [implementation.is_complete for implementation in api.implementations] == [False, True]
    assert [item.is_conditional for item in api.items] == [False, False]


def test_items_nested_deeper_than_the_limit_are_not_read() -> None:
    def read(depth: int) -> int:
        text = "mod m { " * depth + "impl A for B { fn f() {} }" + " }" * depth
        (implementation,) = read_api(text.encode()).implementations or [None]
        return -1 if implementation is None else len(implementation.items)

    assert [read(depth) for depth in (1, 23, 24, 25)] == [1, 1, 0, -1]


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("use a::b;\n", [PathUse(("a", "b"), 1, "use a::b;", is_import=True)]),
        ("  use ::a::b as c;\n", [PathUse(("a", "b"), 1, "use ::a::b as c;", is_import=True)]),
        ("fn f() { a::b::c(1, 2) }\n", [PathUse(("a", "b", "c"), 1, "fn f() { a::b::c(1, 2) }", 2)]),
        ("\na::m!(1, 2);\n", [PathUse(("a", "m"), 2, "a::m!(1, 2);", is_macro=True)]),
        ("type A = ::b::C;\n", []),
        ("f(a.b::<C>()); a; b();\n", []),
        ("x.b::c;\n", []),
        ("m($a::b, $c)\n", []),
        ("m($crate::b(1))\n", [PathUse(("crate", "b"), 1, "m($crate::b(1))", 1)]),
        (
            "a::B != c::D!{}\n",
            [PathUse(("a", "B"), 1, "a::B != c::D!{}"), PathUse(("c", "D"), 1, "a::B != c::D!{}", is_macro=True)],
        ),
        ("a != b; a! = b;\n", []),
        ("A::<u8, B<C>>::d(1);\n", [PathUse(("A", "d"), 1, "A::<u8, B<C>>::d(1);", 1, generics=(2, None))]),
        ("A::<x::B>::<u8>::d;\n", [PathUse(("x", "B"), 1, "A::<x::B>::<u8>::d;", generics=(None, 0))]),
        ("A::<>::d::<B>(1);\n", [PathUse(("A", "d"), 1, "A::<>::d::<B>(1);", 1, generics=(None, 1))]),
        ("A::<B; ::d", []),
        ("A::<", []),
        ("m!(1);\n", [PathUse(("m",), 1, "m!(1);", is_macro=True)]),
        ("macro_rules! m { () => {} }\nm!();\n", []),
        ("fn a::b() {}\n", []),
        ("a::b", [PathUse(("a", "b"), 1, "a::b")]),
        ("a::", []),
        ("Self::a();\n", [PathUse(("Self", "a"), 1, "Self::a();", 0)]),
        (f"a::{'b' * 300};\n", [PathUse(("a", "b" * 300), 1, f"a::{'b' * 197}", generics=(None, 0))]),
    ],
)
def test_the_paths_that_a_file_writes_are_its_uses(text: str, uses: list[PathUse]) -> None:
    assert list(read_api(text.encode()).uses) == uses


def test_an_imported_name_stands_for_its_path() -> None:
    text = "use a::{self, b, c as d};\nuse e::b;\nfn f() { b(1); d::g; a::h; self::b(); x.b(); other() }\n"

    assert [use.path for use in read_api(text.encode()).uses if not use.is_import] == [
        ("?", "b"),  # or e::b
        ("a", "c", "g"),
        ("a", "h"),
        ("self", "b"),
    ]


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ("", 0),
        (" ", 0),
        ("1", 1),
        ("1,", 1),
        ("1, (2, 3), [4, 5], g(6, 7), { 8 }", 5),
        ("\"a, b\", 'c'", 2),
        ("a >> 1, b", 2),
        ("a || b, c | D | 1, f() | g[0]", 3),
        ("|a, b| a, c", None),
        ("a, move |b, c| d", None),
        ("a, || b", None),
        ("a, async move || b", None),
        ("(|a, b| a)", None),
        ("a < b, c > (d)", None),
        ("#[cfg(x)] a", None),
        ("$a, b", None),
        ("/* a */ 1, 2", None),
        ("1, // a\n2", None),
        (", ".join(["1"] * 200), 200),
        (", ".join(["1"] * 201), None),
    ],
)
def test_the_arguments_of_a_call_are_counted_if_they_are_clear(arguments: str, count: int | None) -> None:
    (use,) = read_api(f"a::f({arguments});\n".encode()).uses

    assert use.arguments == count


def test_the_arguments_of_a_call_that_is_cut_are_not_counted() -> None:
    (use,) = read_api(b"a::f(1, 2").uses

    assert use.arguments is None


def test_what_a_file_may_define_is_declared_or_in_a_macro() -> None:
    text = b"""#[derive(A)]
pub struct B(c::D);
impl B {
    pub const fn e(&self) -> F { g!(H); i(J) }
}
k! { l, M => "n" } // o
macro_rules! p { ($q:ident) => { fn r() {} }; }
"""

    assert possible_names(text) == Counter(("derive", "A", "B", "fn", "e", "l", "M", "q", "ident", "r", "r"))


def test_calls_within_calls_take_linear_time() -> None:
    source = repeated("crate::a::b(c, ", "fn f() { ", "")

    assert_linear(source, lambda text: read_api(text.encode()), 20_000)


def test_the_variants_of_an_enum_are_read() -> None:
    enum = b"enum B<const N: usize> {\n    #[cfg(X)]\n    C(D, E),\n    F { g: [u8; 2] },\n    H = 1 << 2\n}\n"
    text = b"mod a {\n" + enum + b"}\nenum I {}\n"

    variants = read_api(text).variants

    assert [(item.owner, item.module, item.name, item.line, item.is_conditional) for item in variants] == [
        ("B", ("a",), "C", 4, True),
        ("B", ("a",), "F", 5, False),
        ("B", ("a",), "H", 6, False),
    ]


@pytest.mark.parametrize(
    ("head", "generics"),
    [
        ("struct A", (0, 0)),
        ("struct A<'a: 'b, 'b>", (0, 0)),
        ("trait A<'a, T: B<C = u8>, const N: usize>", (2, 2)),
        ("trait A<T, U = Self, const N: usize = { 1 > 0 }>", (1, 3)),
        ("enum A<T: Fn(u8) -> u8, U = B<u8>>", (1, 2)),
        ("fn f<'a, T, F: Fn(u8, u8) -> T>(a: T, b: F)", (2, 2)),
        ("fn f(a: impl B<u8>)", (0, 0)),
    ],
)
def test_an_item_has_the_number_of_its_generic_arguments(head: str, generics: tuple[int, int]) -> None:
    (item,) = read_api(f"{head} {{}}\n".encode()).items

    assert item.generics == generics
    assert item.parameters == (2 if "b: F" in head else 1 if "impl" in head else None)


def test_generics_that_are_not_closed_are_not_counted() -> None:
    texts = ("struct A<B", "struct A<", "trait A<B: C { fn f() {} }")

    assert [read_api(text.encode()).items[0].generics for text in texts] == [(0, 0)] * 3


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("let b: a::A<'_, u8, B<C, D>> = c;", 2),
        ("let b: a::A = c;", 0),
        ("fn f() -> a::A {}", 0),
        ("a::A::<u8, _>(1);", 2),
        ("a::A::<'static>(1);", None),
        ("a::A(1);", None),
        ("a::A { b: 1 };", None),
        ("a::A<B = u8, C>;", 1),
        ("a::A<{ N }, 3>;", 2),
        ("a::A::<B", None),
    ],
)
def test_the_generic_arguments_of_a_path_are_counted(code: str, count: int | None) -> None:
    (use,) = [use for use in read_api(code.encode()).uses if use.path == ("a", "A")]

    assert (use.generics or (None,))[-1] == count


@pytest.mark.parametrize(
    ("code", "in_unsafe", "in_macro"),
    [
        ("unsafe { a::b(1) }", True, False),
        ("unsafe { f() }; a::b(1)", False, False),
        ("unsafe fn f(c: u8) { g({ a::b(1) }) }", True, False),
        ("unsafe fn f();\nfn g() { a::b(1) }", False, False),
        ('unsafe extern "C" fn f() { a::b(1) }', True, False),
        ("unsafe impl F for G { fn f() { a::b(1) } }", False, False),
        ("unsafe { fn f() {} } a::b(1)", False, False),
        ("c!(a::b(1))", False, True),
        ("c!{ d!(e); a::b(1) }", False, True),
        ("macro_rules! c { () => { a::b(1) } }", False, True),
        ("#![c(a::b(1))]", False, True),
        ("#[c] fn f() { a::b(1) }", False, False),
        ("if !c { a::b(1) }", False, False),
        ("c!(d); if e != f { a::b(1) }", False, False),
    ],
)
def test_a_use_may_be_in_unsafe_code_or_a_macro(code: str, in_unsafe: bool, in_macro: bool) -> None:
    (use,) = [use for use in read_api(code.encode()).uses if use.path == ("a", "b")]

    assert (use.is_in_unsafe, use.is_in_macro) == (in_unsafe, in_macro)


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("let c = a::b { d: 1, e, f: g { h } };", ("d", "e", "f")),
        ("let a::b { d, .. } = c;", ("d", "..")),
        ("f(&mut a::b { d: 1, ..e(f) })", ("d", "..")),
        ("c => a::b {},", ()),
        ("let c = a::b::<u8> { d: 1 };", None),
        ("fn f() -> &a::b { d }", None),
        ("impl a::b { d }", None),
        ("let c = a::b { #[cfg(x)] d: 1 };", None),
        ("let a::b { ref d } = c;", None),
        ("if c == a::b { d() }", None),
        ("a::b", None),
    ],
)
def test_a_literal_or_pattern_names_fields(code: str, fields: tuple[str, ...] | None) -> None:
    (use,) = [use for use in read_api(code.encode()).uses if use.path == ("a", "b")]

    assert use.fields == fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("struct A { b: u8, pub c: B<u8, u8>, pub(crate) d: fn(u8, u8) -> u8 }", ("b", "c", "d")),
        ("struct A<T> where T: B { #[doc(hidden)] b: [u8; { 1 }], }", ("b",)),
        ("struct A { #[cfg(X)] b: u8, c: u8 }", None),
        ("struct A {}", ()),
        ("struct A(u8, u8);", None),
        ("union A { b: u8 }", None),
    ],
)
def test_a_struct_has_the_names_of_its_fields(text: str, fields: tuple[str, ...] | None) -> None:
    assert [item.fields for item in read_api(text.encode()).items] == [fields]


def test_nested_generics_literals_and_regions_take_linear_time() -> None:
    for unit in ("a::b<", "f(a::b { c: ", "unsafe { a::b(", "c!{", "struct A<B: ", "struct A { b: C<", "unsafe fn "):
        assert_linear(repeated(unit, "fn f() { "), lambda text: read_api(text.encode()), 20_000)


def test_a_match_may_end_with_the_text() -> None:
    for text in ("fn f() { match a { B::C => {", "match a { B::C =>", "match a { B::C", "match a {", "match"):
        assert not any(use.arms for use in read_api(text.encode()).uses if use.path != ("B", "C"))
