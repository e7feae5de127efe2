# SPDX-License-Identifier: GPL-2.0-or-later
"""Edge cases of unsafe code in which reviewers make mistakes, with the expected findings.

Damage by mail programs is tested with the parsers of mails and diffs.
"""

import pytest

from rules.lint.engine import run
from rules.lint.example import load
from rules.lint.expectations import differences
from rules.lint.rule import Example
from rules.registry import RULES

COMMENT, SECTION = "missing-safety-comment", "missing-safety-section"
DRIVER = "bindings-in-driver"

CASES = {
    ("01 the matcher of a macro and the mark of a call are no blocks", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +macro_rules! led {
          | +    (unsafe { $d:ident }) => {
          | +        Led::<$d>::NEW
          | +    };
          | +}
          | +impl_led!(unsafe { Red });
          | +impl_led! { unsafe { Red<T> } for Led<T> }
        """,
    ("02 an impl of a macro that no grammar reads", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +macro_rules! led {
          | +    ($(#[$m:meta])* impl$(<$($g:ident),*>)? for $t:ty) => {
          | +        $(#[$m])*
      ! nit | +        unsafe impl$(<$($g),*>)? Light for $t {}
          | +        // SAFETY: It lights.
          | +        $(#[$m])*
          | +        unsafe impl$(<$($g),*>)? Send for $t {}
          | +    };
          | +}
        """,
    ("03 a field of an initialiser", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +fn new() -> impl PinInit<Led> {
          | +    try_pin_init!(Led {
          | +        // SAFETY: It fills the slot.
          | +        raw <- unsafe { led_init() },
        ! | +        more <- unsafe { led_init() },
          | +        n: 1,
          | +    }? Error)
          | +}
        """,
    ("04 arms, closures, heads, else branches, updates", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +fn f(x: Option<u8>) {
          | +    match x {
        ! | +        Some(x) => unsafe { a(x) },
          | +        // SAFETY: a
          | +        None => unsafe { a(0) },
          | +    }
        ! | +    x.map(|x| unsafe { a(x) });
        ! | +    if unsafe { a(1) } {
          | +        b();
          | +    } else {
        ! | +        unsafe { a(2) }
          | +    }
        ! | +    let s = S { a: 1, ..unsafe { zeroed() } };
          | +    // SAFETY: a
          | +    let s = S {
          | +        a: 1,
          | +        ..unsafe { zeroed() }
          | +    };
          | +    // SAFETY: a
          | +    if unsafe { a(1) } {}
          | +    // SAFETY: a
          | +    x.map(|x| unsafe { a(x) });
          | +}
        """,
    ("05 a statement that rustfmt splits", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +fn f() -> Result {
          | +    // SAFETY: a
          | +    let long: Long =
          | +        unsafe { a() };
          | +    let long: Long =
        ! | +        unsafe { b() };
          | +    // SAFETY: a
          | +    Ok(unsafe {
          | +        a()
          | +    })
          | +}
        """,
    ("06 attributes between comment and block", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +fn f() {
          | +    // SAFETY: a
          | +    #[allow(unused)]
          | +    let x = unsafe { a() };
          | +    // SAFETY: a
          | +    #[expect(
          | +        unused,
          | +        reason = "a"
          | +    )]
          | +    let x = unsafe { a() };
          | +    // SAFETY: a
          | +    #[allow(unused)] // because
          | +    let x = unsafe { a() };
          | +    // SAFETY: a
          | +    #[cfg(CONFIG_LED)]
          | +    let x = unsafe { a() };
          | +    // SAFETY: a
          | +    #[expect(unused, reason = "a")]
          | +    let x = unsafe { a() };
          | +    #[cfg(CONFIG_LED)]
        ! | +    let x = unsafe { a() };
          | +}
        """,
    ("07 constants, statics, discriminants", COMMENT): """
          | diff rust/kernel/led.rs (new)
        ! | +const A: u8 = unsafe { a() };
          | +// SAFETY: a
          | +static B: u8 = unsafe { a() };
          | +// SAFETY: a
          | +static mut C: u8 =
          | +    unsafe { a() };
          | +enum E {
          | +    // SAFETY: a
          | +    A = unsafe { a() },
        ! | +    B = unsafe { a() },
          | +}
          | +impl E {
          | +    // SAFETY: a
          | +    const D: u8 = unsafe { a() };
        ! | +    const E: u8 = unsafe { a() };
          | +}
          | +fn f() {
          | +    // SAFETY: a
          | +    let x = const { unsafe { a() } };
        ! | +    let x = const { unsafe { a() } };
          | +}
        """,
    ("08 impls that share a comment, with docs, with where", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +// SAFETY: a
          | +unsafe impl Send for Led {}
        ! | +unsafe impl Sync for Led {}
          | +// SAFETY: a
          | +/// Documented.
          | +unsafe impl Light for Led {}
          | +// SAFETY: a
          | +unsafe impl<T, const N: usize> Light for Leds<T, N>
          | +where
          | +    T: Light,
          | +{
          | +}
          | +/// Documented.
        ! | +unsafe impl Dark for Led {}
        """,
    ("09 the word in comments, strings and fences", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +// unsafe { a() }
          | +/* unsafe { a() } */
          | +const S: &str = "unsafe { a() }";
          | +const R: &str = r#"unsafe { "a" }"#;
          | +/// ```ignore
          | +/// unsafe { a() };
          | +/// ```
          | +/// ```text
          | +/// unsafe { a() };
          | +/// ```
          | +/// ```
          | +/// # // SAFETY: a
          | +/// # unsafe { a() };
          | +/// # let x = 1;
      ! nit | +/// # unsafe { a() };
          | +/// ```
          | +fn f() {}
        """,
    ("09 hidden lines of examples are no headings", SECTION): """
          | diff rust/kernel/led.rs (new)
          | +/// ```
          | +/// # Safety
          | +/// # fn f() {}
          | +/// ```
        ! | +unsafe fn f() {}
        """,
    ("10 what else stands in the comment", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +fn f() {
          | +    // TODO: x
          | +    // SAFETY: a
          | +    unsafe { a() };
          | +    // SAFETY:
          | +    // - list
          | +    unsafe { a() };
          | +    // SAFETY: a
          | +    // NOTE: b
          | +    unsafe { a() };
          | +    // SAFETY: a
          | +
          | +    // Another comment.
          | +    unsafe { a() };
          | +}
        """,
    ("11 a comment that is gone, one that moves with its code", COMMENT): """
          | diff rust/kernel/led.rs (whole)
          |  fn f() {
        ! | -    // SAFETY: a
          |      unsafe { a(1) };
          | -    // SAFETY: b
          | -    unsafe { b(2) };
          |      c();
          | +    // SAFETY: b
          | +    unsafe { b(2) };
          |  }
        """,
    ("11 the same line goes and comes, re-indented", COMMENT): """
          | diff rust/kernel/led.rs (whole)
          |  fn f() {
          | -    unsafe { a(1) };
          | +    if x {
          | +        unsafe { a(1) };
          | +    }
          |  }
          | -fn g() { unsafe { b() } }
          | +fn h() { unsafe { b() } }
        """,
    ("11 a file is renamed, and split", COMMENT): """
          | diff rust/kernel/led.rs => rust/kernel/light.rs (whole)
          |  fn f() {
          |      unsafe { a(1) };
          | -    one();
          | +    two();
          |  }
          | -fn g(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | -}
          | diff rust/kernel/light/on.rs (new)
          | +fn g(led: &Led) {
          | +    unsafe { bindings::led_on(led.0) };
          | +}
        """,
    ("12 the comment is removed, the unsafe code is context", COMMENT): """
          | diff rust/kernel/led.rs
          |  fn f() {
          |      one();
   ! medium | -    // SAFETY: a
          |      unsafe { a(1) };
          |  }
        """,
    ("13 a block is extended below its comment", COMMENT): """
          | diff rust/kernel/led.rs
          |  fn f() {
          |      // SAFETY: a
          | -    unsafe { a(1) };
          | +    unsafe {
          | +        a(1);
          | +        b(1);
          | +    }
          |  }
        """,
    ("14 hunks that begin inside the comment, below the head, inside a statement", COMMENT): """
          | diff rust/kernel/led.rs
          | @@ 40 @@ fn f() {
          |      // still valid here.
          | +    unsafe { a(1) };
          | @@ 60 @@ fn f() {
          |          1,
          | +        unsafe { a(1) },
          |      );
          | @@ 80 @@ fn f() {
          |              b: 1,
          | +            a: unsafe { a(1) },
          |          };
        """,
    ("15 each patch counts for comments, and what a later one fixes", COMMENT): """
          | patch one
          | diff rust/kernel/led.rs (new)
          | +fn f() {
   ! fixed | +    unsafe { a(1) };
          | +}
          | patch two
          | diff rust/kernel/led.rs
          |  fn f() {
          | +    // SAFETY: a
          |      unsafe { a(1) };
          |  }
        """,
    ("16 vendored, generated and host code; pin-init is the project's own", COMMENT): """
          | diff rust/quote/lib.rs (new)
          | +fn f() { unsafe { a() } }
          | diff rust/zerocopy/src/lib.rs (new)
          | +fn f() { unsafe { a() } }
          | diff drivers/gpu/nova-core/gsp/fw/r570_144/bindings.rs (new)
          | +fn f() { unsafe { a() } }
          | diff scripts/gen.rs (new)
          | +fn f() { unsafe { a() } }
          | diff rust/macros/led.rs (new)
          | +fn f() { unsafe { a() } }
          | diff rust/pin-init/src/led.rs (new)
        ! | +fn f() { unsafe { a() } }
        """,
    ("17 bindings of the crate, renamed, in place, in a macro", DRIVER): """
          | diff drivers/led/a.rs (new)
          | +mod bindings;
          | +fn f() { bindings::led_on() }
          | diff drivers/led/b.rs (new)
          | +use kernel::bindings as b;
        ! | +fn f() { b::led_on() }
          | diff drivers/led/c.rs (new)
        ! | +fn f() { kernel::bindings::led_on() }
          | diff drivers/led/d.rs (new)
          | +use kernel::bindings;
          | +macro_rules! m { ($name:ident) => { bindings::$name() } }
        """,
    ("18 headings of modules, with spaces, in attributes, from files", SECTION): """
          | diff rust/kernel/led.rs (new)
          | +//! # Safety
          | +
        ! | +unsafe fn a() {}
          | +/// #  Safety
          | +unsafe fn b() {}
          | +#[doc = "# Safety"]
          | +unsafe fn c() {}
          | +#[doc = include_str!("led.md")]
          | +unsafe fn d() {}
        """,
    ("19 methods of traits, functions for C, functions in functions", SECTION): """
          | diff rust/kernel/led.rs (new)
          | +trait Light {
        ! | +    unsafe fn on();
        ! | +    unsafe fn off() {}
          | +}
          | +impl Light for Led {
          | +    unsafe fn on() {
        ! | +        unsafe fn inner() {}
          | +    }
          | +    unsafe extern "C" fn off() {}
          | +}
        ! | +unsafe extern "C" fn release() {}
          | +unsafe extern "C" {
          | +    unsafe fn led_on();
          | +}
        """,
    ("also: unsafe extern, attributes, function pointers and bodies of unsafe functions", COMMENT): """
          | diff rust/kernel/led.rs (new)
          | +unsafe extern "C" {
          | +    safe fn led_on();
          | +}
          | +#[unsafe(no_mangle)]
          | +extern "C" fn led_off() {}
          | +type On = unsafe fn(u8);
          | +/// # Safety
          | +unsafe fn on() { bindings::led_on() }
        """,
}


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_an_edge_case_gives_its_expected_findings(name: str, rule: str) -> None:
    loaded = load(Example(name, CASES[name, rule]))
    chosen = tuple(candidate for candidate in RULES if candidate.id == rule)

    report = run(chosen, loaded.series, loaded.tree)

    assert (1, ()) == (len(chosen), report.failures)
    assert () == differences(loaded.expected, rule, report.findings)
