# SPDX-License-Identifier: GPL-2.0-or-later
"""A comment with the tag `INVARIANTS:` instead of `INVARIANT:`.

## What it flags

An added comment line that begins with `// INVARIANTS:`.

## Why

A comment that says why the invariants of a type hold begins with `INVARIANT:`, as a comment that says why unsafe code
is sound begins with `SAFETY:`. The plural `# Invariants` is the heading in a type's documentation. With one spelling,
people and tools find all comments.

## How to fix

Write `// INVARIANT:`, even for several invariants.

## What it does not flag

Documentation comments, and comments that the patch only moves or re-wraps.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.source import RustSource

_PLURAL = re.compile(r"INVARIANTS\s*:")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added tag in the plural."""
    for item in introduced(file, "INVARIANTS", _occurrences):
        yield file.report(item, "The tag is `INVARIANT:`, also for several invariants.", fix=item.fix)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for comment in source.comment_blocks_with("INVARIANTS"):
        for number, text in comment.lines:
            if _PLURAL.match(text):
                start = comment.column - 1 if number == comment.lines[0][0] else 0
                end = source.line_text(number).index("INVARIANTS", start) + len("INVARIANTS")
                fix = Edit(number, end, number, end + 1, "")
                yield Occurrence(comment.words, number, comment.column, fix=(fix,))


EXAMPLES = (
    Example(
        "the plural",
        """
          | diff rust/kernel/led.rs (new)
          | +fn new() -> Self {
        ! | +    // INVARIANTS: The pointer is valid.
          | +    Self { ptr }
          | +}
        """,
    ),
    Example(
        "the singular, and documentation",
        """
          | diff rust/kernel/led.rs (new)
          | +/// INVARIANTS: see above.
          | +struct Led;
          | +fn new() -> Self {
          | +    // INVARIANT: The pointer is valid.
          | +    Self { ptr } // The INVARIANTS: hold.
          | +}
        """,
    ),
    Example(
        "re-wrapped",
        """
          | diff rust/kernel/led.rs
          |  fn new() -> Self {
          | -    // INVARIANTS: The pointer is valid.
          | +    // INVARIANTS: The pointer
          | +    // is valid.
          |      Self { ptr }
          |  }
        """,
    ),
)

RULE = Rule(
    id="invariant-tag",
    summary="`INVARIANTS:` instead of `INVARIANT:`",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("2d2689e7-7052-4a92-b6fb-37f25fd05810@proton.me"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("INVARIANTS",)),
)
