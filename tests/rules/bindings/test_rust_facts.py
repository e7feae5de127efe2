# SPDX-License-Identifier: GPL-2.0-or-later
"""What Rust files use of C."""

import pytest

from rules.bindings.rust_facts import rust_facts


def _names(path: str, text: str) -> list[str]:
    return [use.name for use in rust_facts(path, text.encode()).uses]


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("rust/kernel/a.rs", "fn f() { unsafe { bindings::on() } }", ["on"]),
        ("rust/kernel/a.rs", "use crate::bindings;\nconst A: u32 = bindings::A;", ["A"]),
        ("rust/kernel/a.rs", "const A: u32 = crate::bindings::state_ON;", ["state_ON"]),
        ("drivers/a.rs", "use kernel::{bindings, prelude::*};\nfn f() { bindings::on() }", ["on"]),
        ("drivers/a.rs", "use kernel::bindings as b;\nfn f() { b::on() }", ["on"]),
        (
            "drivers/a.rs",
            "use kernel::bindings::{lamp, self};\nstruct L(*mut lamp);\nfn f() { bindings::on() }",
            ["lamp", "lamp", "on"],
        ),
        ("drivers/a.rs", "fn f() { kernel::bindings::on() }", ["on"]),
        ("drivers/a.rs", "mod bindings;\nfn f() { bindings::on() }", []),
        ("drivers/a.rs", "use fw as bindings;\nfn f() { bindings::on() + crate::bindings::off() }", []),
        ("drivers/a.rs", '// bindings::on()\nconst S: &str = "kernel::bindings::on";\n/* kernel::bindings::a */', []),
        ("rust/kernel/a.rs", "fn f() -> r { bindings::r::ON }", ["r", "r_ON"]),
        ("rust/kernel/a.rs", "macro_rules! m { ($n:ident) => { $crate::bindings::$n }; }\nm!(one);", ["one"]),
        ("rust/kernel/a.rs", '#[export]\npub extern "C" fn called(a: i32) {}', ["called"]),
    ],
)
def test_names_are_resolved_to_the_kernels_bindings(path: str, text: str, names: list[str]) -> None:
    assert names == _names(path, text)


def test_a_use_knows_its_place_and_the_cfgs_around_it() -> None:
    text = """use crate::bindings;

#[cfg(CONFIG_LAMP)]
impl Lamp {
    fn on(&self) {
        // SAFETY: It is there.
        unsafe { bindings::lamp_on(self.0) };
    }
}

fn off() {
    unsafe { bindings::lamp_off() };
}
"""

    on, off = rust_facts("rust/kernel/lamp.rs", text.encode()).uses

    assert ("lamp_on", 7, 28, ("CONFIG_LAMP",)) == (on.name, on.line, on.column, on.gates)
    assert "unsafe { bindings::lamp_on(self.0) };" == on.text
    assert () == off.gates


def test_modules_under_a_cfg_are_kept() -> None:
    text = b"#![cfg(CONFIG_LIGHT)]\n#[cfg(CONFIG_LAMP)]\npub mod lamp;\npub mod light;\n"

    assert (("", "CONFIG_LIGHT"), ("lamp", "CONFIG_LAMP")) == rust_facts("rust/kernel/lib.rs", text).modules


@pytest.mark.parametrize(
    ("code", "accesses"),
    [
        ("fn f(p: *mut bindings::lamp) { unsafe { (*p).level } }", [("lamp", ("level",))]),
        ("fn f(p: *mut bindings::lamp) { unsafe { (*p).colour.red = 3 } }", [("lamp", ("colour", "red"))]),
        ("fn f(p: *mut bindings::lamp) { unsafe { (*p).name.cast::<u8>() } }", [("lamp", ("name",))]),
        ("const L: bindings::lamp = bindings::lamp { level: 1, ..ZERO };", [("lamp", ("level",))]),
        (
            "const L: bindings::lamp = bindings::lamp { level, name: 2 };",
            [("lamp", ("level",)), ("lamp", ("name",)), ("lamp", ("{}",))],
        ),
        ("const O: usize = offset_of!(bindings::lamp, colour.red);", [("lamp", ("colour", "red"))]),
        ("fn f(p: *mut c_void) { container_of!(p, bindings::lamp, node) }", [("lamp", ("node",))]),
        (
            "struct L(Opaque<bindings::lamp>);\nimpl L { fn f(&self) { unsafe { (*self.0.get()).level } } }",
            [("lamp", ("level",))],
        ),
        (
            "impl L { fn raw(&self) -> *mut bindings::lamp {} fn f(&self) { unsafe { (*self.raw()).level } } }",
            [("lamp", ("level",))],
        ),
        (
            "impl L { fn lent(&self) -> &bindings::lamp {} fn f(&self) -> u32 { self.lent().level } }",
            [("lamp", ("level",))],
        ),
        ("impl L { fn raw(&self) -> *mut bindings::lamp {} fn f(&self) -> u32 { self.raw().level } }", []),
        ("fn f() { let p = unsafe { bindings::lamp_get() }; unsafe { (*p).level } }", [("lamp_get()", ("level",))]),
        ("fn f(l: bindings::lamp) { l.level }", [("lamp", ("level",))]),
        ("fn f(q: *mut Other, p: bindings::lamp) { unsafe { (*q).level } }", [("", ("level",))]),
        ("fn f(p: *mut bindings::lamp) -> bindings::lamp { q.method() }", []),
        (
            "type Raw = bindings::lamp;\nfn f(p: &Opaque<Self::Raw>) { unsafe { (*p.get()).level } }",
            [("lamp", ("level",))],
        ),
        (
            (
                "impl A for X { type Raw = bindings::lamp; }\nimpl A for Y { type Raw = bindings::colour; }\n"
                "fn f(p: &Opaque<Self::Raw>) { unsafe { (*p.get()).level } }"
            ),
            [("", ("level",))],
        ),
        (
            "struct L(Opaque<bindings::lamp>);\nimpl L { fn f(&self) { let p = self.0.get(); unsafe { (*p).level } } }",
            [("lamp", ("level",))],
        ),
        (
            (
                "struct L(Opaque<bindings::lamp>);\n"
                "impl L { fn f(&self) { let p = other(self.0.get()); unsafe { (*p).level } } }"
            ),
            [("", ("level",))],
        ),
        (
            "fn f() { let b = KBox::new(Opaque::<bindings::lamp>::zeroed())?; let p = b.get(); unsafe { (*p).level } }",
            [("lamp", ("level",))],
        ),
        (
            "fn f(p: *mut bindings::lamp) { unsafe { (*(*p).colour).red } }",
            [("lamp", ("colour",)), ("lamp", ("colour", "red"))],
        ),
        (
            "struct L { op: &bindings::lamp }\nimpl L { fn f(&self) { unsafe { (*self.op.colour).red } } }",
            [("lamp", ("colour",)), ("lamp", ("colour", "red"))],
        ),
        ("fn f(mut l: bindings::lamp) { l.set_dim(1); }", [("lamp", ("dim", "()"))]),
        ("fn f(p: *mut bindings::lamp) { unsafe { (*p).dim() } }", [("lamp", ("dim", "()"))]),
        ("fn f(p: *mut bindings::lamp) { q.set_dim(1); unsafe { (*q).dim() } }", []),
    ],
)
def test_fields_are_found_with_their_struct_where_the_text_tells(
    code: str, accesses: list[tuple[str, tuple[str, ...]]]
) -> None:
    struct_accesses = rust_facts("rust/kernel/lamp.rs", code.encode()).accesses

    assert accesses == [(access.struct, access.chain) for access in struct_accesses]


@pytest.mark.parametrize(
    "text",
    [
        "bindings::",
        "bindings::a; let p = p.get(); (*p).b",
        "bindings::a; " + "(*(*" * 2000 + "p).b).c" * 2000,
        "use bindings::{",
        "use kernel::bindings::{a, {b",
        "bindings::a {",
        'r#"',
        "(*",
        ")." * 50,
    ],
)
def test_torn_text_is_read_without_a_fuss(text: str) -> None:
    assert rust_facts("rust/kernel/a.rs", b"bindings " + text.encode()).modules == ()


def test_the_uses_on_one_line_share_its_text() -> None:
    uses = rust_facts("rust/kernel/lamp.rs", b"    " + b"bindings::lamp(1); " * 9).uses

    assert len({id(use.text) for use in uses}) == 1 < len(uses)
