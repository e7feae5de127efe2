# SPDX-License-Identifier: GPL-2.0-or-later
"""A `SAFETY:` comment above safe code.

## What it flags

- An added `// SAFETY:` comment directly above a statement or an item that contains nothing unsafe, or above a safe
  function or impl whose unsafe code has comments of its own.
- A `SAFETY:` line in the documentation of a function outside of impls and traits.
- A `SAFETY:` comment on an unsafe function that has a `# Safety` section.

## Why

Either the comment is left over, and readers search in vain for the unsafe code. Or it is too far from its block, so
that the block counts as not justified. Clippy reports it as `unnecessary_safety_comment`.

## How to fix

Move the comment directly above the unsafe block. If there is no unsafe code any more, remove the tag: a guarantee of a
type is an `INVARIANT:`, and a fact that a line relies on is an ordinary comment.

## What it does not flag

- Statements with the word `unsafe` anywhere, or with a macro, because its expansion is not known. Of a function or
  impl this holds for the head.
- Comments above imports, above `extern` blocks, and above attributes such as `no_mangle` and `export`.
- Comments inside an unsafe block, an unsafe function, the arguments of a macro, an argument or field list, or an
  expression.
- Hunks that do not show the whole statement and its function.
- Unsafe functions without a `# Safety` section, which `missing-safety-section` reports.
- A comment one statement above its unsafe code, or above the function or impl with that code.
  `missing-safety-comment` asks to move it down.
"""

from collections.abc import Iterator

from rules.analysis.safe_code_comments import LINKED, safe_code_comments
from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Evidence, Severity
from rules.lazy import re
from rules.lint.evidence import LintName, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.comments import TAG_WORDS
from rules.source.rust.docs import is_safety_title
from rules.source.rust.source import RustSource

_TAGGED_LINE = re.compile(r"///?\s*SAFETY\s*:")
_MODULE = re.compile(r"\bmod\b")


_ON_SAFE_CODE = (
    "The code directly below this `SAFETY:` comment is not unsafe. Should the comment be moved, removed, or tagged "
    "`CAST:` or `INVARIANT:`?"
)
_ON_SAFE_FUNCTION = (
    "The documentation of a safe function has a `SAFETY:` tag. Please move the comment to the unsafe block inside the "
    "function, or remove the tag."
)
_ON_UNSAFE_FUNCTION = (
    "Requirements on callers belong under `# Safety`. A `SAFETY:` comment justifies an unsafe block or impl, "
    "not a function."
)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added tag above a complete statement or item that is safe, and each added tag on a function."""
    for source in file.added_sources("SAFETY"):
        if source.usual_tags is not None:
            continue
        for line, message in _on_functions(source):
            if line in file.new_lines:
                yield file.report(line, message)
        for comment in safe_code_comments(source, whole=file.confidence.rank > 1, lines=file.new_lines):
            if not comment.site_line:
                code = Evidence(f"{file.path}:{comment.code_line}", (source.line_text(comment.code_line).strip(),))
                yield file.report(Position(comment.line, comment.column), _ON_SAFE_CODE, evidence=(code,))


def _on_functions(source: RustSource) -> Iterator[tuple[int, str]]:
    """Yield the line and the message of each wrong tag on a function outside of impls and traits.

    Tags in ordinary comments on safe functions are not included, because they are reported like tags on statements.
    """
    sections: frozenset[int] | None = None
    reported: set[int] = set()
    for comment in source.comments_near(*TAG_WORDS):
        text = comment.text
        if "SAFETY" not in text or not comment.starts_line or comment.kind == "block" or not _TAGGED_LINE.match(text):
            continue
        item = source.next_item(comment.end)
        if item is None or item.kind != "fn" or item.offset in reported or LINKED.search(item.attributes):
            continue
        container = source.structure.container(item.offset)
        if source.column(item.offset) > 1 if container is None else not _MODULE.search(container):
            continue
        if item.is_unsafe and sections is None:
            sections = _find_sections(source)
        if item.offset in (sections or ()) if item.is_unsafe else text.startswith("///"):
            reported.add(item.offset)
            yield comment.line, _ON_UNSAFE_FUNCTION if item.is_unsafe else _ON_SAFE_FUNCTION


def _find_sections(source: RustSource) -> frozenset[int]:
    """Return the offsets of the items whose documentation has a Safety section."""
    return frozenset(
        documented.head.offset
        for documented in source.documented_items_with(*TAG_WORDS)
        if any(is_safety_title(title) for _, title in documented.docs.headings)
    )


EXAMPLES = (
    Example(
        "above a safe statement, a safe function, a tail expression",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> u32 {
        ! | +    // SAFETY: `led` is valid.
          | +    let ptr = led.as_ptr();
          | +    // SAFETY: `ptr` is valid.
          | +    unsafe { raw(ptr) };
          | +
        ! | +    // SAFETY: The type invariants hold.
          | +    ptr.level()
          | +}
          | +
        ! | +// SAFETY: Safe to call from any thread.
          | +#[inline]
          | +fn off(led: &Led) {
          | +    led.set(0);
          | +}
        """,
    ),
    Example(
        "one statement above its unsafe code",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut Led) {
          | +    // SAFETY: `led` is valid.
          | +    let raw = led.cast();
          | +    unsafe { led_on(raw) };
        ! | +    // SAFETY: `led` is valid.
          | +    let level = led.level;
          | +    level.set(1);
          | +    unsafe { led_off(raw) };
          | +}
        """,
    ),
    Example(
        "functions and impls, by their heads",
        """
          | diff rust/kernel/led.rs (new)
        ! | +// SAFETY: The lock is held.
          | +fn on<T>(led: &Led<T>) -> Result<u8, Error>
          | +where
          | +    T: Into<u8>,
          | +{
          | +    pr_info!("on");
          | +    // SAFETY: `led` is valid.
          | +    Ok(unsafe { raw(led) })
          | +}
        ! | +// SAFETY: The lock is held.
          | +impl<A, B> Light<A, B> for Led<{ 1 }, B> {
          | +    unsafe fn dim() {}
          | +}
          | +// SAFETY: `led` is valid.
          | +fn off(led: &Led) -> Lamp<{ 1 }, u8> {
          | +    let raw = led.raw();
          | +    unsafe { led_off(raw) }
          | +}
          | +// SAFETY: The caller holds the lock.
          | +unsafe fn blink() {
          | +    led();
          | +}
        """,
    ),
    Example(
        "functions with parameters, and their documentation",
        """
          | diff rust/kernel/led.rs (new)
        ! | +// SAFETY: `led` is valid.
          | +pub fn on(led: *mut Led) {}
          | +
          | +/// Switches it off.
          | +///
        ! | +/// SAFETY: `led` is valid.
          | +#[inline]
          | +pub fn off(led: *mut Led) {}
          | +
          | +/// Blinks.
          | +///
          | +/// # Safety
          | +///
          | +/// `led` must be valid.
        ! | +// SAFETY: `led` is valid.
          | +pub unsafe fn blink(led: *mut Led) {}
          | +
          | +/// SAFETY: `led` must be valid.
          | +pub unsafe fn dim(led: *mut Led) {}
          | +
          | +impl Led {
          | +    /// SAFETY: Called from C.
          | +    extern "C" fn release(led: *mut Led) {}
          | +}
        """,
    ),
    Example(
        "something unsafe below, or a macro",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    let x = if a { 1 } else { unsafe { raw(led) } };
          | +    // SAFETY: `led` is valid.
          | +    check(led); unsafe { raw(led) };
          | +    // SAFETY: `led` is valid.
          | +    led_call!(led);
          | +    let f = Foo {
          | +        // SAFETY: valid.
          | +        ptr: led.ptr,
          | +    };
          | +    match x {
          | +        // SAFETY: checked.
          | +        1 => g(),
          | +        _ => {}
          | +    }
          | +    pin_init!(Foo {
          | +        x: {
          | +            // SAFETY: valid.
          | +            f();
          | +        },
          | +    })
          | +}
          | +fn both(led: &Led) -> u32 {
          | +    let a = unsafe { raw(led) }
          | +        // SAFETY: It was checked.
          | +        .level();
          | +    unsafe
          | +    // SAFETY: `led` is valid.
          | +    { raw(led) };
          | +    let b =
          | +        // SAFETY: `led` is valid.
          | +        led.level();
          | +    a + b
          | +}
          | +extern "C" {
          | +    // SAFETY: The caller holds the lock.
          | +    fn led_on(led: *mut Led);
          | +}
          | +// SAFETY: No other symbol has this name.
          | +#[no_mangle]
          | +fn c_on() { led() }
          | +/// Enters the LED.
          | +///
          | +/// # Safety
          | +///
          | +/// Only boot code calls it.
          | +// SAFETY: The body is only assembly.
          | +#[unsafe(naked)]
          | +unsafe extern "C" fn enter() { led() }
          | +// SAFETY: C declares it alike.
          | +#[export]
          | +fn c_off() { led() }
          | +// SAFETY: These are the declarations of `led.h`.
          | +extern "C" {
          | +    fn led_off(led: *mut Led);
          | +}
          | +unsafe fn raw(led: *mut Led) {
          | +    // SAFETY: by the caller.
          | +    let l = led;
          | +}
          | +// SAFETY: as documented.
          | +unsafe impl Send for Led {}
          | diff rust/kernel/lamp.rs (new)
          | +// Functions for lamps.
          | +//
          | +// SAFETY: All of them rely on the lock.
          | +
          | +use crate::led;
        """,
    ),
    Example(
        "hunks that do not show the function, or the end of the statement",
        """
          | diff rust/kernel/led.rs
          |      let a = 1;
          | +    // SAFETY: `led` is valid.
          | +    let ptr = led.as_ptr();
          |      let b = 1;
          | @@
          |  fn on(led: &Led) {
          | +    // SAFETY: `led` is valid.
          | +    led.foo(
        """,
    ),
)

RULE = Rule(
    id="safety-on-safe-code",
    summary="A `SAFETY:` comment above code in which nothing is unsafe",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        LintName("clippy::unnecessary_safety_comment"),
        MessageId("b4092d2693a06526e2b39fd7642e80dd2a7cd0e8.camel@posteo.de"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("SAFETY",)),
)
