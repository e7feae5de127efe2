# SPDX-License-Identifier: GPL-2.0-or-later
"""`let _ =` to take a value back from C and drop it.

## What it flags

An added `let _ = unsafe { T::from_foreign(..) }` or `let _ = unsafe { T::from_raw(..) }`.

## Why

The purpose of the line is to drop the value, but `let _` looks like an ignored result. Readers have to know that `_`
drops the value at once. Maintainers have asked for both forms, so this rule is a preview.

## How to fix

Write `drop(unsafe { T::from_raw(ptr) });`.

## What it does not flag

Other calls, a name in place of `_`, and statements that the patch only moves or edits.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.source import RustSource

_DROP = re.compile(
    r"let\s+_\s*(?::[^=;]{1,200})?=\s*unsafe\s*\{\s*[\w<>,:&*' \n]{1,300}::(?P<name>from_foreign|from_raw)\s*\("
)
_END = re.compile(r"\s*+(?:;\s*+)?\}\s*+;")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added statement."""
    for item in introduced(file, "let _", _occurrences):
        message = f"`let _` hides that the value is dropped here. Write `drop(unsafe {{ .. {item.key}(..) }})`."
        yield file.report(item, message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _DROP.finditer(source.code):
        closing = source.structure.closing(match.end() - 1)
        if closing is not None and _END.match(source.code, closing + 1):
            yield occurrence(match["name"], source, match.start())


EXAMPLES = (
    Example(
        "taken back and dropped",
        """
          | diff rust/kernel/led.rs (new)
          | +fn off(ptr: *mut c_void) {
          | +    // SAFETY: `ptr` comes from `into_foreign`.
        ! | +    let _ = unsafe { <T as ForeignOwnable>::from_foreign(ptr) };
          | +    // SAFETY: `ptr` comes from `into_raw`.
        ! | +    let _ = unsafe {
          | +        KBox::<u8>::from_raw(ptr.cast())
          | +    };
          | +}
        """,
    ),
    Example(
        "an explicit drop, or another call",
        """
          | diff rust/kernel/led.rs (new)
          | +fn off(ptr: *mut c_void) {
          | +    // SAFETY: `ptr` comes from `into_foreign`.
          | +    drop(unsafe { T::from_foreign(ptr) });
          | +    // SAFETY: `ptr` comes from `into_foreign`.
          | +    let _led = unsafe { T::from_foreign(ptr) };
          | +    // SAFETY: `ptr` is valid.
          | +    let _ = unsafe { bindings::led_off(ptr) };
          | +    // SAFETY: `ptr` is valid.
          | +    let _ = unsafe { T::from_raw(ptr) }.take();
          | +}
        """,
    ),
)

RULE = Rule(
    id="drop-of-unsafe-result",
    summary="`let _ = unsafe { T::from_raw(..) }` instead of `drop(..)`",
    severity=Severity.NIT,
    status=Status.PREVIEW,  # maintainers have asked for both forms, and merged code has both
    doc=__doc__ or "",
    evidence=(
        MessageId("aFlA92ooeQsSThLh@google.com"),
        MessageId("Z6SlRZouQ-nPH2EP@pollux"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("let _",)),
    tier=2,
)
