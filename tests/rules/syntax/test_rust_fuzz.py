# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged Rust of any kind is read without an exception, in bounded time, and twice the same."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.checks.safety import missing_safety_comment, missing_safety_section
from rules.engine import audit
from rules.finding import Report
from rules.image import Fragment, Image
from rules.syntax.rust import parse

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


def judged(text: bytes) -> Report:
    return audit(RULES, "rust/kernel/led.rs", text)


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_a_damaged_file_is_read(text: bytes) -> None:
    report = judged(text)

    assert () == report.failures
    assert judged(text) == report


@settings(max_examples=150, deadline=None)
@given(damaged(), st.integers(1, 3))
def test_a_damaged_fragment_is_read(text: bytes, first: int) -> None:
    shown = text.removesuffix(b"\n") + b"\n"
    source = parse(Image("a.rs", "post", (Fragment(first, shown),), complete=False, touched=frozenset()))

    lines = range(first, first + shown.count(b"\n"))
    assert all(site.line in lines and site.column >= 1 for site in source.sites)
    assert all(one.line in lines and one.column >= 1 for one in source.declarations)


MEGABYTE = 1_000_000
HOSTILE = {
    "nested blocks": b"fn f() {" + b"unsafe {" * 10_000 + b"}" * 10_000 + b"}",
    "nested blocks without end": b"fn f() {" + b"unsafe {" * 10_000,
    "nested calls": b"fn f() {" + b"f(unsafe { x }, " * 10_000 + b"1" + b")" * 10_000 + b"}",
    "nested modules": b"mod a {" * 10_000 + b"unsafe impl A for B {}" + b"}" * 10_000,
    "one long line": b"fn f() {" + b"unsafe { a };" * (MEGABYTE // 13) + b"}",
    "a macro of sites": b"m!(" + b"unsafe { a() }," * (MEGABYTE // 15) + b")",
    "a megabyte of comment": b"fn f() {\n" + b"// foo\n" * (MEGABYTE // 7) + b"unsafe { a };" * 100 + b"}",
    "closing brackets": b"fn f() {\n" + b"a]\n" * (MEGABYTE // 3) + b"unsafe { a }; }",
    "opening brackets": b"unsafe" + b"([{" * (MEGABYTE // 3),
    "quotes": b"'" * MEGABYTE,
    "not UTF-8": b"\xff\xfe unsafe { \x80 }\n" * (MEGABYTE // 18),
    "NUL": b"\0unsafe{a}" * (MEGABYTE // 10),
    "attributes": b"fn f() {\n" + b"#[a(\n" * (MEGABYTE // 5) + b"unsafe { a }; }",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_bounded_time(name: str) -> None:
    started = time.process_time()
    report = judged(HOSTILE[name])
    spent = time.process_time() - started

    assert all(one.error.startswith("too much to judge") for one in report.failures)
    assert spent < 3.0  # a third of it on an idle machine; what this guards against takes minutes
