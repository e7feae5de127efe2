# SPDX-License-Identifier: GPL-2.0-or-later
"""`addr_of!` instead of `&raw const`.

## What it flags

An added call of `addr_of!` or `addr_of_mut!`.

## Why

`&raw const place` and `&raw mut place` are part of the language and do the same.

## How to fix

Write `&raw const place` or `&raw mut place`.

## What it does not flag

Calls that the patch only moves or edits, and base kernels whose minimum Rust version does not have the operator.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_MACRO = re.compile(r"\baddr_of(?P<mut>_mut)?!\s*[({\[]")
_VERSION = re.compile(rb"echo 1\.(\d+)")
_PIN_INIT = "rust/pin-init/"  # it supports older versions of Rust
_STABLE_SINCE = 82  # minor version of Rust


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added call of the macros."""
    if file.path.startswith(_PIN_INIT) or not _has_operator(file):
        return
    for item in introduced(file, "addr_of", _occurrences):
        operator = "&raw mut" if item.key == "addr_of_mut!" else "&raw const"
        yield file.report(item, f"`{operator} place` does the same as `{item.key}(place)`.")


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _MACRO.finditer(source.code):
        yield occurrence(f"addr_of{match['mut'] or ''}!", source, match.start())


def _has_operator(file: FileView) -> bool:
    """Return whether the base kernel may use the operator; True if that is not known."""
    options = file.series.tree.read("scripts/Makefile.build")
    tools = file.series.tree.read("scripts/min-tool-version.sh")
    if tools is None:
        return True
    versions = [int(version) for version in _VERSION.findall(tools.partition(b"rustc)")[2].partition(b";;")[0])]
    is_new = min(versions, default=0) >= _STABLE_SINCE
    return is_new or (options is not None and b"raw_ref_op" in options)


EXAMPLES = (
    Example(
        "both macros",
        """
          | diff rust/kernel/led.rs (new)
          | +use core::ptr::addr_of;
          | +fn on(led: &mut Led) {
        !! | +    set(addr_of!(led.level), core::ptr::addr_of_mut!(led.state));
          | +}
        """,
    ),
    Example(
        "the operator, and a call that is edited",
        """
          | diff rust/kernel/led.rs
          |  fn on(led: &mut Led) {
          | -    set(addr_of!(led.level));
          | +    set(addr_of!(led.level), &raw const led.state);
          |  }
        """,
    ),
    Example(
        "a kernel whose Rust does not have the operator",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &mut Led) {
          | +    set(addr_of!(led.level));
          | +}
          | tree scripts/min-tool-version.sh
          | rustc)
          |   echo 1.78.0
        """,
    ),
)

RULE = Rule(
    id="addr-of-macro",
    summary="`addr_of!` instead of `&raw const`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("aGVMnmoepIVSS0yK@pollux"),
        MessageId("DATCT1EG0Z70.3ON7LFZEEZ93M@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("addr_of",)),
    tier=2,
)
