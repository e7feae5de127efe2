# SPDX-License-Identifier: GPL-2.0-or-later
"""A `# Safety` section on something that is not unsafe.

## What it flags

The heading `# Safety` in the documentation of a struct, enum, union, type alias, constant, or of a trait or function
that is not `unsafe`, where the patch adds the heading or makes the item safe.

## Why

The section tells callers what they have to guarantee. A safe function must be sound whatever its caller does, and a
type has no caller: its rules are invariants. A section in the wrong place hides either a function that ought to be
unsafe or an invariant that nobody can find.

## How to fix

If callers can break it, make the function `unsafe`. Else drop the section, put what holds for a type under `#
Invariants`, and what the function relies on into `// SAFETY:` comments inside it.

## When it stays silent

Unsafe functions, traits and impls and what stands in them, functions of an `extern` block, macros, modules. Headings
inside code examples.
"""

import re
from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import LintName, MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.docs import is_safety_title
from rules.source.rust.outline import Item, Outline, outline, statement_end

_KINDS = {
    "fn": "safe function",
    "trait": "safe trait",
    "struct": "struct",
    "enum": "enum",
    "union": "union",
    "type": "type alias",
    "const": "constant",
    "static": "static",
}
_TRAIT = re.compile(r"\btrait\s")
_WORDS = ("fn ", "trait ", "struct ", "enum ", "union ", "type ", "const ", "static ")


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each heading on a safe item, where the heading or the item's head is new."""
    if not file.is_kernel_rust or not file.mentions(b"# S", b"///") or not file.adds("# S", "# I", *_WORDS):
        return
    for part in file.parts_with(b"SAFETY", b"afety"):
        code = part.code
        for one in part.documented:
            heads = [number for number, title in one.titles if is_safety_title(title)]
            if not heads or one.item.unsafe or one.item.kind not in _KINDS or _may_be_owed(outline(code), one.item):
                continue
            if heads[0] in file.new_lines or code.line(one.item.offset) in file.new_lines:
                message = f"`# Safety` on a {_KINDS[one.item.kind]}: {_advice(one.item)}"
                yield file.report(heads[0], message)


def _advice(item: Item) -> str:
    if item.kind in ("fn", "trait"):
        who = "callers" if item.kind == "fn" else "implementations"
        return (
            f"either its {who} have to uphold this and it must be `unsafe {item.kind}`, or the section is wrong here."
        )
    return "only unsafe functions and traits have such a section. Rules of a type go under `# Invariants`."


def _may_be_owed(shape: Outline, item: Item) -> bool:
    """Return whether the item may owe such a section to its surroundings, which may not be shown.

    Foreign functions and the items of unsafe traits have such sections.
    """
    container = shape.container(item.offset)
    if container is None and shape.code.column(item.offset) > 1:
        public = shape.code.code.startswith("pub", item.offset)
        if not public:
            return True
    if container is not None and re.search(r"\bunsafe\b|\bextern\b", container):
        return True
    if item.kind != "fn":
        return False
    end = statement_end(shape.code, item.offset)
    ends = ("", ";") if container is not None and _TRAIT.search(container) else ("",)
    return end is None or end[1] not in ends or shape.in_macro(item.offset)


EXAMPLES = (
    Example(
        "a struct and a safe function",
        """
          | diff rust/kernel/led.rs (new)
          | +/// A light.
          | +///
        ! | +/// # Safety
          | +///
          | +/// The pointer is valid.
          | +#[repr(transparent)]
          | +pub struct Led(*mut u8);
          | +
        ! | +/// # Safety
          | +///
          | +/// Callers hold the lock.
          | +pub(crate) const fn on(x: [u8; 2]) -> u8 {
          | +    0
          | +}
        """,
    ),
    Example(
        "a safe trait and its methods",
        """
          | diff rust/kernel/led.rs (new)
        ! | +/// # Safety
          | +///
          | +/// The pointer is valid.
          | +pub trait Light {
        ! | +    /// # Safety
          | +    ///
          | +    /// Callers hold the lock.
          | +    fn on(&self);
          | +
        ! | +    /// # Safety
          | +    ///
          | +    /// Callers hold the lock.
          | +    fn off(&self) {}
          | +}
          | +
          | +extern "C" {
          | +    /// # Safety
          | +    ///
          | +    /// Callers hold the lock.
          | +    fn led_on();
          | +}
        """,
    ),
    Example(
        "made safe by the patch",
        """
          | diff rust/kernel/led.rs (whole)
        ! |  /// # Safety
          |  ///
          |  /// Callers hold the lock.
          | -pub unsafe fn on() {
          | +pub fn on() {
          |  }
        """,
    ),
    Example(
        "unsafe items, foreign functions, code examples, other headings",
        """
          | diff rust/kernel/led.rs (new)
          | +/// # Safety
          | +pub unsafe fn on() {}
          | +/// # Safety
          | +pub unsafe trait Light {
          | +    /// # Safety
          | +    unsafe fn raw(&self);
          | +    /// # Safety
          | +    ///
          | +    /// Must stay valid.
          | +    type Handle;
          | +}
          | +extern "C" {
          | +    /// # Safety
          | +    fn led_on();
          | +}
          | +/// ```
          | +/// # Safety
          | +/// ```
          | +/// # Safety of this type
          | +struct Led;
          | +/// # Safety
          | +pub unsafe extern "C" fn cb() {}
          | +/// # Safety
          | +macro_rules! led { () => {} }
          | +/// # Safety
          | +unsafe impl Send for Led {}
        """,
    ),
    Example(
        "there before, and cut off",
        """
          | diff rust/kernel/led.rs
          |  /// # Safety
          |  pub fn on() {
          | +    off();
          |  }
          | @@
          | +/// # Safety
          | +pub fn off()
        """,
    ),
)

RULE = Rule(
    id="safety-section-misplaced",
    summary="A `# Safety` section on a type or on a safe function",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("aS2zeUDqqbmYPaug@google.com"),
        LintName("clippy::unnecessary_safety_doc"),
    ),
    examples=EXAMPLES,
    check_file=check,
)
