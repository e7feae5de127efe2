# SPDX-License-Identifier: GPL-2.0-or-later
"""A semicolon inside an unsafe block with a single call.

## What it flags

An added statement `unsafe { f(x); }`, on one line or on three lines, also with a second semicolon after the block.

## Why

The kernel writes `unsafe { f(x) };`. Then rustfmt keeps it on one line, and the block is an expression like all others.

## How to fix

Move the semicolon after the brace.

## What it does not flag

Blocks with more than one statement, blocks that do not fit on one line, blocks that end with a comment, blocks that are
a value or a match arm, macros, and blocks that the patch only moves or edits.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.model import UnsafeSite
from rules.source.rust.source import RustSource

_MAX_WIDTH = 100  # columns of a line, for rustfmt
_CALL = re.compile(r"[\w:.<>&*()\s]*?[\w>]\s*\(")
_MAY_OCCUR = re.compile(r"unsafe \{\s*+[^\n]{0,100}\)\s*+;\s*+\}")
_INDENT = re.compile(r"[ \t]*+")
_NEXT = re.compile(r"\s*+(?:;|[\w}#&*(]|\Z)")
_MAX_BEFORE = 400  # characters before a block, most of them comments
_NO_CALL = re.compile(r"(?:let|return|break|if|match|for|while|loop|drop)\b|\w+!")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added statement that is an unsafe block with one call and a semicolon."""
    for item in introduced(file, "unsafe", _occurrences):
        message = "Put the semicolon after the block: `unsafe { .. };`. It then fits on one line."
        yield file.report(item, message, confidence=item.confidence, scope=item.scope, fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for site in source.unsafe_code_where(lambda part: _MAY_OCCUR.search(part.text) is not None).sites:
        if site.kind != "block" or site.setting != "code" or site.line != site.statement:
            continue
        fits = "\n" not in site.body and site.column + len(site.body) + len("unsafe { };") <= _MAX_WIDTH
        if fits and site.text.lstrip().startswith("unsafe {") and _is_one_call(site.body):
            fix = _fix(source, site)
            yield Occurrence(site.body.partition("(")[0], site.line, site.column, site.scope, site.confidence, fix)


def _fix(source: RustSource, site: UnsafeSite) -> tuple[Edit, ...]:
    """Return the edit that puts the semicolon after the block, none if the block is not a statement by itself."""
    indent = _INDENT.match(source.line_text(site.line))
    start = source.offset(site.line, indent.end() + 1 if indent is not None else 1)
    opening = source.code.find("{", start)
    closing = source.structure.closing(opening) if opening >= 0 else None
    if closing is None or not source.code.startswith("unsafe", start):
        return ()
    text = source.text[opening + 1 : closing].strip()
    before, after = source.code[max(0, start - _MAX_BEFORE) : start].rstrip(), _NEXT.match(source.code, closing + 1)
    if text != site.body.strip() or not before.endswith((";", "{", "}")) or after is None:
        return ()
    end = after.end() if after[0].endswith(";") else closing + 1
    if source.text[closing + 1 : end].strip() not in ("", ";"):
        return ()
    return (source.edit(start, end, f"unsafe {{ {text[:-1].rstrip()} }};"),)


def _is_one_call(body: str) -> bool:
    """Return whether the block's content is one call and a semicolon, without a comment after it."""
    if ";" not in body:
        return False
    code = RustSource(body).code
    text = code.strip()
    if (
        len(code.rstrip()) != len(body.rstrip())
        or not text.endswith(";")
        or text.count(";") != 1
        or _NO_CALL.match(text)
    ):
        return False
    call = _CALL.match(text)
    if call is None or not text[:-1].rstrip().endswith(")"):
        return False
    inner = RustSource(text[:-1].rstrip())
    opening = call.end() - 1
    return inner.structure.closing(opening) == len(inner.code) - 1


EXAMPLES = (
    Example(
        "one call",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) {
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe { bindings::led_on(led); }
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe {
          | +        bindings::led_set(led, 1);
          | +    }
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe { bindings::led_blink(led); };
          | +}
        """,
    ),
    Example(
        "a semicolon after the brace, or more than one call",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) {
          | +    // SAFETY: `led` is valid.
          | +    unsafe { bindings::led_on(led) };
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        bindings::led_on(led);
          | +        bindings::led_off(led);
          | +    }
          | +    // SAFETY: `led` is valid.
          | +    unsafe { *led = 1; }
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        bindings::led_on(led); // before it blinks;
          | +    }
          | +    // SAFETY: `led` is valid.
          | +    unsafe { bindings::led_on(led); /* first */ }
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        bindings::led_set_all(
          | +            led,
          | +            Level::from_percentage_of_maximum(50),
          | +        );
          | +    }
          | +    match led {
          | +        // SAFETY: `led` is valid.
          | +        _ => unsafe { bindings::led_on(led); },
          | +    }
          | +}
        """,
    ),
    Example(
        "a block that goes on below the hunk",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ fn on(led: *mut u8) {
          |      // SAFETY: `led` is valid.
          | +    unsafe {
          | +        bindings::led_on(led);
        """,
    ),
)

RULE = Rule(
    id="unsafe-semicolon",
    summary="`unsafe { f(); }` instead of `unsafe { f() };`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("aiFet_2SNAwj6o2O@google.com"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("unsafe",)),
    tier=2,
)
