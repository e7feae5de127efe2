# SPDX-License-Identifier: GPL-2.0-or-later
"""An unsafe block around a safe call that only wraps the unsafe one.

## What it flags

A block whose whole content is `to_result(..)`, `drop(..)`, `Some(..)`, `Ok(..)`, `Err(..)` or `!f(..)`, where the
patch adds it.

## Why

An unsafe block should hold the unsafe operation and nothing else, so that it is clear what the `SAFETY:` comment
speaks of and nothing else gets into it unnoticed.

## How to fix

Move the safe call out: `to_result(unsafe { f(x) })`.

## When it stays silent

Blocks with more than this one expression, macros and doctests, and blocks that the patch only moves or edits.
"""

import re
from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.code import Code
from rules.source.rust.source import SourcePart

_WRAPPER = re.compile(
    r"(?:(?:kernel|crate|core|error|mem)\s*::\s*)*(?P<name>to_result|drop|Some|Ok|Err)\s*(?=\()|(?P<not>!)\s*\w"
)


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each added block whose content is a safe wrapper's call."""
    if not file.is_kernel_rust or not file.adds("unsafe"):
        return
    for one in introduced(file, "unsafe", _occurrences):
        message = f"`{one.key}` is safe: outside, it leaves the unsafe block to the unsafe operation alone."
        yield file.report(one, message, confidence=one.confidence, scope=one.scope)


def _occurrences(part: SourcePart) -> Iterator[Occurrence]:
    for site in part.sites:
        if site.kind == "block" and site.setting == "code" and (name := _wrapper(site.body)):
            yield Occurrence(name, site.line, site.column, site.scope, site.confidence)


def _wrapper(body: str) -> str | None:
    """The safe call that is all of a block's content; None where it is not."""
    code = Code(body.strip().removesuffix(";"), 1)
    text = code.code.strip()
    match = _WRAPPER.match(text)
    if match is None:
        return None
    if match["not"]:
        return "!" if re.match(r"!\s*[\w:]+\s*\(", text) and _is_one_call(text) else None
    return f"{match['name']}(..)" if _is_one_call(text) else None


def _is_one_call(text: str) -> bool:
    """Whether the first parenthesis of the text closes at its end, but for a `?`."""
    code = Code(text.rstrip("? \n"), 1)
    opening = code.code.find("(")
    closing = code.closing(opening)
    return closing is not None and closing == len(code.code) - 1


EXAMPLES = (
    Example(
        "safe calls around the unsafe one",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) -> Result {
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe { to_result(bindings::led_on(led)) }?;
          | +    // SAFETY: `led` is valid.
        ! | +    let busy = unsafe { !bindings::led_idle(led) };
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe {
          | +        Ok(bindings::led_level(
          | +            led
          | +        ))
          | +    }
          | +}
        """,
    ),
    Example(
        "the unsafe operation alone, or more than a call",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    to_result(unsafe { bindings::led_on(led) })?;
          | +    // SAFETY: `led` is valid.
          | +    let x = unsafe { Some(*led).map(|x| bindings::led_of(x)) };
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        let ret = bindings::led_on(led);
          | +        to_result(ret)
          | +    }
          | +    // SAFETY: `led` is valid.
          | +    let y = unsafe { !*led };
          | +}
        """,
    ),
    Example(
        "there before, only edited",
        """
          | diff rust/kernel/led.rs
          |  fn on(led: *mut u8) -> Result {
          |      // SAFETY: `led` is valid.
          | -    unsafe { to_result(bindings::led_on(led as _)) }
          | +    unsafe { to_result(bindings::led_on(led.cast())) }
          |  }
        """,
    ),
)

RULE = Rule(
    id="safe-wrapper-in-unsafe",
    summary="A safe call inside an unsafe block that could stand around it",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("CAJ-ks9kwVz4sPdmqfTLVK-Z2C7WmXHpBhbe5_ozWBZnwxJ8HpA@mail.gmail.com"),
        MessageId("Z6SlRZouQ-nPH2EP@pollux"),
        MessageId("20240717221133.459589-1-benno.lossin@proton.me"),
    ),
    examples=EXAMPLES,
    check_file=check,
    tier=2,
)
