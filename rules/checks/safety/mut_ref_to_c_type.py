# SPDX-License-Identifier: GPL-2.0-or-later
"""A `&mut` reference to memory that C owns.

## What it flags

`&mut (*p).field` where `p` is a `*mut bindings::T` in the same function, and the patch adds it.

## Why

A `&mut` promises that nobody else reads or writes the place while it lives, and that the value is valid. C keeps
pointers into its structs and changes them under locks that Rust does not see, so that the promise is broken, which is
undefined behaviour even if the reference is used as a pointer only.

## How to fix

Make a pointer, not a reference: `&raw mut (*p).field`.

## When it stays silent

`&raw mut`, `addr_of_mut!`, and pointers whose type is not written in the function.
"""

import re
from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.outline import Outline, outline
from rules.source.rust.source import SourcePart

_REACH = 8_000  # characters above the reference in which the pointer's declaration is looked for
_REFERENCE = re.compile(r"&\s*mut\s*\(\s*\*\s*(?P<ptr>[a-z_]\w*)\s*\)\s*\.\s*(?P<field>\w+(?:\.\w+)*)\b(?!\s*\()")


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each added reference through a pointer that is declared as one to a C type."""
    if not file.is_kernel_rust or not file.mentions(b"bindings::") or not file.adds("&mut"):
        return
    for one in introduced(file, "&mut", _occurrences):
        message = (
            f"`&mut` to a field of a C struct promises exclusive access that C does not give. "
            f"`&raw mut {one.key}` makes the pointer without the reference."
        )
        yield file.report(one, message)


def _occurrences(part: SourcePart) -> Iterator[Occurrence]:
    code = part.code
    for match in _REFERENCE.finditer(code.code):
        if _points_to_c(outline(code), match.start(), match["ptr"]):
            key = f"(*{match['ptr']}).{match['field']}"
            yield occurrence(key, code, match.start())


def _points_to_c(shape: Outline, offset: int, name: str) -> bool:
    """Whether the last declaration of the name before the place, in its function, is that of a pointer to a C type."""
    function = shape.function(offset)
    if function is None:
        return False
    code = shape.code.code
    head = shape.head(function[0])
    text = head + code[max(function[0], offset - _REACH) : offset]
    declared = list(
        re.finditer(rf"(?<![\w.]){name}\s*+:(?!:)\s*+(?P<type>[^=;,)]*)|\blet\s+(?:mut\s+)?{name}\b[^;]*", text)
    )
    if not declared:
        return False
    return re.search(r"\*\s*mut\s+(?:kernel\s*::\s*)?bindings\s*::\s*\w+", declared[-1][0]) is not None


EXAMPLES = (
    Example(
        "a reference into a C struct",
        """
          | diff rust/kernel/led.rs (new)
          | +fn lock(led: *mut bindings::led) {
          | +    // SAFETY: `led` is valid.
        ! | +    let lock = unsafe { &mut (*led).lock };
          | +    let dev: *mut bindings::device = get();
          | +    // SAFETY: `dev` is valid.
        ! | +    unsafe { bindings::init(&mut (*dev).list) };
          | +}
        """,
    ),
    Example(
        "a pointer, or a type that is not C's",
        """
          | diff rust/kernel/led.rs (new)
          | +fn lock(led: *mut bindings::led, own: *mut Led) {
          | +    // SAFETY: `led` is valid.
          | +    let lock = unsafe { &raw mut (*led).lock };
          | +    // SAFETY: `own` is valid.
          | +    let own = unsafe { &mut (*own).lock };
          | +    let led = Led::of(led);
          | +    // SAFETY: `led` is valid.
          | +    let lock = unsafe { &mut (*led).lock };
          | +    // SAFETY: `x` is valid.
          | +    let lock = unsafe { &mut (*x).lock };
          | +}
        """,
    ),
)

RULE = Rule(
    id="mut-ref-to-c-type",
    summary="`&mut` to a field of a C struct instead of `&raw mut`",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("CAH5fLggWOkut0O+28NVYBSF2CTpHXe9Thb3rhXoRZo5e9zFjzw@mail.gmail.com"),),
    examples=EXAMPLES,
    check_file=check,
)
