# SPDX-License-Identifier: GPL-2.0-or-later
"""A callback says `i32` where C says `int`.

## What it flags

An `extern "C"` function, put into a field of a C struct, of which an added line gives a parameter or the return
value a type of fixed width (`i32`, `u32`, `i64`, `u64`, `isize`, `usize`) where C's field has `int`, `unsigned int`,
`long` or `unsigned long`.

## Why

The types agree on today's machines by chance of the configuration, and the reader has to know that they do. The
kernel's guidelines ask for C's own names at the border.

## How to fix

Write `c_int`, `c_uint`, `c_long`, `c_ulong` from the prelude.

## When it stays silent

C types of fixed width (`u32`, `size_t`). Functions whose field is not known, or put into fields of different types.
Without a kernel tree nothing is said.
"""

from collections.abc import Iterator
from typing import Final

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.view import FileView, Position
from rules.bindings.calls import find_field_types, read_callbacks
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Status

_WANTED: Final = {"int": "c_int", "unsigned": "c_uint", "long": "c_long", "unsigned long": "c_ulong"}
_FIXED: Final = frozenset({"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "isize", "usize"})


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each type that is to be C's."""
    if not file.is_kernel_rust or file.post is None or not file.post.is_complete or not file.adds(*_FIXED):
        return
    change = file.series.result(BINDINGS_DIFF) if file.mentions(b"extern") else None
    if change is None:
        return
    text = file.post.content.decode("utf-8", "surrogateescape")
    for one in read_callbacks(text):
        theirs = find_field_types(change.after, file.path, one.name)
        if len(theirs) != len(one.types):
            continue
        for mine, wanted, offset in zip(one.types, theirs, one.offsets, strict=True):
            line = text.count("\n", 0, offset) + 1
            if mine in _FIXED and wanted in _WANTED and line in file.new_lines:
                shown = "unsigned int" if wanted == "unsigned" else wanted
                message = f"C has `{shown}` here: write `{_WANTED[wanted]}` instead of `{mine}`."
                column = offset - text.rfind("\n", 0, offset)
                yield file.report(Position(line, column), message, scope=one.name)


_TREE = """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  struct lamp_ops {
          |      int (*set)(struct lamp *lamp, unsigned int level, u32 flags);
          |      void (*off)(struct lamp *lamp);
          |  };
"""

EXAMPLES = (
    Example(
        "fixed widths for C's own",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (new)
          | +use crate::bindings;
          | +const OPS: bindings::lamp_ops = bindings::lamp_ops {
          | +    set: Some(Self::set),
          | +    off: Some(off_callback::<T>),
          | +};
          | +unsafe extern "C" fn set(
          | +    lamp: *mut bindings::lamp,
        ! | +    level: u32,
          | +    flags: u32,
        ! | +) -> i32 {
          | +    0
          | +}
          | +unsafe extern "C" fn off_callback<T>(lamp: *mut bindings::lamp) {}
        """,
    ),
    Example(
        "C's names, and functions that C does not call",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (new)
          | +use crate::bindings;
          | +const OPS: bindings::lamp_ops = bindings::lamp_ops { set: Some(set), ..ZERO };
          | +unsafe extern "C" fn set(lamp: *mut bindings::lamp, level: c_uint, flags: u32) -> c_int {
          | +    0
          | +}
          | +unsafe extern "C" fn other(level: u32) -> i32 {
          | +    0
          | +}
        """,
    ),
)

RULE = Rule(
    id="ffi-type-mismatch",
    summary="A callback has a type of fixed width where C has `int` or `long`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "C FFI types"),
        MessageId("CANiq72kWtEsXDuoXpbTNRLiZ=c==Ne=v4igxCWMwWFj0LOC-Yw@mail.gmail.com"),
    ),
    examples=EXAMPLES,
    check_file=check,
    tier=2,
    needs_tree=True,
    needs_series=True,
)
