# SPDX-License-Identifier: GPL-2.0-or-later
"""A `&mut` reference to memory that C owns.

## What it flags

An added `&mut (*p).field`, if `p` is a `*mut bindings::T` in the same function.

## Why

A `&mut` promises that no other code reads or writes the memory as long as the reference exists, and that the value is
valid. C keeps pointers into its structs, and changes them under locks that Rust does not see. That breaks the promise,
and is undefined behaviour even if the reference is only used as a pointer.

## How to fix

Make a pointer instead of a reference: `&raw mut (*p).field`.

## What it does not flag

`&raw mut`, `addr_of_mut!`, elements, slices and methods of a field, and pointers whose type the function does not
state.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.source import RustSource

_MAX_DISTANCE = 8_000  # characters above the reference that are searched for the pointer's declaration
_REFERENCE = re.compile(
    r"&\s*mut\s*\(\s*\*\s*(?P<ptr>[a-z_]\w*)\s*\)\s*\.\s*(?P<field>(?>r#)?+\w++(?>\.(?>r#)?+\w++)*+)(?!\s*+(?:[(\[.?]|::))"
)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added reference through a pointer that is declared as a pointer to a C type."""
    for item in introduced(file, "&mut", _occurrences):
        message = (
            f"`&mut` to a field of a C struct promises exclusive access that C does not give. "
            f"`&raw mut {item.key}` makes a pointer without a reference."
        )
        yield file.report(item, message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for match in _REFERENCE.finditer(source.code):
        if _points_to_c(source, match.start(), match["ptr"]):
            key = f"(*{match['ptr']}).{match['field']}"
            yield occurrence(key, source, match.start())


def _points_to_c(source: RustSource, offset: int, name: str) -> bool:
    """Return whether the last declaration of the name above, in the same function, is a pointer to a C type."""
    function = source.structure.function(offset)
    if function is None:
        return False
    code = source.code
    head = source.structure.head(function[0])
    text = head + code[max(function[0], offset - _MAX_DISTANCE) : offset]
    declared = list(
        re.finditer(
            rf"(?<![\w.]){name}\s*+:(?!:)\s*+(?P<type>[^=;,)|]*)|\blet\s+(?:mut\s+)?{name}\b[^;]*"
            rf"|(?<![\w.]){name}\b(?:[\w\s,)}}\]]|\.\.){{0,200}}(?:=(?!=)|\||\bin\b)",  # in a pattern
            text,
        )
    )
    if not declared:
        return False
    return re.search(r"\*\s*mut\s+(?:kernel\s*::\s*)?bindings\s*::\s*\w+", declared[-1][0]) is not None


EXAMPLES = (
    Example(
        "a reference into a C struct",
        """
          | diff rust/kernel/led.rs (new)
          | +fn lock(led: *mut bindings::led) {
          | +    // SAFETY: `led` is valid.
        ! | +    let lock = unsafe { &mut (*led).lock };
          | +    let dev: *mut bindings::device = get();
          | +    // SAFETY: `dev` is valid.
        ! | +    unsafe { bindings::init(&mut (*dev).list) };
          | +}
        """,
    ),
    Example(
        "a pointer, or a type that is not from C",
        """
          | diff rust/kernel/led.rs (new)
          | +fn lock(led: *mut bindings::led, own: *mut Led) {
          | +    // SAFETY: `led` is valid.
          | +    let lock = unsafe { &raw mut (*led).lock };
          | +    // SAFETY: `own` is valid.
          | +    let own = unsafe { &mut (*own).lock };
          | +    let led = Led::of(led);
          | +    // SAFETY: `led` is valid.
          | +    let lock = unsafe { &mut (*led).lock };
          | +    // SAFETY: `x` is valid.
          | +    let lock = unsafe { &mut (*x).lock };
          | +}
        """,
    ),
    Example(
        "elements, slices and methods of a field",
        """
          | diff rust/kernel/led.rs (new)
          | +fn names(led: *mut bindings::led) {
          | +    // SAFETY: `led` is valid.
          | +    let name = unsafe { &mut (*led).name[..8] };
          | +    // SAFETY: `led` is valid.
          | +    let colour = unsafe { &mut (*led).colours [0] };
          | +    // SAFETY: `led` is valid.
          | +    let next = unsafe { &mut (*led).colours.iter().next() };
          | +    // SAFETY: `led` is valid.
          | +    let raw = unsafe { &mut (*led).private.cast::<Private>() };
          | +    // SAFETY: `led` is valid.
        ! | +    let kind = unsafe { &mut (*led).r#type as *mut _ };
          | +}
        """,
    ),
    Example(
        "another variable of the same name",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut bindings::led, leds: &Leds) {
          | +    leds.for_each(|led| {
          | +        // SAFETY: `led` is valid.
          | +        unsafe { lock(&mut (*led).lock) };
          | +    });
          | +}
          | +fn off(led: *mut bindings::led, leds: &Leds) {
          | +    for (index, led) in leds.iter() {
          | +        // SAFETY: `led` is valid.
          | +        unsafe { lock(&mut (*led).lock) };
          | +    }
          | +}
          | +fn blink(led: *mut bindings::led, leds: &Leds) {
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe { lock(&mut (*led).lock) };
          | +    if let Some(led) = leds.first(led) {
          | +        // SAFETY: `led` is valid.
          | +        unsafe { lock(&mut (*led).lock) };
          | +    }
          | +}
          | +fn toggle(led: *mut bindings::led, leds: &Leds) {
          | +    match leds.first(led) {
          | +        // SAFETY: `led` is valid.
          | +        Some(led) => unsafe { lock(&mut (*led).lock) },
          | +        None => {}
          | +    }
          | +}
        """,
    ),
)

RULE = Rule(
    id="mut-ref-to-c-type",
    summary="`&mut` to a field of a C struct instead of `&raw mut`",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("CAH5fLggWOkut0O+28NVYBSF2CTpHXe9Thb3rhXoRZo5e9zFjzw@mail.gmail.com"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("&mut",), mentions=("bindings::",)),
)
