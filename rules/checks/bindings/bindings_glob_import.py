# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything is imported from the generated C bindings.

## What it flags

An added `use` that ends in `bindings::*`, where `bindings` are the kernel's.

## Why

The bindings hold every C name that the headers declare, tens of thousands. A glob puts them all into scope: the reader
no longer sees which call is C, and a new C declaration can take a name that the file uses for something else.

## How to fix

`use kernel::bindings;` and write `bindings::name`, or name what is imported.

## When it stays silent

A crate's own `bindings` module is none of the kernel's. Vendored, generated and host code is exempt, and the crate
that makes the bindings.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each glob import of the kernel's bindings that the patch adds."""
    if not file.is_kernel_rust or file.path.startswith(("rust/bindings/", "rust/uapi/")) or not file.adds("bindings"):
        return
    own = ("crate", "bindings", "*") if file.in_kernel_crate else None
    for part in file.parts_with(b"bindings"):
        for one in part.imports:
            path = one.path
            ours = path in {("kernel", "bindings", "*"), own}
            if ours and one.line in file.new_lines:
                message = "This imports every C name there is. Import `bindings` and write `bindings::name`."
                yield file.report(one, message)


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
        "names, and a module of the crate's own",
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
)
