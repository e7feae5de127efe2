# SPDX-License-Identifier: GPL-2.0-or-later
"""An unsafe block or impl does not say why it is sound.

## What it flags

An `unsafe {}` block or an `unsafe impl` without a `// SAFETY:` comment, which a patch adds or whose comment it removes.
In the body of a `macro_rules!` macro and in a documentation test of the `kernel` crate it is a nit.

## Why

The compiler takes the author's word for what stands in an unsafe block. The comment is that word: it names the
conditions of the operation and says why they hold here, so that a reviewer, and whoever changes the code later, can
check them.

## How to fix

Put a comment that starts with `// SAFETY:` on the lines directly above the block, or above its statement. Look up the
`# Safety` section of what is called and answer each of its requirements. An `unsafe impl` needs its own comment, also
where two stand together.

## When it stays silent

Every comment that Clippy's `undocumented_unsafe_blocks` accepts is accepted, and so is one that only a person would
take for it: above an attribute of several lines, behind the block on its line, above the `if`, `match`, loop, bare
block or closure whose first statement the block is, above the struct literal or macro call that it is part of. Code
that was undocumented before and is only moved, re-indented or edited is not new. Vendored, generated and host code is
exempt, and so is code for which the lint is allowed or expected. Where hunks alone are known and the comment could
stand above what they show, or the block be part of a macro or a test, nothing is said.
"""

import re
from collections.abc import Iterator

from rules.callee import Requirements
from rules.exposed import Exposed, exposed_sites, heading_at, in_kernel
from rules.finding import Anchor, Finding, Severity
from rules.rule import Example, Rule, Status
from rules.syntax.rust_model import UnsafeSite
from rules.syntax.rust_operations import Operation, implementation, operations
from rules.view import FileView

_UNSEEN = re.compile(r"\bmacro_rules!|\bmod (?:tests?|\w+_tests?)\b|\bfn test_")


def check(file: FileView) -> Iterator[Finding]:
    """One finding for each unsafe block and impl that this patch leaves without a comment."""
    if file.post is None or not file.is_rust or not in_kernel(file.path, file.post):
        return
    requirements = Requirements(file)
    for one in exposed_sites(file):
        site = one.code
        if site.allowed or (site.setting == "doctest" and not file.path.startswith("rust/kernel/")):
            continue
        if not file.post.complete and _UNSEEN.search(heading_at(file.change, site.line)):
            continue
        operation = implementation(site.body) if site.kind == "impl" else next(iter(operations(site.body)), None)
        asked = requirements.of(operation, site.scope) if operation is not None else None
        yield Finding(
            RULE.id,
            Severity.NIT if site.setting in ("macro-definition", "doctest") else RULE.severity,
            site.confidence,
            Anchor(file.patch.index, file.path, one.side, one.line, one.column, one.text),
            _message(one, operation, told=asked is not None),
            evidence=(asked,) if asked is not None else (),
            scope=site.scope,
            facts=(("kind", site.kind), ("cause", one.cause), ("setting", site.setting)),
        )


def _message(one: Exposed[UnsafeSite], operation: Operation | None, *, told: bool) -> str:
    what = "`unsafe impl`" if one.code.kind == "impl" else "`unsafe` block"
    if one.cause == "added":
        problem = f"This {what} has no `// SAFETY:` comment."
    elif one.side == "pre":
        problem = f"This removes the `// SAFETY:` comment, but the {what} below it stays."
    elif one.cause == "comment-removed":
        problem = f"This {what} had a `// SAFETY:` comment, which is gone now."
    else:
        problem = f"The `// SAFETY:` comment of this {what} is no longer directly above it."
    where = {"doctest": " Documentation tests are built as KUnit tests."}.get(one.code.setting, "")
    return f"{problem} {_wanted(operation, told=told)}{where}"


def _wanted(operation: Operation | None, *, told: bool) -> str:
    if operation is None:
        return "It should say why this is sound."
    if operation.kind == "implementation":
        what = f"why `{operation.name}` may be implemented here"
        asking = "the trait"
    elif operation.kind == "call":
        what = f"why `{operation.name}()` may be called here"
        asking = f"`{operation.callee}`"
    else:
        what = f"why `{operation.name}` may be dereferenced here"
        asking = ""
    more = f", and answer what {asking} asks for" if told else ""
    return f"It should say {what}{more}."


EXAMPLES = (
    Example(
        "a new block and a new impl",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
        ! warning high | +    unsafe { bindings::led_on(led.0) };
          | +}
          | +
        ! | +unsafe impl Send for Led {}
          | +// SAFETY: `Led` has no thread of its own.
          | +unsafe impl Sync for Led {}
        """,
    ),
    Example(
        "a comment above the block, its statement, in the braces, behind the line before",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // TODO: check.
          | +    // SAFETY: `led` is valid.
          | +
          | +    #[cfg(CONFIG_LED)]
          | +    unsafe { bindings::led_on(led.0) };
          | +    // SAFETY: `led` is valid.
          | +    let long_name = Some(
          | +        unsafe { bindings::led_get(led.0) },
          | +    );
          | +    let c = unsafe {
          | +        // SAFETY: `led` is valid.
          | +        bindings::led_get(led.0)
          | +    };
          | +    let d = // SAFETY: `led` is valid.
          | +        unsafe { bindings::led_get(led.0) };
          | +    Ok(())
          | +}
        """,
    ),
    Example(
        "what only a person takes for the block's comment",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    #[expect(
          | +        unused
          | +    )]
          | +    let a = unsafe { bindings::led_get(led.0) };
          | +    unsafe { led_on(led.0) }; // SAFETY: `led` is valid.
          | +    // SAFETY: `led` is valid.
          | +    match a {
          | +        0 => unsafe { bindings::led_on(led.0) },
          | +        _ => {
          | +            unsafe { bindings::led_off(led.0) }
          | +        }
          | +    }
          | +    // SAFETY: `led` is valid.
          | +    let led = Led {
          | +        name: 1,
          | +        raw: unsafe { bindings::led_get(led.0) },
          | +    };
          | +    Ok(())
          | +}
        """,
    ),
    Example(
        "another statement, another impl and another block need their own comment",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
          | +    // SAFETY: `led` is valid.
          | +    let raw = led.0;
        ! | +    unsafe { bindings::led_on(raw) };
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        bindings::led_off(raw);
        ! | +        unsafe { bindings::led_on(raw) };
          | +    }
          | +}
          | +// SAFETY: `Led` has no thread of its own.
          | +unsafe impl Send for Led {}
        ! | +unsafe impl Sync for Led {}
        """,
    ),
    Example(
        "the body of a macro, its matcher, a mark for a macro, a field of an initialiser",
        """
          | diff rust/kernel/led.rs (new)
          | +macro_rules! led {
          | +    (unsafe { $led:ident }) => {
      ! nit | +        unsafe { bindings::led_on($led) }
          | +    };
          | +}
          | +led!(unsafe { Led });
          | +fn new() -> impl PinInit<Led> {
          | +    try_pin_init!(Led {
          | +        // SAFETY: `led_init` fills the slot.
          | +        raw <- unsafe { led_init() },
        ! | +        more <- unsafe { led_init() },
          | +    })
          | +}
        """,
    ),
    Example(
        "the comment goes, the block stays",
        """
          | diff rust/kernel/led.rs (whole)
          |  fn on(led: &Led) {
        ! | -    // SAFETY: `led` is valid.
          |      unsafe { bindings::led_on(led.0) };
          |      // SAFETY: `led` is valid.
          | +    let raw = led.0;
        ! |      unsafe { bindings::led_off(led.0) };
          |  }
        """,
    ),
    Example(
        "old debt that is moved, re-indented or edited is not new",
        """
          | diff rust/kernel/led.rs (whole)
          |  fn on(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | -    unsafe { bindings::led_off(led.0) };
          | +    if led.is_off() {
          | +        unsafe { bindings::led_on(led.0) };
          | +    }
          |  }
          | diff rust/kernel/led/off.rs (new)
          | +fn off(led: &Led) {
          | +    unsafe { bindings::led_off(led.0) };
          | +}
        """,
    ),
    Example(
        "a later patch of the series adds the comment",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
     ! mended | +    unsafe { bindings::led_on(led.0) };
          | +}
          | patch rust: led: say why
          | diff rust/kernel/led.rs
          |  fn on(led: &Led) {
          | +    // SAFETY: `led` is valid.
          |      unsafe { bindings::led_on(led.0) };
          |  }
        """,
    ),
    Example(
        "a later patch of the series edits one and drops the other",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
        ! | +    unsafe { bindings::led_on(led.0) };
     ! mended | +    unsafe { bindings::led_blink(led.0) };
          | +}
          | patch rust: led: set the level
          | diff rust/kernel/led.rs
          |  fn on(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | +    unsafe { bindings::led_on(led.0, 1) };
          |      unsafe { bindings::led_blink(led.0) };
          |  }
          | patch rust: led: no blinking
          | diff rust/kernel/led.rs
          |  fn on(led: &Led) {
          |      unsafe { bindings::led_on(led.0, 1) };
          | -    unsafe { bindings::led_blink(led.0) };
          |  }
        """,
    ),
    Example(
        "a later patch of the series moves it",
        """
          | patch rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) {
        ! | +    unsafe { bindings::led_on(led.0) };
          | +}
          | patch rust: led: move
          | diff rust/kernel/led.rs (deleted)
          | -fn on(led: &Led) {
          | -    unsafe { bindings::led_on(led.0) };
          | -}
          | diff rust/kernel/light.rs (new)
          | +fn on(led: &Led) {
          | +    unsafe { bindings::led_on(led.0) };
          | +}
        """,
    ),
    Example(
        "hunks that show the head of a macro, and that show only an else branch",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ fn other() {
          |  macro_rules! led {
          |      ($led:expr) => {
      ! nit medium | +        unsafe { bindings::led_on($led) };
          |          1
          |      };
          |  }
          | @@ 80 @@ fn on() {
          |          a();
          |      } else {
          | +        unsafe { bindings::led_off() };
          |      }
        """,
    ),
    Example(
        "hunks that show enough, and that do not",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ impl Led {
          |          let raw = self.0;
          |          self.check();
   ! medium | +        unsafe { bindings::led_on(raw) };
          |          raw.done();
          | @@ 80 @@ impl Led {
          | +        unsafe { bindings::led_off(raw) };
          |          raw.done();
          | @@ 120 @@ macro_rules! led {
          |          let raw = self.0;
          |          self.check();
          | +        unsafe { bindings::led_on(raw) };
        """,
    ),
    Example(
        "vendored and generated code, and where the lint is allowed",
        """
          | diff rust/syn/led.rs (new)
          | +fn on() { unsafe { led_on() } }
          | diff drivers/gpu/led/fw/bindings.rs (new)
          | +fn on() { unsafe { led_on() } }
          | diff rust/kernel/led.rs (new)
          | +#[expect(clippy::undocumented_unsafe_blocks)]
          | +fn on() { unsafe { led_on() } }
        """,
    ),
)

RULE = Rule(
    id="missing-safety-comment",
    summary="An unsafe block or impl has no SAFETY comment",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        "Documentation/rust/coding-guidelines.rst, Comments",
        "clippy::undocumented_unsafe_blocks",
        "CANiq72miQSuEEzKZsOhHKDah1kP+8PYcmODGqwtcaRwAggF-+g@mail.gmail.com",
        "aDMDrT7WIDc-yD0p@pollux.localdomain",
        "20251117233434.GA1095868@joelbox2",
    ),
    examples=EXAMPLES,
    check_file=check,
)
