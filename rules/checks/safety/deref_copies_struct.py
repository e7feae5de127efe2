# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of a whole C struct to read one of its fields.

## What it flags

An added `unsafe { *ptr }.field`.

## Why

The value of the block is the struct: all of it is copied to the stack, and the field is read from the copy. This wastes
stack, and reads memory that other code may be changing. In the copy, a field whose address matters, such as a lock or a
list head, is not the real field.

## How to fix

Read the field inside the block: `unsafe { (*ptr).field }`.

## What it does not flag

Method calls on the value, tuple fields, `.await`, and code that the patch only moves.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.source import RustSource

_COPY = re.compile(
    r"unsafe\s*\{\s*\*\s*(?P<ptr>[\w.]+(?:\(\))?)\s*\}\s*\.\s*(?P<field>(?!await\b)[a-z_](?>#?\w++)?+)(?!\s*(?:\(|::))"
)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added read through a copy."""
    for item in introduced(file, "unsafe", _occurrences):
        pointer, _, field = item.key.rpartition(".")
        message = (
            f"This copies all of `*{pointer}` to the stack to read `{field}`. "
            f"Did you mean `unsafe {{ (*{pointer}).{field} }}`?"
        )
        yield file.report(item, message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _COPY.finditer(source.code) if "*" in source.code else ():
        key = f"{match['ptr']}.{match['field']}"
        yield occurrence(key, source, match.start())


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
          | +    // SAFETY: `led` is valid.
          | +    unsafe { *led }.await;
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
    trigger=Trigger(adds=("unsafe",), mentions=("*",)),
)
