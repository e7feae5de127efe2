# SPDX-License-Identifier: GPL-2.0-or-later
"""A comment has two `SAFETY:` tags.

## What it flags

A block of comment lines in which a second line begins with `SAFETY:`.

## Why

A comment justifies the unsafe block below it. If it has two tags, one of them is left over from an edit, or belongs to
other code.

## How to fix

Keep one tag, and list the reasons below it, one bullet for each requirement. If the tags belong to two blocks, put each
comment above its own block.

## What it does not flag

Tags in separate comments, with a blank line or code between them, and comments that the patch only moves or re-wraps.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.comments import TAG_WORDS
from rules.source.rust.source import RustSource

_TAG = re.compile(r"SAFETY\s*:")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added tag that is not the first of its comment."""
    message = "This comment has two `SAFETY:` tags. Please keep one tag, and list the reasons below it."
    for item in introduced(file, "SAFETY", _occurrences):
        yield file.report(item, message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for comment in source.comment_blocks_with(*TAG_WORDS) if source.usual_tags is None else ():
        tags = [number for number, text in comment.lines if _TAG.match(text)] if len(comment.lines) > 1 else []
        words = comment.words if len(tags) > 1 else ""
        for number in tags[1:]:
            yield Occurrence(words, number, comment.column)


EXAMPLES = (
    Example(
        "two tags above one block",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on() {
          | +    // SAFETY: The pointer is valid.
        ! | +    // SAFETY: The lock is held.
          | +    unsafe { a() };
          | +}
        """,
    ),
    Example(
        "each block has its own",
        """
          | diff rust/kernel/led.rs (new)
          | +// SAFETY: `Led` has no thread affinity.
          | +
          | +// SAFETY: All methods take the lock.
          | +unsafe impl Sync for Led {}
          | +fn on() {
          | +    // SAFETY: The pointer is valid, see the SAFETY: comment of `off`.
          | +    // - The lock is held.
          | +    unsafe { a() };
          | +}
        """,
    ),
    Example(
        "re-wrapped",
        """
          | diff rust/kernel/led.rs
          |  fn on() {
          |      // SAFETY: The pointer is valid.
          | -    // SAFETY: The lock
          | -    // is held.
          | +    // SAFETY: The lock is held.
          |      unsafe { a() };
          |  }
        """,
    ),
)

RULE = Rule(
    id="safety-two-tags",
    summary="Two `SAFETY:` tags in one comment",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("Z7imafmrrK0_TO65@pollux"),
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("SAFETY",)),
)
