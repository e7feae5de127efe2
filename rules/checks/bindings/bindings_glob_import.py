# SPDX-License-Identifier: GPL-2.0-or-later
"""A glob import of the generated C bindings.

## What it flags

An added `use` that ends in `bindings::*`, if `bindings` are the bindings of the kernel.

## Why

The bindings contain every C name that the headers declare: tens of thousands. A glob import brings all of them into
scope. Readers no longer see which calls are C, and a new C declaration can take a name that the file already uses.

## How to fix

Write `use kernel::bindings;` and `bindings::name`, or import single names.

## What it does not flag

A `bindings` module of the crate itself, vendored, generated and host code, and the crate that generates the bindings.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each glob import of the kernel's bindings that the patch adds."""
    if file.path.startswith(("rust/bindings/", "rust/uapi/")):
        return
    own = ("crate", "bindings", "*") if file.in_kernel_crate else None
    for source in file.sources_with(b"bindings"):
        for item in source.uses:
            if item.path in {("kernel", "bindings", "*"), own} and item.line in file.new_lines:
                message = "This imports all C names. Import `bindings` and write `bindings::name`."
                yield file.report(item, message)


EXAMPLES = (
    Example(
        "a glob, alone and in a list",
        """
          | diff drivers/led/led.rs (new)
        ! | +use kernel::bindings::*;
          | diff rust/kernel/led.rs (new)
          | +use crate::{
          | +    error::Result,
        ! | +    bindings::*,
          | +};
        """,
    ),
    Example(
        "names, and a module of the crate itself",
        """
          | diff drivers/led/led.rs (new)
          | +use kernel::{bindings, prelude::*};
          | +use crate::bindings::*;
          | +use super::fw::bindings::*;
        """,
    ),
)

RULE = Rule(
    id="bindings-glob-import",
    summary="A glob import of the generated C bindings",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("DB8BQGJNFDAY.BGQ8CZSFFOLH@kernel.org"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("bindings",), mentions=("use", "*")),
)
