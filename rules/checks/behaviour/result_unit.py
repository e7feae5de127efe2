# SPDX-License-Identifier: GPL-2.0-or-later
"""`Result<()>` instead of `Result`.

## What it flags

An added `Result<()>`.

## Why

The type `Result` of the kernel has `()` as its default.

## How to fix

Write `Result`.

## What it does not flag

Results with another error type, macro definitions, and types that the patch only moves or edits.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_macro_definition
from rules.source.rust.source import RustSource

_TYPE = re.compile(r"(?<![\w:])(?>(?:kernel|crate)::error::)?+Result<\(\)>")
_NAME = re.compile(r"\btype\s+Result\b")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added `Result<()>`."""
    for item in introduced(file, "Result<()>", _occurrences):
        yield file.report(item, "`Result<()>` is the same as `Result`.", fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    is_exact = _is_exact(source)
    for match in _TYPE.finditer(source.code):
        if not is_in_macro_definition(source, match.start()):
            fix = source.edit(match.end() - len("<()>"), match.end(), "")
            yield occurrence("Result<()>", source, match.start(), *([fix] if is_exact else []))


def _is_exact(source: RustSource) -> bool:
    """Return whether the file declares and imports no other `Result`, whose type may have no default."""
    if _NAME.search(source.code):
        return False
    return all(
        item.path[-2:] in (("error", "Result"), ("prelude", "*"))
        for item in source.uses
        if item.name in ("Result", "*")
    )


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
