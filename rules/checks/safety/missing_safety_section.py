# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation of an unsafe function or trait does not say what it requires.

## What it flags

An `unsafe fn` or `unsafe trait` without a `# Safety` section in its documentation, if the patch adds the item or
removes its section. Private functions count too. In the body of a `macro_rules!` macro it is a nit.

## Why

An unsafe function may be called, and an unsafe trait implemented, only under conditions that the compiler does not
check. Without the section it cannot be decided whether a `// SAFETY:` comment covers all conditions.

## How to fix

Add a section with the heading `# Safety` to the `///` documentation. List what a caller, or an implementation of the
trait, has to guarantee. An ordinary comment such as `// SAFETY:` is not part of the documentation.

## What it does not flag

- Methods in the implementation of a trait, because the documentation of the trait applies.
- Foreign functions, items with `#[doc(hidden)]`, and code for which `missing_safety_doc` is allowed or expected.
- Vendored, generated and host code.

The headings `Safety`, `SAFETY`, `Implementation safety` and `Implementation Safety` are accepted at any level, also in
a `#[doc = ".."]` attribute. Documentation that is included from a file counts as complete. If only hunks are known, and
the documentation or an enclosing `impl` of a trait may be above them, nothing is reported.
"""

from collections.abc import Iterator

from rules.analysis.unjustified import UnjustifiedSite, unjustified_declarations
from rules.analysis.view import METAVARIABLE, FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, LintName, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.model import MACRO_DEFINITIONS, UnsafeDeclaration

_UNSEEN = re.compile(METAVARIABLE + r"|\bmacro_rules!|\bmod (?:tests?|\w+_tests?)\b|\bextern\b[^(){]{0,200}\{")
_MAX_ABOVE = 100  # lines of comments and attributes above an item that are searched
_TITLE = re.compile(r"(?:un)?safety(?![\w-])", re.IGNORECASE)
_CONTENT = re.compile(  # a comment with the content of a section
    r"(?://(?![/!])|/\*(?!\*))\s*+(?:#++\s*+)?safety\b(?!-\w)|///\s*+(?:#++\s*+)?safety\s*+:", re.IGNORECASE
)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each unsafe function and trait that this patch leaves without a safety section."""
    if file.post is None:
        return
    for unjustified in unjustified_declarations(file):
        item = unjustified.code
        if not file.post.is_complete and _UNSEEN.search(file.hunk_heading(item.line)):
            continue
        yield file.report(
            unjustified.position,
            _message(file, unjustified),
            severity=Severity.NIT if item.setting in (*MACRO_DEFINITIONS, "doctest") else None,
            confidence=item.confidence,
            scope=item.scope,
            facts=(("kind", item.kind), ("cause", unjustified.cause), ("setting", item.setting)),
        )


def _message(file: FileView, unjustified: UnjustifiedSite[UnsafeDeclaration]) -> str:
    item = unjustified.code
    name = f"`unsafe {item.kind} {item.name}`" if item.name else f"This `unsafe {item.kind}`"
    content = "what a caller has to guarantee" if item.kind == "fn" else "what an implementation has to guarantee"
    if unjustified.cause != "added":
        return f"{name} loses the `# Safety` section of its documentation. It should still say {content}."
    if any(_TITLE.match(title) for _, title in item.docs.headings):
        return f"{name} has a section about safety. Its heading should be exactly `# Safety`, which Clippy asks for."
    if _has_content(file, item.line):
        return f"{name} has no `# Safety` section in its documentation. Turn the comment above it into the section."
    return f"{name} has no `# Safety` section in its documentation. It should say {content}."


def _has_content(file: FileView, line: int) -> bool:
    """Return whether a comment directly above the item on a line has the content of a Safety section."""
    for above in range(line - 1, line - 1 - _MAX_ABOVE, -1):
        text = file.post_lines.get(above, "").lstrip()
        if _CONTENT.match(text):
            return True
        if not text.startswith(("//", "#[")):
            break
    return False


EXAMPLES = (
    Example(
        "functions and traits, private ones too",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Switches it on.
        ! warning high | +pub unsafe fn on(led: *mut Led) {}
          | +
        ! | +unsafe fn off(led: *mut Led) {}
          | +
        ! | +unsafe extern "C" fn release(led: *mut Led) {}
          | +
          | +/// Lights.
        ! | +pub unsafe trait Light {
          | +    /// Switches it on.
        ! | +    unsafe fn on(&self);
          | +}
        """,
    ),
    Example(
        "accepted headings",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Switches it on.
          | +///
          | +/// # Safety
          | +///
          | +/// `led` must be valid.
          | +#[inline]
          | +pub unsafe fn on(led: *mut Led) {}
          | +
          | +/// ## Implementation safety
          | +///
          | +/// Must light.
          | +pub unsafe trait Light {
          | +    /// SAFETY
          | +    /// ======
          | +    ///
          | +    /// None.
          | +    unsafe fn on(&self);
          | +}
          | +#[doc = "# Safety"]
          | +unsafe fn off() {}
          | +#[doc = include_str!("led.md")]
          | +unsafe fn blink() {}
          | +/** Toggles.
          | + *
          | + * # Safety
          | + */
          | +unsafe fn toggle() {}
        """,
    ),
    Example(
        "text that looks like the heading",
        """
          | diff rust/kernel/led.rs (new)
          | +/// # Safety:
        ! | +unsafe fn a() {}
          | +/// # Safety Requirements
        ! | +unsafe fn b() {}
          | +/// ```
          | +/// # Safety
          | +/// ```
        ! | +unsafe fn c() {}
          | +// # Safety
        ! | +unsafe fn d() {}
        """,
    ),
    Example(
        "trait implementations, foreign items, hidden and allowed ones",
        """
          | diff rust/kernel/led.rs (new)
          | +// SAFETY: `Led` lights.
          | +unsafe impl Light for Led {
          | +    unsafe fn on(&self) {}
          | +}
          | +extern "C" {
          | +    unsafe fn led_on();
          | +}
          | +#[doc(hidden)]
          | +pub unsafe fn __on() {}
          | +#[expect(clippy::missing_safety_doc)]
          | +mod raw {
          | +    pub unsafe fn on() {}
          | +}
          | +type On = unsafe fn();
        """,
    ),
    Example(
        "a removed section; a function that becomes unsafe",
        """
          | diff rust/kernel/led.rs (whole)
          |  /// Switches it on.
        ! | -/// # Safety
          | -/// `led` must be valid.
          |  pub unsafe fn on(led: *mut Led) {}
          |
          | -pub fn off(led: *mut Led) {}
        ! | +pub unsafe fn off(led: *mut Led) {}
        """,
    ),
    Example(
        "a section that a later patch restores",
        """
                | patch rust: led: reword
                | diff rust/kernel/led.rs (whole)
                |  /// Switches it on.
                |  ///
        ! fixed | -/// # Safety
                | +/// Be careful:
                |  ///
                |  /// `led` must be valid.
                |  pub unsafe fn on(led: *mut Led) {}
                | patch rust: led: restore
                | diff rust/kernel/led.rs
                |  /// Switches it on.
                |  ///
                | -/// Be careful:
                | +/// # Safety
                |  ///
                |  /// `led` must be valid.
                |  pub unsafe fn on(led: *mut Led) {}
        """,
    ),
    Example(
        "an old function that is moved and gets a parameter",
        """
          | diff rust/kernel/led.rs (whole)
          | -pub unsafe fn on(led: *mut Led) {}
          |  fn other() {}
          | +pub unsafe fn on(led: *mut Led, level: u8) {}
        """,
    ),
    Example(
        "hunks that show the documentation, and hunks that do not",
        """
          | diff rust/kernel/led.rs
          | @@ 40 @@ impl Led {
          |          self.0
          |      }
          |
   ! medium | +    pub unsafe fn on(led: *mut Led) {
          | +        on_all(led)
          | +    }
          | +
          | +    unsafe fn release(led: *mut Led) {
          | +        release_all(led)
          | +    }
          | @@ 90 @@ impl Led {
          | +    pub unsafe fn off(led: *mut Led) {
          | +        off_all(led)
          | +    }
          | @@ 140 @@ fn dim(&self) -> $level {
          |      }
          |
          | +    pub unsafe fn dim_all(led: *mut Led) {
          | +        all(led)
          | +    }
        """,
    ),
)

RULE = Rule(
    id="missing-safety-section",
    summary="An unsafe function or trait has no Safety section in its documentation",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Code documentation"),
        LintName("clippy::missing_safety_doc"),
        MessageId("CANiq72=3p50vyA5MsqZD6_Ma53DSLyrqyKYUwH9o-+Bq=REaQQ@mail.gmail.com"),
        MessageId("ZyVIQxTf1qkts1d_@Boquns-Mac-mini.local"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(mentions=("unsafe",)),
)
