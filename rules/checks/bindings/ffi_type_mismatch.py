# SPDX-License-Identifier: GPL-2.0-or-later
"""A callback has the type `i32` where C has `int`.

## What it flags

An `extern "C"` function that is assigned to a field of a C struct, if an added line gives a parameter or the return
value a type of fixed width (`i32`, `u32`, `i64`, `u64`, `isize`, `usize`), and the field in C has `int`,
`unsigned int`, `long` or `unsigned long` there.

## Why

The types are equal only in today's configurations, and readers have to know that. The kernel's guidelines ask for the
C names of types in interfaces to C.

## How to fix

Write `c_int`, `c_uint`, `c_long` or `c_ulong` from the prelude.

## What it does not flag

C types of fixed width (`u32`, `size_t`), and functions that are assigned to an unknown field, or to fields of different
types. Without a kernel tree nothing is reported.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.view import FileView, Position
from rules.bindings.calls import find_field_types, read_callbacks
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger

_C_NAMES: Final = {"int": "c_int", "unsigned": "c_uint", "long": "c_long", "unsigned long": "c_ulong"}
_FIXED: Final = frozenset({"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "isize", "usize"})


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each type of fixed width in place of a C type."""
    if file.post is None or not file.post.is_complete:
        return
    change = file.series.result(BINDINGS_DIFF)
    if change is None:
        return
    text = file.post.content.decode("utf-8", "surrogateescape")
    callbacks = list(read_callbacks(text))
    earlier: Counter[tuple[str, str]] = Counter()
    if callbacks and file.pre is not None and file.pre.is_complete:
        before = read_callbacks(file.pre.content.decode("utf-8", "surrogateescape"))
        earlier.update((callback.name, rust_type) for callback in before for rust_type in callback.types)
    for callback in callbacks:
        new_types = Counter((callback.name, rust_type) for rust_type in callback.types) - earlier
        if not new_types:  # only re-wrapped or moved
            continue
        c_types = find_field_types(change.after, file.path, callback.name)
        if len(c_types) != len(callback.types):
            continue
        for rust_type, c_type, offset in zip(callback.types, c_types, callback.offsets, strict=True):
            line = text.count("\n", 0, offset) + 1
            is_new = (callback.name, rust_type) in new_types and line in file.new_lines
            if is_new and rust_type in _FIXED and c_type in _C_NAMES:
                shown = "unsigned int" if c_type == "unsigned" else c_type
                message = f"The C type is `{shown}`: write `{_C_NAMES[c_type]}` instead of `{rust_type}`."
                column = offset - text.rfind("\n", 0, offset)
                yield file.report(Position(line, column), message, scope=callback.name)


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
        "types of fixed width",
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
        "C names of types, and functions that C does not call",
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
    Example(
        "other line breaks",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (whole)
          |  use crate::bindings;
          |  const OPS: bindings::lamp_ops = bindings::lamp_ops {
          |      set: Some(Self::set),
          |  };
          | -unsafe extern "C" fn set(
          | -    lamp: *mut bindings::lamp,
          | -    level: u32,
          | -    flags: u32,
          | -) -> i32 {
          | +unsafe extern "C" fn set(lamp: *mut bindings::lamp, level: u32, flags: u32) -> i32 {
          |      0
          |  }
        """,
    ),
    Example(
        "another type of the callback is edited",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (whole)
          |  use crate::bindings;
          |  const OPS: bindings::lamp_ops = bindings::lamp_ops {
          |      set: Some(Self::set),
          |  };
          | -unsafe extern "C" fn set(lamp: *mut c_void, level: u32, flags: u32) -> c_int {
          | +unsafe extern "C" fn set(lamp: *mut bindings::lamp, level: u32, flags: u32) -> c_int {
          |      0
          |  }
        """,
    ),
    Example(
        "a type of fixed width more",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (whole)
          |  use crate::bindings;
          |  const OPS: bindings::lamp_ops = bindings::lamp_ops {
          |      set: Some(Self::set),
          |  };
          | -unsafe extern "C" fn set(lamp: *mut bindings::lamp, level: u32, flags: u32) -> c_int {
        ! | +unsafe extern "C" fn set(lamp: *mut bindings::lamp, level: u32, flags: u32) -> i32 {
          |      0
          |  }
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
    trigger=Trigger(adds=(*_FIXED,), mentions=("extern",)),
    tier=2,
    needs_tree=True,
    needs_series=True,
)
