# SPDX-License-Identifier: GPL-2.0-or-later
"""A public function shows a type of the C bindings.

## What it flags

A `pub fn` of the `kernel` crate that a patch adds and whose signature names `bindings::Type`.

## Why

Drivers are to be written without knowing C's types. A public signature with one in it makes every caller handle raw C.

## How to fix

Wrap the type, or make the function `pub(crate)`.

## When it stays silent

`from_raw`, `as_raw`, `as_ptr` and their like exist to cross the border. `pub(crate)`, `pub(super)`, private functions,
those with `#[doc(hidden)]`, trait methods, callbacks with a C calling convention.
"""

import re
from collections.abc import Iterator

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

_FUNCTION = re.compile(r"pub(?<!\wpub)\s+(?:const\s+)?(?:unsafe\s+)?fn\s+(?P<name>\w++)(?P<rest>[^{;]*+)")
_TYPE = re.compile(r"\bbindings::(?P<type>[a-z]\w*)")
_HIDDEN = re.compile(r"#\[\s*+doc\s*+\([^)#]*?\bhidden\b")
_CROSSING = re.compile(r"(?:.*_)?(?:raw|ptr|from|into|as)(?:_.*)?$|.*_(?:callback|vtable)$")
_ITEM_END = re.compile(r"[;{}]")
_REACH = 1_000  # characters of attributes above a function that are looked at


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each public function that shows a C type."""
    if not file.is_kernel_rust or not file.in_kernel_crate or not file.adds("bindings::", "pub"):
        return
    for code in (part.code for part in file.added_parts("bindings::", "pub") if part.holds(b"bindings::")):
        for match in _FUNCTION.finditer(code.code):
            found = _TYPE.search(match["rest"])
            line = code.line(match.start("name"))
            if found is None or line not in file.new_lines or _CROSSING.match(match["name"]):
                continue
            above = _ITEM_END.split(code.code[max(0, match.start() - _REACH) : match.start()])[-1]
            if _HIDDEN.search(above):
                continue
            message = f"The public function `{match['name']}` shows the C type `bindings::{found['type']}`: wrap it?"
            yield file.report(Position(line, code.column(match.start("name"))), message)


EXAMPLES = (
    Example(
        "a C type as argument",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
        ! | +    pub fn attach(&self, dev: *mut bindings::device) {}
          | +}
        """,
    ),
    Example(
        "functions that cross the border, or stay in the crate",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
          | +    pub unsafe fn from_raw<'a>(ptr: *mut bindings::led) -> &'a Self {}
          | +    pub fn as_raw(&self) -> *mut bindings::led {}
          | +    pub(crate) fn attach(&self, dev: *mut bindings::device) {}
          | +    pub fn max(&self) -> u32 { bindings::LED_MAX }
          | +    #[doc(hidden)]
          | +    #[inline]
          | +    pub const fn new(val: bindings::led) -> Self { Self(val) }
          | +}
        """,
    ),
)

RULE = Rule(
    id="bindings-type-in-api",
    summary="A public function shows a type of the C bindings",
    severity=Severity.NIT,
    status=Status.PREVIEW,
    doc=__doc__ or "",
    evidence=(MessageId("CANiq72kObXP7-YtcXnWQXJpEQ=N+RtcSeM6A+scBK00VkFj5JA@mail.gmail.com"),),
    examples=EXAMPLES,
    check_file=check,
    tier=2,
)
