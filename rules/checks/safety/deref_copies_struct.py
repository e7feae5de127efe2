# SPDX-License-Identifier: GPL-2.0-or-later
"""A C struct that is copied whole to read one field of it.

## What it flags

`unsafe { *ptr }.field`, where the patch adds it.

## Why

The block's value is the struct: all of it is copied to the stack, and the field is read from the copy. For a large C
struct that is a waste of stack, and for one that others change it reads memory that this code has no business with; a
field whose address matters, such as a lock or a list head, is not the real one any more.

## How to fix

Read the field inside the block: `unsafe { (*ptr).field }`.

## When it stays silent

Method calls on the value, tuple fields, and code that the patch only moves.
"""

import re
from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.source import SourcePart

_COPY = re.compile(r"unsafe\s*\{\s*\*\s*(?P<ptr>[\w.]+(?:\(\))?)\s*\}\s*\.\s*(?P<field>[a-z_]\w*)(?!\w|\s*(?:\(|::))")


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each added read through a copy."""
    if not file.is_kernel_rust or not file.adds("unsafe"):
        return
    for one in introduced(file, "unsafe", _occurrences):
        pointer, _, field = one.key.rpartition(".")
        message = (
            f"This copies all of `*{pointer}` to the stack to read `{field}`. "
            f"Did you mean `unsafe {{ (*{pointer}).{field} }}`?"
        )
        yield file.report(one, message)


def _occurrences(part: SourcePart) -> Iterator[Occurrence]:
    code = part.code
    for match in _COPY.finditer(code.code):
        key = f"{match['ptr']}.{match['field']}"
        yield occurrence(key, code, match.start())


EXAMPLES = (
    Example(
        "a field of a copy",
        """
          | diff rust/kernel/led.rs (new)
          | +fn level(led: *const bindings::led) -> u32 {
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe { *led }.level
          | +}
          | +fn name(&self) -> *const u8 {
          | +    // SAFETY: `self.as_raw()` is valid.
        ! | +    let n = unsafe { *self.as_raw() }.name;
          | +}
        """,
    ),
    Example(
        "read in place, or a method of a value",
        """
          | diff rust/kernel/led.rs (new)
          | +fn level(led: *const bindings::led) -> u32 {
          | +    // SAFETY: `led` is valid.
          | +    unsafe { (*led).level };
          | +    // SAFETY: `led` is valid.
          | +    unsafe { *led.level() }.into();
          | +    // SAFETY: `led` is valid.
          | +    unsafe { &*led }.level
          | +}
        """,
    ),
)

RULE = Rule(
    id="deref-copies-struct",
    summary="A whole struct copied to read one field: `unsafe { *ptr }.field`",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("Z9vTDUnr-G4vmUqS@google.com"),),
    examples=EXAMPLES,
    check_file=check,
)
