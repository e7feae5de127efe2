# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged Rust of any kind is read without an exception, in bounded time, and twice the same."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.checks.safety import missing_safety_comment, missing_safety_section
from rules.finding import Report
from rules.lint.engine import audit
from rules.source.rust.source import RustSource
from tests.growth import assert_linear

RULES = (missing_safety_comment.RULE, missing_safety_section.RULE)
SAMPLE = """\
//! Lights.
//!
//! ```
//! unsafe { light() };
//! ```
use kernel::{bindings, prelude::*};

/// # Safety
/// - `led` is valid.
#[inline]
pub(crate) unsafe fn on(led: *mut Led) -> Result<'static, u8> {
    // SAFETY: `led` is valid.
    let raw = unsafe { &mut *led };
    match raw.state {
        State::On => unsafe { bindings::led_set(raw.0, b'"', '\\'') },
        _ => {
            unsafe { bindings::led_off(raw.0) };
        }
    }
    try_pin_init!(Led { name <- unsafe { "// SAFETY: x" }, })
}

macro_rules! led {
    (unsafe { $led:ident }) => { $(unsafe impl$(<$g>)? Light for $led {})* unsafe { r#"}"# } };
}

#[cfg(test)]
unsafe impl<T> Send for Led<T> where T: Send {
    /* SAFETY: /* nested */ none */
    unsafe fn off(&self) { if x { y() } else { unsafe { z() } } }
}
"""
LINES = SAMPLE.splitlines()
PIECES = [
    "{",
    "}",
    "(",
    ")",
    "unsafe ",
    "unsafe {",
    "/*",
    "*/",
    '"',
    "'",
    "// SAFETY: a",
    "$",
    "\0",
    "\udcff",
    "#[",
    "fn ",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    lines = draw(st.one_of(st.just(LINES), st.lists(st.sampled_from(LINES), max_size=60)))
    text = "\n".join(lines[draw(st.integers(0, 9)) :])
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 40))
        text = text[:at] + draw(st.sampled_from(PIECES)) * draw(st.integers(0, 3)) + text[at + cut :]
    return text.encode("utf-8", "surrogateescape")


def check_new_file(text: bytes) -> Report:
    return audit(RULES, "rust/kernel/led.rs", text)


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_a_damaged_file_is_read(text: bytes) -> None:
    report = check_new_file(text)

    assert () == report.failures
    assert check_new_file(text) == report


@settings(max_examples=150, deadline=None)
@given(damaged(), st.integers(1, 3))
def test_a_damaged_fragment_is_read(text: bytes, first: int) -> None:
    shown = text.removesuffix(b"\n") + b"\n"
    source = RustSource(shown, first, is_complete=False)

    lines = range(first, first + shown.count(b"\n"))
    assert all(site.line in lines and site.column >= 1 for site in source.unsafe_sites)
    assert all(declaration.line in lines and declaration.column >= 1 for declaration in source.unsafe_declarations)


def nested(opening: bytes, middle: bytes, closing: bytes) -> Callable[[int], bytes]:
    return lambda size: b"fn f() {" + opening * (size // 10) + middle + closing * (size // 10)


def filled(before: bytes, unit: bytes, after: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: before + unit * (size // len(unit)) + after


HOSTILE = {
    "nested blocks": nested(b"unsafe {", b"", b"}"),
    "nested blocks without end": filled(b"fn f() {", b"unsafe {"),
    "nested calls": nested(b"f(unsafe { x }, ", b"1", b")"),
    "nested modules": nested(b"mod a {", b"unsafe impl A for B {}", b"}"),
    "one long line": filled(b"fn f() {", b"unsafe { a };", b"}"),
    "a macro of sites": filled(b"m!(", b"unsafe { a() },", b")"),
    "a long comment": filled(b"fn f() {\n", b"// foo\n", b"unsafe { a };" * 100 + b"}"),
    "closing brackets": filled(b"fn f() {\n", b"a]\n", b"unsafe { a }; }"),
    "opening brackets": filled(b"unsafe", b"([{"),
    "quotes": filled(b"", b"'"),
    "not UTF-8": filled(b"", b"\xff\xfe unsafe { \x80 }\n"),
    "NUL": filled(b"", b"\0unsafe{a}"),
    "attributes": filled(b"fn f() {\n", b"#[a(\n", b"unsafe { a }; }"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_linear_time(name: str) -> None:
    report = check_new_file(HOSTILE[name](200_000))

    assert all(failure.error.startswith("analysis limit exceeded") for failure in report.failures)
    assert_linear(HOSTILE[name], check_new_file, 30_000)
