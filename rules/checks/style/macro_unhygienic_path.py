# SPDX-License-Identifier: GPL-2.0-or-later
"""A path in a macro whose meaning depends on the names in scope where the macro is called.

## What it flags

- An added `core::`, `kernel::` or `pin_init::` without `::` before it, in a `macro_rules!` with `#[macro_export]`.
- An added `kernel::` in any `macro_rules!` of the `kernel` crate itself.

## Why

The path is resolved where the macro is called. There a module may have the same name, and then the macro does not
compile or means something else.

## How to fix

Write `::core::`, and `::kernel::` or, in the `kernel` crate, `$crate::`.

## What it does not flag

Other paths in macros that are not exported or whose attributes are not shown, paths that the patch only moves or edits,
and the patterns of a macro.
"""

from collections.abc import Iterator
from functools import partial

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.code_place import is_in_test
from rules.source.rust.source import RustSource

_PATH = re.compile(r"(?<![\w:$])(?P<crate>core|kernel|pin_init)::\w")
_CLOSING = re.compile(r"^\}", re.MULTILINE)
_ARROW = re.compile(r"=>\s*\Z")
_MAX_GAP = 100  # characters between the arrow of a rule and its body


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added path in an exported macro."""
    cut = frozenset(_first_lines_in_macros(file) if file.in_kernel_crate and not file.is_complete else ())
    for item in introduced(file, "::", partial(_occurrences, in_kernel_crate=file.in_kernel_crate, cut=cut)):
        is_own = item.key == "kernel" and file.in_kernel_crate
        path = "$crate::" if is_own else f"::{item.key}::"
        if is_own:
            message = "In a macro of the `kernel` crate, write `$crate::` instead of `kernel::`."
        else:
            message = f"The macro is exported, so write `{path}` instead of `{item.key}::`."
        column = item.column + len(f"{item.key}::")
        fix = Edit(item.line, item.column, item.line, column, path)
        yield file.report(item, message, fix=(fix,))


def _first_lines_in_macros(file: FileView) -> set[int]:
    """Return the first lines, before and after the patch, of the hunks that begin in a macro according to git."""
    lines: dict[bool, set[int]] = {True: set(), False: set()}
    for hunk in file.change.hunks:
        lines[hunk.heading.startswith("macro_rules!")].update((hunk.before_start, hunk.after_start))
    return lines[True] - lines[False]


def _occurrences(source: RustSource, *, in_kernel_crate: bool, cut: frozenset[int]) -> Iterator[Occurrence]:
    """Yield the paths in macros.

    A source whose first line is in `cut` begins in a macro, which ends at the first brace in column 1.
    """
    end = _end_of_item(source) if source.first_line in cut else 0
    if not end and not source.contains(b"macro_export", *([b"macro_rules"] if in_kernel_crate else [])):
        return
    for match in _PATH.finditer(source.code):
        at = match.start()
        is_own = in_kernel_crate and match["crate"] == "kernel"
        if ((is_own and at < end) or _is_in_body(source, at, is_exported=not is_own)) and not is_in_test(source, at):
            yield occurrence(match["crate"], source, at)


def _end_of_item(source: RustSource) -> int:
    closing = _CLOSING.search(source.code)
    return closing.start() if closing is not None else len(source.code)


def _is_in_body(source: RustSource, offset: int, *, is_exported: bool) -> bool:
    """Return whether a place is in the body of a rule of a macro, which must be exported if `is_exported` says so."""
    body: int | None = None
    for opening in source.structure.enclosing(offset):
        head = source.structure.head(opening)
        if "macro_rules" in head:
            is_body = body is not None and _ARROW.search(source.code, max(0, body - _MAX_GAP), body) is not None
            return is_body and (not is_exported or "macro_export" in head)
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
          | diff drivers/led.rs (new)
          | +macro_rules! inner {
          | +    () => {
          | +        kernel::register_led!(())
          | +    };
          | +}
          | diff rust/kernel/led/light.rs (new)
          | +#[cfg(test)]
          | +mod tests {
          | +    macro_rules! inner {
          | +        () => {
          | +            kernel::register_led!(())
          | +        };
          | +    }
          | +}
        """,
    ),
    Example(
        "a path to the own crate, in macros of which only a part is shown",
        """
          | diff rust/kernel/led.rs
          |  macro_rules! inner {
          |      ($t:ty) => {
          |          $crate::register_led!($t);
        ! | +        kernel::switch_led!($t);
          |      };
          |  }
          | @@ macro_rules! outer {
          |          $crate::register_led!($t);
        ! | +        kernel::switch_led!($t);
          |      };
          |  }
          |
          |  fn on() {
          | +    kernel::led::on();
          |  }
        """,
    ),
)

RULE = Rule(
    id="macro-unhygienic-path",
    summary="A path in an exported macro without `::` before it",
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
    trigger=Trigger(adds=("core::", "kernel::", "pin_init::"), mentions=("macro_rules",)),
    tier=2,
)
