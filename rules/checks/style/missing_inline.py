# SPDX-License-Identifier: GPL-2.0-or-later
"""A small function of the `kernel` crate without `#[inline]`.

## What it flags

In `rust/kernel`: an added function that is not generic and whose body is one call of a C function, or one field.

## Why

Without the attribute, the function is not inlined into modules, and each use is a call of a function that only calls
another function.

## How to fix

Write `#[inline]` above the function.

## What it does not flag

- Generic functions and functions in generic impls, which modules compile themselves.
- Private functions, functions that C calls, constructors, methods of `Drop`, and functions in macros.
- Methods in hunks that do not show their impl, unless git names it above the hunk.
- Drivers, where no other module calls the function.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Confidence, Diagnostic, Severity
from rules.lazy import re, replace
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.source import RustSource

_FUNCTION = re.compile(r"\bpub\s+(?:const\s+)?(?:unsafe\s+)?fn\s+(?P<name>\w+)\s*(?P<next>[(<])")
_START = re.compile(
    r"\s*+(?>unsafe\s*+\{\s*+)?+(?>!\s*+)?+(?:(?P<call>(?>crate::)?+bindings::\w++\()"
    r"|\(\*\s*+self(?>\.\w++(?>\(\))?+)*+\)\.\w++(?>\(\))?+|&?+self\.\w++(?>\.\w++)?+)"
)
_END = re.compile(r"(?>\s?+as\s[\w:]++|\s?+[!=]=\s0)?+;?+\s*+\}?+\s*+\Z")
_GENERIC_IMPL = re.compile(r"\bimpl<(?!'\w{1,40}+>)")
_PLAIN_IMPL = re.compile(r"impl(?><'\w{1,40}+>)?+ ")
_ATTRIBUTES = re.compile(r"#\[inline\b|\binline(?>\(always\))?+\)\]")
_MAX_BODY = 600  # characters of the body of a small function
_MAX_HEAD = 400  # characters between the parameters of a function and its body


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added function that only calls a C function or reads a field."""
    if not file.in_kernel_crate:
        return
    for item in introduced(file, "fn ", _occurrences):
        if item.confidence is Confidence.LOW and not _PLAIN_IMPL.match(file.hunk_heading(item.line)):
            continue
        yield file.report(item, f"`{item.key}` is so small that it should be `#[inline]`.")


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    """Yield the small functions, with low confidence if the impl around them is not shown."""
    structure = source.structure
    for match in _FUNCTION.finditer(source.code):
        if match["next"] == "<":
            continue
        opening = _body(source, match.end() - 1)
        closing = structure.closing(opening) if opening is not None else None
        if opening is None or closing is None or closing - opening > _MAX_BODY:
            continue
        if not _is_small(source, opening + 1, closing) or _ATTRIBUTES.search(structure.head(opening)):
            continue
        around = structure.container(match.start())
        is_in_macro = next(structure.macros(match.start()), None) is not None
        if not is_in_macro and not _GENERIC_IMPL.search(around or "") and _is_shown(source, match.start()):
            item = occurrence(match["name"], source, match.start())
            is_method = item.column > 1 and source.first_line > 1
            yield item if around or not is_method else replace(item, confidence=Confidence.LOW)


def _is_small(source: RustSource, start: int, end: int) -> bool:
    """Return whether the code of a body is one call of a C function, or one field."""
    match = _START.match(source.code, start, end)
    if match is None:
        return False
    after: int | None = match.end()
    if match["call"]:
        closing = source.structure.closing(match.end() - 1)
        after = None if closing is None or "bindings::" in source.code[match.end() : closing] else closing + 1
    return after is not None and _END.match(source.code, after, end) is not None


def _body(source: RustSource, parameters: int) -> int | None:
    """Return the offset of the brace that opens a function's body; None if it has none, or is generic."""
    closing = source.structure.closing(parameters)
    if closing is None:
        return None
    opening = source.code.find("{", closing, closing + _MAX_HEAD)
    head = source.code[closing:opening] if opening >= 0 else ";"
    return None if ";" in head or "impl " in source.code[parameters:closing] else opening


def _is_shown(source: RustSource, offset: int) -> bool:
    """Return whether the lines above the function, where its attributes stand, are shown."""
    return source.line(offset) > source.first_line + 1 or source.first_line == 1


EXAMPLES = (
    Example(
        "a call, and a field",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
        ! | +    pub fn level(&self) -> u32 {
          | +        // SAFETY: The LED is valid.
          | +        unsafe { bindings::led_level(self.as_raw()) }
          | +    }
          | +
        ! | +    pub fn color(&self) -> u32 {
          | +        // SAFETY: The LED is valid.
          | +        unsafe { (*self.as_raw()).color }
          | +    }
          | +}
        """,
    ),
    Example(
        "hunks that do not show the impl",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ impl Led {
          |          self.0
          |      }
          |
        ! | +    pub fn level(&self) -> u32 {
          | +        self.level
          | +    }
          | @@ 80 @@ impl<T: Level> Led<T> {
          |          self.0
          |      }
          |
          | +    pub fn color(&self) -> u32 {
          | +        self.color
          | +    }
          | @@ 120 @@ fn name(&self) -> &CStr {
          |          self.0
          |      }
          |
          | +    pub fn number(&self) -> u32 {
          | +        self.number
          | +    }
        """,
    ),
    Example(
        "the attribute, generic code, and longer functions",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
          | +    /// Returns the level.
          | +    #[inline]
          | +    pub fn level(&self) -> u32 {
          | +        // SAFETY: The LED is valid.
          | +        unsafe { bindings::led_level(self.as_raw()) }
          | +    }
          | +    pub fn set<T: Level>(&self, level: T) {
          | +        // SAFETY: The LED is valid.
          | +        unsafe { bindings::led_set(self.as_raw(), level.raw()) }
          | +    }
          | +    pub fn blink(&self) -> Result {
          | +        // SAFETY: The LED is valid.
          | +        to_result(unsafe { bindings::led_blink(self.as_raw()) })
          | +    }
          | +}
          | +impl<T: Level> Leds<T> {
          | +    pub fn level(&self) -> u32 {
          | +        // SAFETY: The LED is valid.
          | +        unsafe { bindings::led_level(self.as_raw()) }
          | +    }
          | +}
          | diff drivers/led.rs (new)
          | +pub fn on() {
          | +    // SAFETY: There is a LED.
          | +    unsafe { bindings::led_on() }
          | +}
        """,
    ),
)

RULE = Rule(
    id="missing-inline",
    summary="A small function of the kernel crate without `#[inline]`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("DGRHAEM7OFBD.27RUUCHCRHI6K@garyguo.net"),
        MessageId("DB6KIR4X6GKM.3EJYQJXILGOGN@kernel.org"),
        MessageId("20251207062819.GA212851@joelbox2"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("fn ",)),
    tier=2,
)
