# SPDX-License-Identifier: GPL-2.0-or-later
"""An `# Invariants` section on a function.

## What it flags

An added heading `# Invariants` in the documentation of a function.

## Why

Invariants belong to types: they hold from construction to drop, and code may rely on them. A requirement of a function
on its caller is a precondition (`# Safety` of an unsafe function). A promise of a function is a guarantee
(`# Guarantees`).

## How to fix

Move the text to the documentation of the type, or give the section the right heading.

## What it does not flag

Types, traits, impls and modules, headings inside code examples, and sections that existed before.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added heading on a function."""
    for source in file.sources_with(b"Invariant"):
        for documented in source.documented_items_with("Invariant"):
            for number, title in documented.docs.headings:
                is_function = documented.head.kind == "fn"
                if is_function and title in ("Invariants", "Invariant") and number in file.new_lines:
                    message = (
                        "`# Invariants` is a section for types. In the documentation of a function it should be a "
                        "precondition (`# Safety` of an unsafe function) or a guarantee."
                    )
                    yield file.report(number, message)


EXAMPLES = (
    Example(
        "on a function",
        """
          | diff rust/kernel/led.rs (new)
          | +impl Led {
          | +    /// Turns it on.
          | +    ///
        ! | +    /// # Invariants
          | +    ///
          | +    /// The light is on afterwards.
          | +    pub fn on(&self) {}
          | +}
        """,
    ),
    Example(
        "on a type",
        """
          | diff rust/kernel/led.rs (new)
          | +/// A light.
          | +///
          | +/// # Invariants
          | +///
          | +/// `ptr` is valid.
          | +pub struct Led { ptr: *mut u8 }
        """,
    ),
)

RULE = Rule(
    id="invariants-on-fn",
    summary="An `# Invariants` section on a function",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("D9PW1NI2S6FV.8LA53J87VCML@kernel.org"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("# Invariant",)),
)
