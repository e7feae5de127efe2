# SPDX-License-Identifier: GPL-2.0-or-later
"""A public function has a type of the C bindings in its signature.

## What it flags

A `pub fn` of the `kernel` crate that a patch adds, if its signature contains `bindings::Type`.

## Why

Drivers should not need C types. A public signature with a C type forces every caller to handle raw C.

## How to fix

Wrap the type, or make the function `pub(crate)`.

## What it does not flag

- Functions such as `from_raw`, `as_raw` and `as_ptr`, whose purpose is the conversion from or to C types.
- `pub(crate)`, `pub(super)` and private functions, and functions with `#[doc(hidden)]`.
- Unsafe functions with raw pointers to C types only, which are for other abstractions.
- Trait methods, macros, tests, and callbacks with a C calling convention.
- Methods of a type that the same file declares without `pub`.
- Functions that the patch only moves or edits, or that replace another one with the type.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.code_place import is_in_test
from rules.source.rust.source import RustSource

_FUNCTION = re.compile(r"pub(?<!\wpub)\s+(?:const\s+)?(?P<unsafe>unsafe\s+)?fn\s+(?P<name>\w++)(?P<rest>[^{;]*+)")
_TYPE = re.compile(r"(?P<pointer>\*\s*(?:mut|const)\s+(?:(?:kernel|crate)::)?)?\bbindings::(?P<type>[a-z]\w*)")
_HIDDEN = re.compile(r"#\[\s*+doc\s*+\([^)#]*?\bhidden\b")
_CONVERSION = re.compile(r"(?:.*_)?(?:raw|ptr|from|into|as)(?:_.*)?$|.*_(?:callback|vtable)$")
_ITEM_END = re.compile(r"[;{}]")
_MAX_ATTRIBUTES = 1_000  # characters above a function that are searched for attributes


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each public function with a C type."""
    if not file.in_kernel_crate:
        return
    for item in introduced(file, "", _occurrences):
        function, c_type = item.scope, item.key
        message = (
            f"The public function `{function}` has the C type `bindings::{c_type}` in its signature. "
            "Should the type be wrapped?"
        )
        yield file.report(Position(item.line, item.column), message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    """Yield the public functions with a C type, which is the key. The scope is the name of the function."""
    for match in _FUNCTION.finditer(source.code) if source.contains(b"bindings::") else ():
        c_type = _exposed_type(match)
        if c_type is None or _CONVERSION.match(match["name"]) or _is_internal(source, match.start()):
            continue
        above = _ITEM_END.split(source.code[max(0, match.start() - _MAX_ATTRIBUTES) : match.start()])[-1]
        if not _HIDDEN.search(above):
            at = match.start("name")
            yield Occurrence(c_type, source.line(at), source.column(at), scope=match["name"])


def _is_internal(source: RustSource, offset: int) -> bool:
    """Return whether a place is in a macro, a test, or an impl of a type that its file does not make public."""
    if any(True for _ in source.structure.macros(offset)) or is_in_test(source, offset):
        return True
    name = source.structure.self_type(offset)
    return any(
        item.name == name and not item.is_public for item in source.items if item.kind in ("struct", "enum", "union")
    )


def _exposed_type(function: re.Match[str]) -> str | None:
    """Return the first C type in a signature. An unsafe function may take pointers: it is for other abstractions."""
    for match in _TYPE.finditer(function["rest"]):
        if function["unsafe"] is None or match["pointer"] is None:
            return match["type"]
    return None


EXAMPLES = (
    Example(
        "a C type as argument",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
        ! | +    pub fn attach(&self, dev: *mut bindings::device) {}
          | +}
        """,
    ),
    Example(
        "conversions, and functions that stay in the crate",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
          | +    pub unsafe fn from_raw<'a>(ptr: *mut bindings::led) -> &'a Self {}
          | +    pub fn as_raw(&self) -> *mut bindings::led {}
          | +    pub(crate) fn attach(&self, dev: *mut bindings::device) {}
          | +    pub unsafe fn get_device(dev: *mut bindings::device) -> ARef<Device> {}
          | +    pub fn max(&self) -> u32 { bindings::LED_MAX }
          | +    #[doc(hidden)]
          | +    #[inline]
          | +    pub const fn new(val: bindings::led) -> Self { Self(val) }
          | +}
          | +pub(crate) struct Inner;
          | +impl<T> Inner<T> {
          | +    pub fn set(&self, level: bindings::led_level) {}
          | +}
          | +macro_rules! level {
          | +    () => { pub fn level(&self) -> bindings::led_level {} };
          | +}
          | +#[cfg(test)]
          | +mod tests {
          | +    pub fn level() -> bindings::led_level {}
          | +}
        """,
    ),
    Example(
        "an edited function, and one that becomes public",
        """
          | diff rust/kernel/led.rs
          |  impl Led {
          | -    pub fn attach(&self, dev: *mut bindings::device) {}
          | +    pub fn attach(&mut self, dev: *mut bindings::device) {}
          | -    fn level(&self) -> bindings::led_level {}
        ! | +    pub fn level(&self) -> bindings::led_level {}
        """,
    ),
)

RULE = Rule(
    id="bindings-type-in-api",
    summary="A public function has a type of the C bindings in its signature",
    severity=Severity.NIT,
    status=Status.PREVIEW,
    doc=__doc__ or "",
    evidence=(MessageId("CANiq72kObXP7-YtcXnWQXJpEQ=N+RtcSeM6A+scBK00VkFj5JA@mail.gmail.com"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("bindings::", "pub"), mentions=("bindings::",)),
    tier=2,
)
