# SPDX-License-Identifier: GPL-2.0-or-later
"""A path to a crate in an exported macro that depends on the names where the macro is called.

## What it flags

An added `core::`, `kernel::` or `pin_init::` without `::` before it, in a `macro_rules!` with
`#[macro_export]`.

## Why

The path is resolved where the macro is called. There a module may have the same name, and then the macro does not
compile or means something else.

## How to fix

Write `::core::`, and `::kernel::` or, in the `kernel` crate, `$crate::`.

## What it does not flag

Macros that are not exported, paths that the patch only moves or edits, and the patterns of a macro.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_PATH = re.compile(r"(?<![\w:$])(?P<crate>core|kernel|pin_init)::\w")
_ARROW = re.compile(r"=>\s*\Z")
_MAX_GAP = 100  # characters between the arrow of a rule and its body


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added path in an exported macro."""
    for item in introduced(file, "::", _occurrences):
        is_own = item.key == "kernel" and file.in_kernel_crate
        path = "$crate::" if is_own else f"::{item.key}::"
        message = f"The macro is exported, so write `{path}` instead of `{item.key}::`."
        column = item.column + len(f"{item.key}::")
        fix = Edit(item.line, item.column, item.line, column, path)
        yield file.report(item, message, fix=(fix,))


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    if not source.contains(b"macro_export"):
        return
    for match in _PATH.finditer(source.code):
        if _is_in_body(source, match.start()):
            yield occurrence(match["crate"], source, match.start())


def _is_in_body(source: RustSource, offset: int) -> bool:
    """Return whether a place is in the body of a rule of an exported macro."""
    body: int | None = None
    for opening in source.structure.enclosing(offset):
        head = source.structure.head(opening)
        if "macro_rules" in head:
            is_body = body is not None and _ARROW.search(source.code, max(0, body - _MAX_GAP), body) is not None
            return is_body and "macro_export" in head
        body = opening
    return False


EXAMPLES = (
    Example(
        "paths in an exported macro",
        """
          | diff rust/kernel/led.rs (new)
          | +#[macro_export]
          | +macro_rules! impl_led {
          | +    ($t:ty) => {
        ! | +        impl core::convert::From<$t> for $crate::led::Led {}
        ! | +        kernel::register_led!($t);
          | +    };
          | +}
        """,
    ),
    Example(
        "absolute paths, and macros of the file",
        """
          | diff rust/kernel/led.rs (new)
          | +#[macro_export]
          | +macro_rules! impl_led {
          | +    (core::$t:ident) => {
          | +        impl ::core::convert::From<$t> for $crate::led::Led {}
          | +        $crate::register_led!($t);
          | +    };
          | +}
          | +macro_rules! inner {
          | +    () => {
          | +        core::mem::drop(())
          | +    };
          | +}
        """,
    ),
)

RULE = Rule(
    id="macro-unhygienic-path",
    summary="a path in an exported macro without `::` before it",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("D96AFO7XG0S5.9YOG2JPIWDIZ@proton.me"),
        MessageId("D96AR6IOMJ0I.1YH5KT3QX2YHF@proton.me"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("core::", "kernel::", "pin_init::"), mentions=(b"macro_rules",)),
    tier=2,
)
