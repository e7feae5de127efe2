# SPDX-License-Identifier: GPL-2.0-or-later
"""A `# Safety` section in the documentation of a safe item.

## What it flags

The heading `# Safety` in the documentation of a struct, enum, union, type alias, constant, or of a trait or function
that is not `unsafe`, if the patch adds the heading or makes the item safe.

## Why

The section says what callers have to guarantee. A safe function must be sound for every caller, and a type has no
caller: its rules are invariants. A section in the wrong place hides either a function that should be unsafe, or an
invariant.

## How to fix

If callers can violate the text, make the function `unsafe`. Otherwise remove the section: put the rules of a type under
`# Invariants`, and the facts that a function relies on into its `// SAFETY:` comments.

## What it does not flag

Unsafe functions, traits and impls and the items in them, functions of an `extern` block, constants and type aliases of
an unsafe function pointer, `static mut`, macros, modules, and headings inside code examples.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import LintName, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.comments import TAG_WORDS
from rules.source.rust.docs import is_safety_title
from rules.source.rust.items import ItemHead
from rules.source.rust.source import RustSource

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
    """Report each heading on a safe item, if the heading or the first line of the item is new."""
    for source in file.sources_with(b"SAFETY", b"afety"):
        for documented in source.documented_items_with(*TAG_WORDS):
            item = documented.head
            headings = [number for number, title in documented.docs.headings if is_safety_title(title)]
            if not headings or item.is_unsafe or item.kind not in _KINDS or _may_be_unsafe(source, item):
                continue
            if headings[0] in file.new_lines or source.line(item.offset) in file.new_lines:
                message = f"This {_KINDS[item.kind]} has a `# Safety` section. {_advice(item)}"
                yield file.report(headings[0], message)


def _advice(item: ItemHead) -> str:
    if item.kind == "fn":
        return "If its callers have to uphold it, it must be `unsafe fn`. Otherwise remove the section."
    if item.kind == "trait":
        return "If its implementations have to uphold it, it must be `unsafe trait`. Otherwise remove the section."
    return "Only unsafe functions and traits have such a section. Rules of a type go under `# Invariants`."


def _may_be_unsafe(source: RustSource, item: ItemHead) -> bool:
    """Return whether the item may be a foreign function, in an unsafe trait, or itself unsafe to use.

    Its surroundings may not be shown.
    """
    container = source.structure.container(item.offset)
    if container is None and source.column(item.offset) > 1:
        is_public = source.code.startswith("pub", item.offset)
        if not is_public:
            return True
    if container is not None and re.search(r"\bunsafe\b|\bextern\b", container):
        return True
    end = source.structure.statement_end(item.offset)
    if item.kind in ("type", "const", "static"):  # of an unsafe function pointer, or a `static mut`
        return end is None or re.search(r"\b(?:unsafe|static\s+mut)\b", source.code[item.offset : end[0]]) is not None
    if item.kind != "fn" or "proc_macro" in item.attributes:
        return item.kind == "fn"
    ends = ("", ";") if container is not None and _TRAIT.search(container) else ("",)
    return end is None or end[1] not in ends or any(True for _ in source.structure.macros(item.offset))


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
          | +
        ! | +/// # Safety
          | +type Callback = extern "C" fn(*mut u8);
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
          | +/// # Safety
          | +pub type Callback = Option<unsafe extern "C" fn(*mut u8)>;
          | +/// # Safety
          | +pub const OFF: unsafe fn(*mut u8) = off;
          | +/// # Safety
          | +pub static mut COUNT: u32 = 0;
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
          | +#[proc_macro_derive(Light)]
          | +pub fn derive_light(input: TokenStream) -> TokenStream { input }
          | +/// # Safety
          | +unsafe impl Send for Led {}
        """,
    ),
    Example(
        "existing sections, and an item that is cut off",
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
    trigger=Trigger(adds=("# S", "# I", *_WORDS), mentions=("# S", "///")),
)
