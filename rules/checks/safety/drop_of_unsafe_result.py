# SPDX-License-Identifier: GPL-2.0-or-later
"""`let _ =` where an owner is taken back only to be dropped.

## What it flags

`let _ = unsafe { T::from_foreign(..) }` and `let _ = unsafe { T::from_raw(..) }`, where the patch adds it.

## Why

The line exists to drop the value, and `let _` looks like a result that nobody cares for. Who reads it has to know
that `_` drops at once. Maintainers have asked for both forms, so this rule is a preview.

## How to fix

Say it: `drop(unsafe { T::from_raw(ptr) });`.

## When it stays silent

Any other call, a name instead of `_`, and statements that the patch only moves or edits.
"""

import re
from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.source import SourcePart

_DROP = re.compile(
    r"let\s+_\s*(?::[^=;]{1,200})?=\s*unsafe\s*\{\s*[\w<>,:&*' \n]{1,300}::(?P<name>from_foreign|from_raw)\s*\("
)
_END = re.compile(r"\s*+(?:;\s*+)?\}\s*+;")


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each added statement."""
    if not file.is_kernel_rust or not file.adds("let _"):
        return
    for one in introduced(file, "let _", _occurrences):
        message = f"`drop(unsafe {{ .. {one.key}(..) }})` says that the value is dropped here."
        yield file.report(one, message)


def _occurrences(part: SourcePart) -> Iterator[Occurrence]:
    code = part.code
    for match in _DROP.finditer(code.code):
        closing = code.closing(match.end() - 1)
        if closing is not None and _END.match(code.code, closing + 1):
            yield occurrence(match["name"], code, match.start())


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
        "dropped by name, or something else",
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
    tier=2,
)
