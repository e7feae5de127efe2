# SPDX-License-Identifier: GPL-2.0-or-later
"""`Result<()>` instead of `Result`.

## What it flags

An added `Result<()>`.

## Why

The type `Result` of the kernel has `()` as its default.

## How to fix

Write `Result`.

## What it does not flag

Results with another error type, a `Result` that the file declares or imports from elsewhere, macro definitions, and
types that the patch only moves or edits.
"""

from collections.abc import Iterator
from functools import partial

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition
from rules.source.rust.source import RustSource

_TYPE = re.compile(r"(?<![\w:])(?>(?P<crate>kernel|crate)::error::)?+Result<\(\)>")
_NAME = re.compile(r"\btype\s+Result\b")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added `Result<()>` of the kernel."""
    detect = partial(_occurrences, in_kernel_crate=file.in_kernel_crate)
    for item in introduced(file, "Result<()>", detect, skips_cut_macros=True):
        yield file.report(item, "`Result<()>` is the same as `Result`.", fix=item.fix)


def _occurrences(source: RustSource, *, in_kernel_crate: bool) -> Iterator[Occurrence]:
    imports = [item for item in source.uses if item.name in ("Result", "*")]
    others = [item for item in imports if not _is_of_kernel(item.path, in_kernel_crate=in_kernel_crate)]
    is_other = _NAME.search(source.code) is not None or any(item.name == "Result" for item in others)
    for match in _TYPE.finditer(source.code):
        of_kernel = match["crate"] == "kernel" or (in_kernel_crate if match["crate"] else not is_other)
        if of_kernel and not is_in_macro_definition(source, match.start()):
            fix = source.edit(match.end() - len("<()>"), match.end(), "")
            yield occurrence("Result<()>", source, match.start(), *([] if others else [fix]))


def _is_of_kernel(path: tuple[str, ...], *, in_kernel_crate: bool) -> bool:
    """Tell whether the path of an import is that of the kernel's `Result`, or of the prelude."""
    return path[-2:] in (("error", "Result"), ("prelude", "*")) and (in_kernel_crate or path[0] == "kernel")


EXAMPLES = (
    Example(
        "with the default type",
        """
          | diff drivers/led.rs (new)
        ! | +fn on(led: &Led) -> Result<()> {
        ! | +    let done: Option<kernel::error::Result<()>> = None;
          | +    Ok(())
          | +}
        """,
    ),
    Example(
        "other results, and a type that is edited",
        """
          | diff drivers/led.rs
          | -fn on(led: &Led) -> Result<()> {
          | +fn on(led: &Led, level: u8) -> Result<()> {
          | +    let done: core::result::Result<(), LedError> = other();
          | +    let level: Result<u8> = level();
          |      Ok(())
          |  }
        """,
    ),
    Example(
        "a `Result` from elsewhere",
        """
          | diff drivers/led.rs (new)
          | +use crate::error::Result;
          | +fn on(led: &Led) -> Result<()> {
        ! | +    let done: kernel::error::Result<()> = Ok(());
          | +    other(led)
          | +}
          | diff drivers/fan.rs (new)
          | +type Result<T> = core::result::Result<T, FanError>;
          | +fn on(fan: &Fan) -> Result<()> {
          | +    let done: crate::error::Result<()> = Ok(());
          | +    other(fan)
          | +}
          | diff rust/kernel/fan.rs (new)
          | +use crate::error::Result;
        ! | +fn on(fan: &Fan) -> Result<()> {}
        """,
    ),
    Example(
        "a hunk that begins in a macro",
        """
          | diff rust/kernel/led.rs
          | @@ 20 @@ macro_rules! led {
          |              let x = 1;
          | +            let y: Result<()> = on();
          |          };
          |      }
          |  }
          |  fn off(level: Option<u8>) {
        ! | +    let y: Result<()> = on();
        """,
    ),
)

RULE = Rule(
    id="result-unit",
    summary="`Result<()>` instead of `Result`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        IssueReference("Rust-for-Linux/linux", 1128),
        MessageId("CANiq72koO_gdhP_5hzNz5AH-JQNoAzpszpeVR_BV14Nw-OWhzw@mail.gmail.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("Result<()>",)),
    tier=2,
)
