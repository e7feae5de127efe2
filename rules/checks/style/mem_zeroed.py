# SPDX-License-Identifier: GPL-2.0-or-later
"""`mem::zeroed()` instead of `pin_init::zeroed()`.

## What it flags

An added call of `mem::zeroed()`, or `MaybeUninit::zeroed().assume_init()`.

## Why

`pin_init::zeroed()` is safe, because it requires the trait `Zeroable`, which the bindings of C types implement.

## How to fix

Write `pin_init::zeroed()`, and derive or implement `Zeroable` where the type does not have it.

## What it does not flag

Calls that the patch only moves or edits, and base kernels without `pin_init::zeroed()`.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.diff.top_level import KERNEL_CRATE_ROOT, PIN_INIT_CRATE
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_CALL = re.compile(
    r"(?<![\w$])(?:mem::zeroed(?:::<[^;(){}]{0,200}>)?\(\)|MaybeUninit(?:::<[^;(){}]{0,200}>)?::zeroed\(\)\s*\.\s*assume_init\(\))"
)
_PIN_INIT_ROOT = f"{PIN_INIT_CRATE}src/lib.rs"


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added call."""
    if file.path.startswith(PIN_INIT_CRATE):
        return
    read = file.series.tree.read
    if read(KERNEL_CRATE_ROOT) is not None and b"fn zeroed<" not in (read(_PIN_INIT_ROOT) or b""):
        return
    for item in introduced(file, "zeroed", _occurrences):
        yield file.report(item, f"The safe `pin_init::zeroed()` does the same as `{item.key}`.")


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _CALL.finditer(source.code):
        name = "mem::zeroed()" if match[0].startswith("mem") else "MaybeUninit::zeroed().assume_init()"
        yield occurrence(name, source, match.start())


EXAMPLES = (
    Example(
        "both forms",
        """
          | diff rust/kernel/led.rs (new)
          | +fn new() -> Led {
          | +    // SAFETY: All zeroes are valid.
        ! | +    let raw: bindings::led = unsafe { core::mem::zeroed() };
          | +    // SAFETY: All zeroes are valid.
        ! | +    let ops = unsafe { MaybeUninit::<bindings::led_ops>::zeroed().assume_init() };
          | +}
        """,
    ),
    Example(
        "the safe function, and memory that stays uninitialised",
        """
          | diff rust/kernel/led.rs (new)
          | +fn new() -> Led {
          | +    let raw: bindings::led = pin_init::zeroed();
          | +    let ops = MaybeUninit::<bindings::led_ops>::zeroed();
          | +}
        """,
    ),
    Example(
        "a kernel without the function",
        """
          | diff rust/kernel/led.rs (new)
          | +fn new() -> Led {
          | +    let raw: bindings::led = unsafe { core::mem::zeroed() };
          | +}
          | tree rust/kernel/lib.rs
          | pub mod led;
          | tree rust/pin-init/src/lib.rs
          | pub unsafe trait Zeroable {}
        """,
    ),
    Example(
        "a kernel without the crate",
        """
          | diff rust/kernel/led.rs (new)
          | +fn new() -> Led {
          | +    let raw: bindings::led = unsafe { core::mem::zeroed() };
          | +}
          | tree rust/kernel/lib.rs
          | pub mod init;
        """,
    ),
)

RULE = Rule(
    id="mem-zeroed",
    summary="`mem::zeroed()` instead of `pin_init::zeroed()`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("DE5POG7G08QG.LT9YJCA0IN11@kernel.org"),),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("zeroed",)),
    tier=2,
)
