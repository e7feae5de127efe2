# SPDX-License-Identifier: GPL-2.0-or-later
"""A type, function or macro of Rust that the kernel replaces with its own.

## What it flags

- An added atomic type of `core::sync::atomic`, as an import or a path.
- An added call of `CStr::as_ptr` or `CStr::from_ptr`, by this path or on a literal `c".."`.
- An added `dbg!`.

With a base kernel, functions and macros are flagged only if its `.clippy.toml` disallows them, and atomics only if it
has `rust/kernel/sync/atomic.rs`.

## Why

- The memory model of the kernel is not that of Rust, and its atomic types have other orderings.
- The kernel's `char` is unsigned, but the methods of `CStr` use `core::ffi::c_char`.
- `dbg!` is a tool for debugging.

## How to fix

Use `kernel::sync::atomic::Atomic`, `as_char_ptr` and `from_char_ptr`. Remove `dbg!`.

## What it does not flag

Files that allow or expect the lints, calls of `as_ptr` whose receiver is not known to be a `CStr`, the kernel's own
implementation, and code that the patch only moves or edits."""

from collections.abc import Iterator
from functools import partial

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import LintName, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_ATOMICS = "rust/kernel/sync/atomic.rs"
_ATOMIC = re.compile(r"(?<![\w:$])(?>::)?+core::sync::atomic::(?P<name>Atomic[A-Z]\w*+)")
_CALL = re.compile(r"(?<!\w)CStr::(?P<name>as_ptr|from_ptr)\b")
_LITERAL = re.compile(r"\.\s*as_ptr\(\)")
_DBG = re.compile(r"(?<![\w!])dbg!\s*[({\[]")
_REPLACED = {"as_ptr": "as_char_ptr", "from_ptr": "from_char_ptr"}
_OWN = ("rust/kernel/sync/atomic", "rust/kernel/str.rs", "rust/kernel/std_vendor.rs", "rust/pin-init/")
_C_LITERAL = re.compile(r'c"(?>[^"\\]|\\.)*+"\s*+')
_MAX_LITERAL = 300  # characters of a literal


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added use of what the kernel replaces."""
    if file.path.startswith(_OWN):
        return
    read = file.series.tree.read
    settings = read(".clippy.toml")
    detect = partial(
        _occurrences,
        has_atomics=settings is None or read(_ATOMICS) is not None,
        has_pointers=settings is None or b"CStr::as_ptr" in settings,
        has_dbg=settings is None or b"kernel::dbg" in settings,
    )
    for item in introduced(file, "", detect):
        if item.key == "dbg!":
            yield file.report(item, "`dbg!` is a tool for debugging. Remove it, or use `pr_debug!`.")
        elif item.key in _REPLACED:
            yield file.report(item, f"Use `{_REPLACED[item.key]}`: `char` is unsigned in the kernel.")
        else:
            yield file.report(
                item,
                f"Use `kernel::sync::atomic::Atomic` instead of `{item.key}`: it has the memory model of the kernel.",
            )


def _occurrences(source: RustSource, *, has_atomics: bool, has_pointers: bool, has_dbg: bool) -> Iterator[Occurrence]:
    if has_atomics:
        yield from _atomics(source)
    if has_pointers and not source.contains(b"disallowed_methods"):
        yield from _pointers(source)
    if has_dbg and not source.contains(b"disallowed_macros"):
        for match in _DBG.finditer(source.code):
            yield occurrence("dbg!", source, match.start())


def _atomics(source: RustSource) -> Iterator[Occurrence]:
    if not source.contains(b"atomic"):
        return
    imported: set[int] = set()
    for item in source.uses:
        if item.path[:3] == ("core", "sync", "atomic") and len(item.path) == 4 and item.path[3].startswith("Atomic"):
            imported.add(item.offset)
            yield occurrence(item.path[3], source, item.offset)
    for match in _ATOMIC.finditer(source.code):
        if match.start("name") not in imported:
            yield occurrence(match["name"], source, match.start())


def _pointers(source: RustSource) -> Iterator[Occurrence]:
    for match in _CALL.finditer(source.code):
        yield occurrence(match["name"], source, match.start())
    for match in _LITERAL.finditer(source.code):
        before = source.text.rfind('c"', max(0, match.start() - _MAX_LITERAL), match.start())
        if (
            before >= 0
            and _C_LITERAL.fullmatch(source.text, before, match.start())
            and not source.code[before : match.start()].strip()
        ):
            yield occurrence("as_ptr", source, match.start())


EXAMPLES = (
    Example(
        "what the kernel replaces",
        """
          | diff drivers/led.rs (new)
        ! | +use core::sync::atomic::{AtomicU32, Ordering};
          | +fn on(name: *const c_char) {
        ! | +    let count: core::sync::atomic::AtomicBool = new();
        ! | +    let name = unsafe { CStr::from_ptr(name) };
        ! | +    set(c"led".as_ptr());
        ! | +    dbg!(name);
          | +}
        """,
    ),
    Example(
        "the kernel's own, and unknown receivers",
        """
          | diff drivers/led.rs (new)
          | +use kernel::sync::atomic::{Atomic, Relaxed};
          | +fn on(name: &CStr) {
          | +    set(name.as_char_ptr(), levels.as_ptr());
          | +    pr_debug!("on\\n");
          | +}
        """,
    ),
    Example(
        "a kernel that does not have them",
        """
          | diff drivers/led.rs (new)
          | +use core::sync::atomic::AtomicU32;
          | +fn on() {
          | +    set(c"led".as_ptr());
          | +}
          | tree .clippy.toml
          | check-private-items = true
        """,
    ),
)

RULE = Rule(
    id="deprecated-in-kernel",
    summary="A type, function or macro of Rust that the kernel replaces with its own",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        LintName("clippy::disallowed_methods"),
        LintName("clippy::disallowed_macros"),
        MessageId("aIBl6JPh4MQq-0gu@tardis-2.local"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("atomic", "Atomic", "as_ptr", "from_ptr", "dbg!")),
    tier=2,
)
